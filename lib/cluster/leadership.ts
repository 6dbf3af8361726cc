/** Moves leadership over HTTP, as any client could. */

import { LAUNCHER } from "../access/login.ts";
import { makePass, PASS_SCHEME } from "../access/node_pass.ts";
import type { Trust } from "../base/dial.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { requestDirectly } from "../http/direct_request.ts";
import type { NodeId } from "../raft/types.ts";

/** Where to ask, and for whom. */
export interface TransferRequest {
  /** `host:port` of the HTTP port of the node that leads. */
  readonly httpAddress: string;
  /** That node. */
  readonly leaderId: NodeId;
  readonly to: NodeId;
  /** Of the launcher, by which it is let in. */
  readonly secret: string;
  readonly timeoutMs: number;
  /** HTTPS, and whom to believe. */
  readonly trust?: Trust | undefined;
}

/** Of the answer only the status counts. */
const BODY_BYTES_MAX = 1_024;

/** Asks a leader to hand over to another node; whether it says that it has. */
export async function requestTransfer(
  { httpAddress, leaderId, to, secret, timeoutMs, trust }: TransferRequest,
): Promise<boolean> {
  const [method, path, body] = ["POST", "/v1/cluster/leader", JSON.stringify({ node: to })];
  const subject = { to: leaderId, method, path, body };
  const pass = makePass(secret, { subject, login: LAUNCHER.id, nowMs: Date.now() });
  try {
    const { status } = await requestDirectly({
      address: httpAddress,
      method,
      path,
      headers: { "Content-Type": "application/json", Authorization: `${PASS_SCHEME} ${pass}` },
      body: new TextEncoder().encode(body),
      timeoutMs,
      bodyBytesMax: BODY_BYTES_MAX,
      clock: new SystemClock(),
      trust,
    });
    return status === 200;
  } catch {
    return false; // The node has ended or does not answer in time; who leads is asked again in any case.
  }
}
