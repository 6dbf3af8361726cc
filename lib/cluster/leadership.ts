/** Moves leadership over HTTP, as any client could. */

import type { NodeId } from "../raft/types.ts";

/** Where to ask, and for whom. */
export interface TransferRequest {
  /** `host:port` of the HTTP port of the node that leads. */
  readonly httpAddress: string;
  readonly to: NodeId;
  readonly timeoutMs: number;
}

/** Asks a leader to hand over to another node; whether it says that it has. */
export async function requestTransfer({ httpAddress, to, timeoutMs }: TransferRequest): Promise<boolean> {
  try {
    const reply = await fetch(`http://${httpAddress}/v1/cluster/leader`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ node: to }),
      signal: AbortSignal.timeout(timeoutMs),
    });
    await reply.body?.cancel();
    return reply.ok;
  } catch {
    return false; // The node has ended or does not answer in time; who leads is asked again in any case.
  }
}
