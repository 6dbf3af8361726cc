/** Requests that only the leader can answer and that are no writes of the log: a node that does not lead asks the leader's HTTP. */

import { stringToBytes } from "../base/bytes.ts";
import { TlsError } from "../base/dial.ts";
import { PASS_SCHEME, type PassSubject } from "../access/node_pass.ts";
import type { NodeMonitor } from "../node/api.ts";
import { type DirectReply, requestDirectly } from "./direct_request.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { notDone, problem } from "./problem.ts";
import type { HttpContext, RouteCall } from "./route.ts";

/** How long the leader may take. */
export const PROXY_TIMEOUT_MS = 10_000;
/** Longest answer that is passed on; those of the leader are a line. */
export const PROXY_BYTES_MAX = 65_536;
/** A request that carries it was passed on once and is not passed on again. */
const FORWARDED = "x-kv-forwarded";

/** What asks the leader. */
export type Asker = Pick<HttpContext, "log" | "clock" | "https" | "login" | "gate"> & { readonly node: NodeMonitor };

/** Passes the request on to the leader and its answer back. */
export async function askLeader({ context, request }: RouteCall): Promise<HttpReply> {
  if (request.headers.has(FORWARDED)) return notDone({ reason: "NoLeader" });
  const reply = await requestLeader(context, request);
  if (reply === "NoLeader") return notDone({ reason: "NoLeader" });
  if (reply === "NoTls") {
    const detail = "The leader cannot be asked over HTTPS, and the log of this node says why; nothing was done";
    return problem({ status: 503, code: "no_leader", detail });
  }
  if (reply === "Unknown") {
    return problem({ status: 504, code: "outcome_unknown", detail: "The leader did not answer in time" });
  }
  const { status, contentType = "application/json", body } = reply;
  return { status, headers: [["Content-Type", contentType]], body };
}

/**
 * Sends a request to the leader's HTTP or HTTPS. "NoTls": it was not sent, since its certificate is not believed or it speaks no TLS.
 * "Unknown": whether it was done is not known, the connection broke or it took too long.
 */
export async function requestLeader(
  asker: Asker,
  { method, path, body, id }: Pick<HttpRequest, "method" | "path" | "body" | "id">,
): Promise<DirectReply | "NoLeader" | "NoTls" | "Unknown"> {
  const { node, log, clock, https } = asker;
  const { raft: { leaderId } } = node.status();
  const address = node.members().find((member) => member.id === leaderId && leaderId !== node.id)?.httpAddress ?? "";
  if (address === "" || leaderId === undefined) return "NoLeader";
  try {
    return await requestDirectly({
      address,
      method,
      path,
      headers: {
        [FORWARDED]: String(node.id),
        "x-request-id": id,
        ...passFor(asker, { to: leaderId, method, path, body }),
      },
      body: stringToBytes(body),
      timeoutMs: PROXY_TIMEOUT_MS,
      bodyBytesMax: PROXY_BYTES_MAX,
      clock,
      trust: https,
    });
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    if (error instanceof TlsError) {
      log("warn", `A request cannot be passed on to the leader: ${why}; --tls-ca names the CA of its certificate`);
      return "NoTls";
    }
    log("warn", `The leader did not answer a request that was passed on: ${why}`);
    return "Unknown";
  }
}

/** The leader judges once more whether that user still may. */
function passFor({ login, gate }: Asker, subject: PassSubject): Readonly<Record<string, string>> {
  const pass = login === undefined ? undefined : gate.makePass(subject, login);
  return pass === undefined ? {} : { authorization: `${PASS_SCHEME} ${pass}` };
}
