/** `/v1/launcher`: where the local launcher started this node, what people may do to the nodes to watch Raft recover. */

import { textToByteString } from "../../base/bytes.ts";
import type { HttpReply } from "../http.ts";
import { type LauncherAnswer, type LauncherPort, NODE_ACTIONS } from "../launcher_port.ts";
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
            restart_pending: {
              type: "boolean",
              description: "A rolling restart was begun, and its process is still the one of before.",
            },
          },
          required: ["id", "pid", "state", "partitioned", "restart_pending"],
        },
      },
      added: { type: "integer", description: "The node that was started because somebody asked for one more." },
      token: { type: "string", description: "What changes something here needs it in X-KV-Token." },
    },
    required: ["nodes", "token"],
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

const TOKEN = {
  name: "X-KV-Token",
  description: "The token of this node, which `GET /v1/launcher` and `/v1/live` tell.",
  schema: { type: "string" },
  required: true,
} as const;

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
    handle: async ({ context: { launcher, token } }) =>
      launcher === undefined ? noLauncher() : showAnswer(await launcher.status(), { token }),
  },
  {
    method: "POST",
    path: "/v1/launcher/rolling-restart",
    id: "beginRollingRestart",
    tag: "Local cluster",
    summary: "Notes which processes a rolling restart has to replace; one that was begun and not finished goes on.",
    query: [],
    headers: [TOKEN],
    responses: { [OK]: NODES, 404: NO_LAUNCHER, 502: LAUNCHER_GONE },
    handle: (call) =>
      withLauncher(call, async (launcher) => showAnswer(await launcher.beginRollingRestart(), call.context)),
  },
  {
    method: "POST",
    path: "/v1/launcher/nodes",
    id: "addLaunchedNode",
    tag: "Local cluster",
    summary:
      "Starts one more node of a local cluster, on the next ports, which joins by itself. Always needs the token.",
    query: [],
    headers: [TOKEN],
    responses: {
      [OK]: NODES,
      404: NO_LAUNCHER,
      409: { description: "`not_added`: nothing was started; `detail` says why.", contentType: PROBLEM_TYPE },
      502: LAUNCHER_GONE,
    },
    handle: (call) =>
      withLauncher(
        call,
        async (launcher) => showAnswer(await launcher.addNode(), { ...call.context, refusal: "not_added" }),
      ),
  },
  {
    method: "POST",
    path: "/v1/launcher/nodes/{id}/{action}",
    id: "actOnNode",
    tag: "Local cluster",
    summary: `Does something to a node of a local cluster: ${NODE_ACTIONS.join(", ")}. Always needs the token.`,
    query: [],
    headers: [TOKEN],
    responses: {
      [OK]: NODES,
      404: NO_LAUNCHER,
      409: { description: "`wrong_state`: the node is not in a state for that.", contentType: PROBLEM_TYPE },
      502: LAUNCHER_GONE,
    },
    handle: actOnNode,
  },
];

/** Does that if the request carries the token and there is a launcher. */
async function withLauncher(
  { context, request }: RouteCall,
  act: (launcher: LauncherPort) => Promise<HttpReply>,
): Promise<HttpReply> {
  if (!hasToken(request, context)) {
    const detail = "This needs the token of this node in X-KV-Token; /v1/launcher has it";
    return problem({ status: 403, code: "bad_token", detail });
  }
  return context.launcher === undefined ? noLauncher() : await act(context.launcher);
}

function actOnNode(call: RouteCall): Promise<HttpReply> {
  return withLauncher(call, async (launcher) => {
    const id = readCount(call.path.get("id") ?? "");
    const action = NODE_ACTIONS.find((known) => known === call.path.get("action"));
    if (id === undefined || action === undefined) {
      return problem({ status: 404, code: "not_found", detail: `A node can be asked to ${NODE_ACTIONS.join(", ")}` });
    }
    return showAnswer(await launcher.act(id, action), call.context);
  });
}

function showAnswer(
  answer: LauncherAnswer,
  { token, refusal = "wrong_state" }: { readonly token: string; readonly refusal?: string },
): HttpReply {
  if (answer.type === "Gone") {
    return problem({ status: 502, code: "launcher_gone", detail: "The launcher did not answer" });
  }
  if (answer.type === "Refused") {
    return problem({ status: 409, code: refusal, detail: textToByteString(answer.reason) });
  }
  const nodes = answer.nodes.map(({ id, pid = null, state, partitioned, restartPending }) => {
    return { id, pid, state, partitioned, restart_pending: restartPending };
  });
  const headers = [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]] as const;
  const added = answer.added === undefined ? {} : { added: answer.added };
  return { status: OK, headers, body: `${JSON.stringify({ nodes, ...added, token })}\n` };
}

function noLauncher(): HttpReply {
  const detail = "This node was not started by the local launcher, so nobody can do that to its nodes from here";
  return problem({ status: 404, code: "no_launcher", detail });
}
