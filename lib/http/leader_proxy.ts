/** Requests that only the leader can answer and that are no writes of the log: a node that does not lead asks the leader's HTTP. */

import { stringToBytes } from "../base/bytes.ts";
import { requestDirectly } from "./direct_request.ts";
import type { HttpReply } from "./http.ts";
import { notDone, problem } from "./problem.ts";
import type { RouteCall } from "./route.ts";

/** How long the leader may take. */
export const PROXY_TIMEOUT_MS = 10_000;
/** Longest answer that is passed on; those of the leader are a line. */
export const PROXY_BYTES_MAX = 65_536;
/** A request that carries it was passed on once and is not passed on again. */
const FORWARDED = "x-kv-forwarded";

/** Passes the request on to the leader and its answer back. */
export async function askLeader({ context: { node, log, clock }, request }: RouteCall): Promise<HttpReply> {
  const { raft: { leaderId } } = node.status();
  const address = node.members().find(({ id }) => id === leaderId && id !== node.id)?.httpAddress ?? "";
  if (address === "" || request.headers.has(FORWARDED)) return notDone({ reason: "NoLeader" });
  try {
    const { status, contentType = "application/json", body } = await requestDirectly({
      address,
      method: request.method,
      path: request.path,
      headers: { [FORWARDED]: String(node.id), "x-request-id": request.id },
      body: stringToBytes(request.body),
      timeoutMs: PROXY_TIMEOUT_MS,
      bodyBytesMax: PROXY_BYTES_MAX,
      clock,
    });
    return { status, headers: [["Content-Type", contentType]], body };
  } catch (error) {
    // Whether the leader did it is not known: the connection broke, or it took too long.
    const why = error instanceof Error ? error.message : String(error);
    log("warn", `The leader did not answer a request that was passed on: ${why}`);
    return problem({ status: 504, code: "outcome_unknown", detail: "The leader did not answer in time" });
  }
}
