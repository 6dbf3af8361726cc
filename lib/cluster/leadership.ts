/** Moves leadership over HTTP, as any client could. */

import type { Trust } from "../base/dial.ts";
import { SystemClock } from "../node/clock/system_clock.ts";
import { requestDirectly } from "../http/direct_request.ts";
import type { NodeId } from "../raft/types.ts";

/** Where to ask, and for whom. */
export interface TransferRequest {
  /** `host:port` of the HTTP port of the node that leads. */
  readonly httpAddress: string;
  readonly to: NodeId;
  readonly timeoutMs: number;
  /** HTTPS, and whom to believe. */
  readonly trust?: Trust | undefined;
}

/** Of the answer only the status counts. */
const BODY_BYTES_MAX = 1_024;

/** Asks a leader to hand over to another node; whether it says that it has. */
export async function requestTransfer({ httpAddress, to, timeoutMs, trust }: TransferRequest): Promise<boolean> {
  try {
    const { status } = await requestDirectly({
      address: httpAddress,
      method: "POST",
      path: "/v1/cluster/leader",
      headers: { "Content-Type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify({ node: to })),
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
