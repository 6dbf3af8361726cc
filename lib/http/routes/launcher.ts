/** `/v1/launcher`: where the local launcher started this node, what people may do to the nodes to watch Raft recover. */

import type { HttpReply } from "../http.ts";
import { type LauncherAnswer, NODE_ACTIONS } from "../launcher_port.ts";
import { readCount } from "../parameters.ts";
import { problem, PROBLEM_TYPE } from "../problem.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";
import { hasToken } from "../token.ts";

const OK = 200;
const JSON_TYPE = "application/json";

const NODES: ResponseDescription = {
  description: "The nodes that the launcher started.",
  contentType: JSON_TYPE,
  schema: {
    type: "object",
    properties: {
      nodes: {
        type: "array",
        items: {
          type: "object",
          properties: {
            id: { type: "integer", minimum: 0 },
            pid: { type: ["integer", "null"] },
            state: { type: "string", enum: ["Running", "Paused", "Down", "Waiting", "Ended"] },
            partitioned: { type: "boolean" },
          },
          required: ["id", "pid", "state", "partitioned"],
        },
      },
    },
    required: ["nodes"],
  },
};

const NO_LAUNCHER: ResponseDescription = {
  description: "`no_launcher`: this node was not started by the local launcher.",
  contentType: PROBLEM_TYPE,
};

const LAUNCHER_GONE: ResponseDescription = {
  description: "`launcher_gone`: the launcher did not answer.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const LAUNCHER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/launcher",
    id: "getLauncher",
    tag: "Local cluster",
    summary: "The nodes of a local cluster as its launcher knows them.",
    query: [],
    headers: [],
    responses: { [OK]: NODES, 404: NO_LAUNCHER, 502: LAUNCHER_GONE },
    handle: async ({ context: { launcher } }) =>
      launcher === undefined ? noLauncher() : showAnswer(await launcher.status()),
  },
  {
    method: "POST",
    path: "/v1/launcher/nodes/{id}/{action}",
    id: "actOnNode",
    tag: "Local cluster",
    summary: `Does something to a node of a local cluster: ${NODE_ACTIONS.join(", ")}. Always needs the token.`,
    query: [],
    headers: [{
      name: "X-KV-Token",
      description: "The token of this node, which `/v1/live` tells.",
      schema: { type: "string" },
      required: true,
    }],
    responses: {
      [OK]: NODES,
      404: NO_LAUNCHER,
      409: { description: "`wrong_state`: the node is not in a state for that.", contentType: PROBLEM_TYPE },
      502: LAUNCHER_GONE,
    },
    handle: actOnNode,
  },
];

async function actOnNode({ context, request, path }: RouteCall): Promise<HttpReply> {
  const { launcher } = context;
  if (!hasToken(request, context)) {
    const detail = "This needs the token of this node in X-KV-Token; /v1/live has it";
    return problem({ status: 403, code: "bad_token", detail });
  }
  if (launcher === undefined) return noLauncher();
  const id = readCount(path.get("id") ?? "");
  const action = NODE_ACTIONS.find((known) => known === path.get("action"));
  if (id === undefined || action === undefined) {
    return problem({ status: 404, code: "not_found", detail: `A node can be asked to ${NODE_ACTIONS.join(", ")}` });
  }
  return showAnswer(await launcher.act(id, action));
}

function showAnswer(answer: LauncherAnswer): HttpReply {
  if (answer.type === "Gone") {
    return problem({ status: 502, code: "launcher_gone", detail: "The launcher did not answer" });
  }
  if (answer.type === "Refused") return problem({ status: 409, code: "wrong_state", detail: answer.reason });
  const nodes = answer.nodes.map((node) => ({ ...node, pid: node.pid ?? null }));
  const headers = [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]] as const;
  return { status: OK, headers, body: `${JSON.stringify({ nodes })}\n` };
}

function noLauncher(): HttpReply {
  const detail = "This node was not started by the local launcher, so nobody can do that to its nodes from here";
  return problem({ status: 404, code: "no_launcher", detail });
}
