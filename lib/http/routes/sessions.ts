/** `/v1/sessions`: in a session a write is done at most once, however often its request is sent. */

import { SESSION_TTL_MS } from "../../kv/sessions.ts";
import type { HttpReply } from "../http.ts";
import { IDEMPOTENCY_KEY, readCount, readTtl } from "../parameters.ts";
import { badRequest, isProblem, problem, PROBLEM_TYPE, refusalProblem } from "../problem.ts";
import type { Parameter, ResponseDescription, Route, RouteCall } from "../route.ts";
import { submit } from "../writes.ts";

const OK = 200;
const CREATED = 201;
const JSON_TYPE = "application/json";

const TTL: Parameter = {
  name: "ttl",
  description: "How long the session lives without being used.",
  schema: { type: "string", pattern: "^[0-9]{1,15}(ms|s|m|h|d)$", default: `${SESSION_TTL_MS.otherwise}ms` },
};

const NO_SESSION: ResponseDescription = {
  description: "`no_session`: it expired, was closed, or never existed.",
  contentType: PROBLEM_TYPE,
};

const NOT_A_SESSION: ResponseDescription = {
  description: "`not_found`: a session is a number.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const SESSION_ROUTES: readonly Route[] = [
  {
    method: "POST",
    path: "/v1/sessions",
    id: "openSession",
    isForUsers: true,
    tag: "Sessions",
    summary: "Opens a session. Its number goes before the colon of `Idempotency-Key`.",
    query: [TTL],
    headers: [IDEMPOTENCY_KEY],
    responses: {
      [CREATED]: {
        description: "The session is open.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: { id: { type: "integer", minimum: 1 }, ttl_ms: { type: "integer", minimum: 1 } },
          required: ["id", "ttl_ms"],
        },
      },
    },
    handle: openSession,
  },
  {
    method: "POST",
    path: "/v1/sessions/{id}/keepalive",
    id: "keepSessionAlive",
    isForUsers: true,
    tag: "Sessions",
    summary: "Uses a session, so that it lives on.",
    query: [],
    headers: [IDEMPOTENCY_KEY],
    responses: { [OK]: { description: "The session lives on." }, 404: NOT_A_SESSION, 410: NO_SESSION },
    handle: (call) => useSession(call, "KeepAlive"),
  },
  {
    method: "DELETE",
    path: "/v1/sessions/{id}",
    id: "closeSession",
    isForUsers: true,
    tag: "Sessions",
    summary: "Ends a session.",
    query: [],
    headers: [IDEMPOTENCY_KEY],
    responses: { [OK]: { description: "The session is closed." }, 404: NOT_A_SESSION, 410: NO_SESSION },
    handle: (call) => useSession(call, "CloseSession"),
  },
];

async function openSession(call: RouteCall): Promise<HttpReply> {
  const ttlMs = readTtl(call) ?? SESSION_TTL_MS.otherwise;
  if (typeof ttlMs === "object") return ttlMs;
  const { least, most } = SESSION_TTL_MS;
  if (ttlMs < least || ttlMs > most) return badRequest(`ttl of a session must lie between ${least} ms and ${most} ms`);
  const result = await submit(call, { type: "OpenSession", ttlMs, isOwned: true });
  if (isProblem(result)) return result;
  if (result.type !== "Reply" || typeof result.reply !== "number") return refusalProblem("SequenceReused");
  const id = result.reply;
  return {
    status: CREATED,
    headers: [["Content-Type", JSON_TYPE], ["Location", `/v1/sessions/${id}`], [
      "X-KV-Revision",
      String(result.revision),
    ]],
    body: `${JSON.stringify({ id, ttl_ms: ttlMs })}\n`,
  };
}

async function useSession(call: RouteCall, type: "KeepAlive" | "CloseSession"): Promise<HttpReply> {
  const session = readCount(call.path.get("id") ?? "");
  if (session === undefined) return problem({ status: 404, code: "not_found", detail: "A session is a number" });
  const result = await submit(call, { type, session });
  if (isProblem(result)) return result;
  return { status: OK, headers: [["X-KV-Revision", String(result.revision)]], body: "" };
}
