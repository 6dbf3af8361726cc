/** `/livez` and `/readyz`, as Kubernetes asks them, and `/health`, as etcd answers it. */

import type { HttpReply } from "../http.ts";
import { type HealthCheck, LIVE_CHECKS, READY_CHECKS } from "../health_checks.ts";
import type { Parameter, ResponseDescription, Route, RouteCall } from "../route.ts";

const TEXT = "text/plain; charset=utf-8";
const JSON_TYPE = "application/json";
const OK = 200;
const UNAVAILABLE = 503;

const VERBOSE: Parameter = {
  name: "verbose",
  description: "One line for each check, also when all is well.",
  schema: { type: "string" },
};

const EXCLUDE: Parameter = {
  name: "exclude",
  description: "Names of checks, with commas between, that shall not count.",
  schema: { type: "string" },
};

const HEALTH_SCHEMA = {
  type: "object",
  properties: { health: { type: "string", enum: ["true", "false"] }, reason: { type: "string" } },
  required: ["health", "reason"],
};

/** The operations, for the table of routes. */
export const HEALTH_ROUTES: readonly Route[] = [
  checkRoute({
    path: "/livez",
    id: "getLivez",
    summary: "Whether the process works. Never depends on other nodes.",
    checks: LIVE_CHECKS,
  }),
  checkRoute({
    path: "/readyz",
    id: "getReadyz",
    summary: "Whether this node can serve clients: it knows a leader, is up to date, has space and is not stopping.",
    checks: READY_CHECKS,
  }),
  {
    method: "GET",
    path: "/health",
    id: "getHealth",
    isOpen: true,
    isHealth: true,
    tag: "Monitoring",
    summary: "Whether this node can confirm a linearizable read with a majority.",
    query: [],
    headers: [],
    responses: {
      [OK]: { description: "It can.", contentType: JSON_TYPE, schema: HEALTH_SCHEMA },
      [UNAVAILABLE]: { description: "It cannot.", contentType: JSON_TYPE, schema: HEALTH_SCHEMA },
    },
    handle: getHealth,
  },
];

interface CheckRoute {
  readonly path: string;
  readonly id: string;
  readonly summary: string;
  readonly checks: readonly HealthCheck[];
}

function checkRoute({ path, id, summary, checks }: CheckRoute): Route {
  const described = (description: string): ResponseDescription => ({ description, contentType: TEXT });
  return {
    method: "GET",
    path,
    id,
    isOpen: true,
    isHealth: true,
    tag: "Monitoring",
    summary,
    query: [VERBOSE, EXCLUDE],
    headers: [],
    responses: { [OK]: described("Every check passed."), [UNAVAILABLE]: described("Which checks failed, and why.") },
    handle: (call) => runChecks(call, { checks, name: path.slice(1) }),
  };
}

function runChecks(
  { context: { node }, query }: RouteCall,
  { checks, name }: { readonly checks: readonly HealthCheck[]; readonly name: string },
): HttpReply {
  const excluded = new Set((query.get("exclude") ?? "").split(",").filter((word) => word !== ""));
  const facts = { node, status: node.status(), health: node.health() };
  let hasFailed = false;
  const lines = checks.map((check) => {
    if (excluded.delete(check.name)) return `[+]${check.name} excluded: ok`;
    const failure = check.failure(facts);
    if (failure === undefined) return `[+]${check.name} ok`;
    hasFailed = true;
    return `[-]${check.name} failed: ${failure}`;
  });
  // What is excluded by a wrong name still counts, and whoever asked should learn why.
  if (excluded.size > 0) lines.push("warn: some of the checks to exclude do not exist");
  if (hasFailed) return text(UNAVAILABLE, [...lines, `${name} check failed`]);
  return text(OK, query.has("verbose") ? [...lines, `${name} check passed`] : ["ok"]);
}

function text(status: number, lines: readonly string[]): HttpReply {
  const headers = [["Content-Type", TEXT], ["Cache-Control", "no-store"]] as const;
  return { status, headers, body: lines.map((line) => `${line}\n`).join("") };
}

function getHealth({ context: { node } }: RouteCall): Promise<HttpReply> {
  return new Promise((resolve) => {
    node.read((outcome) => {
      const reason = outcome.type === "Ready" ? "" : `the read was not confirmed: ${outcome.reason}`;
      resolve({
        status: reason === "" ? OK : UNAVAILABLE,
        headers: [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]],
        body: `${JSON.stringify({ health: String(reason === ""), reason })}\n`,
      });
    });
  });
}
