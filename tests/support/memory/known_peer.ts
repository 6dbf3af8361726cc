/** What a transport in memory knows of one peer, and at which of its addresses it dials it, as `Peer` of the transport over TCP does. */

import type { PeerMessage } from "../../../lib/transport/forward.ts";
import type { PeerInfo } from "../../../lib/transport/transport.ts";

/** What is told of a peer. */
type Told = Omit<PeerInfo, "id" | "address" | "reachable" | "roundTripMs" | "bytesSent">;

/** One peer that is listed. */
export class KnownPeer implements Told {
  outbox: PeerMessage[] = [];
  status: Told["status"];
  lastAnswer: Told["lastAnswer"];
  versions: Told["versions"];
  lastContact: Told["lastContact"];
  bytesReceived = 0;
  framesDropped = 0;
  problem: Told["problem"];
  #addresses: readonly string[] = [];
  #inUse = 0;

  /** The address to dial now; "" when none was given. */
  get address(): string {
    return this.#addresses[this.#inUse] ?? "";
  }

  /** An attempt failed: the next one goes to the next address. */
  tryNextAddress(): void {
    this.#inUse = (this.#inUse + 1) % Math.max(1, this.#addresses.length);
  }

  /** Takes other addresses, the best first; false when the connection in use leads to none of them. */
  moveTo(addresses: readonly string[], { isConnected }: { readonly isConnected: boolean }): boolean {
    const { address: used } = this;
    if (addresses.join() === this.#addresses.join()) return true;
    const at = addresses.indexOf(used);
    this.#addresses = addresses;
    this.#inUse = isConnected && at >= 0 ? at : 0;
    return at >= 0;
  }

  /** For a view of it. */
  told(): Told & Pick<PeerInfo, "address"> {
    const { address, status, lastAnswer, versions, lastContact, bytesReceived, framesDropped, problem } = this;
    return { address, status, lastAnswer, versions, lastContact, bytesReceived, framesDropped, problem };
  }
}
