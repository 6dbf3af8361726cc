/** What the transport tells a node: messages, and who comes and goes. */

import { fault } from "../base/faults.ts";
import type { NodeId } from "../raft/types.ts";
import type { PeerMessage } from "../transport/forward.ts";
import type {
  Acquaintance,
  Greeting,
  PeerAddress,
  PeerRefusal,
  PeerStatus,
  TransportHandler,
} from "../transport/transport.ts";
import { ForwardedWrites } from "./writes/forwarded_writes.ts";
import type { Parts, Stages } from "./parts.ts";

type Needed = Stages & Pick<Parts, "monitor">;

/** Gives each event to the part of the node that it concerns. */
export class PeerEvents implements TransportHandler {
  readonly #parts: Needed;
  readonly #forwardedWrites: ForwardedWrites;

  constructor(parts: Needed) {
    this.#parts = parts;
    this.#forwardedWrites = new ForwardedWrites({ ...parts, self: parts.options.nodeId });
  }

  /** See `TransportHandler`. */
  receive(message: PeerMessage): void {
    if (message.type === "ForwardResult") return this.#parts.submissions.takeResult(message);
    if (message.type === "Forward") return this.#forwardedWrites.take(message);
    this.#parts.inbox.put({ type: "Receive", message });
  }

  /** See `TransportHandler`. */
  disconnected(peer: NodeId): void {
    this.#parts.submissions.disconnected(peer);
    if (!fault("node/disconnectNotTold")) this.#parts.inbox.put({ type: "PeerDisconnected", peer });
  }

  /** See `TransportHandler`. */
  connected(peer: NodeId): void {
    this.#parts.log("debug", `Connected with node ${peer}`);
  }

  /** See `TransportHandler`. */
  admit(greeting: Greeting): PeerRefusal | undefined {
    // Who waits to be admitted says nothing of value: it knows neither a cluster nor that there is none.
    if (greeting.clusterId !== "" || !greeting.rejoin) this.refusedBy(greeting.nodeId, greeting.clusterId);
    return this.#parts.directory.admit(greeting);
  }

  /** See `TransportHandler`. Who knows a cluster keeps a node that knows none from beginning another. */
  refusedBy(peer: NodeId, clusterId: string): void {
    if (this.#parts.raft.clusterId !== undefined) return;
    this.#parts.inbox.put({ type: "PeerIntroduced", peer, knowsCluster: clusterId !== "" });
  }

  /** See `TransportHandler`. */
  acquaint(greeting: Greeting, wantsId: boolean): Acquaintance {
    this.#hearOfCluster(greeting);
    return this.#parts.directory.acquaint(greeting, wantsId);
  }

  /** See `TransportHandler`. */
  acquainted(greeting: Greeting, members: readonly PeerAddress[]): void {
    this.#hearOfCluster(greeting);
    this.#parts.directory.acquainted(greeting, members);
  }

  /** See `TransportHandler`. */
  removed(): void {
    this.#parts.directory.removed();
  }

  /** See `TransportHandler`. */
  status(): PeerStatus {
    return this.#parts.monitor.peerStatus();
  }

  /** Whoever asks who is there, or is asked, may be no peer, and may know no cluster either; that there is one counts. */
  #hearOfCluster({ nodeId, clusterId }: Greeting): void {
    if (clusterId !== "") this.refusedBy(nodeId, clusterId);
  }
}
