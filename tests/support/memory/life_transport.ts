/** A transport as one life of a process has it: nothing reaches a process that is gone, and what reaches a paused one waits. */

import type { Message } from "../../../lib/raft/messages.ts";
import { isForwarding, type PeerMessage } from "../../../lib/transport/forward.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type {
  Greeting,
  PeerAddresses,
  PeerInfo,
  Transport,
  TransportHandler,
} from "../../../lib/transport/transport.ts";
import type { Life } from "./life.ts";

/** Whose transport it is, and who is told of its traffic. */
export interface LifeTransportParts {
  readonly life: Life;
  /** A message of the core leaves. */
  sent(message: Message): void;
  /** Another process has introduced itself. */
  greeted(greeting: Greeting): void;
}

/** A `Transport` around the one of the network in memory. */
export class LifeTransport implements Transport {
  readonly #inner: Transport;
  readonly #parts: LifeTransportParts;

  constructor(inner: Transport, parts: LifeTransportParts) {
    this.#inner = inner;
    this.#parts = parts;
  }

  /** See `Transport`. A paused process does not answer greetings either. */
  start(handler: TransportHandler): Promise<void> {
    const { life } = this.#parts;
    return this.#inner.start({
      receive: (message) => this.#arrive(() => handler.receive(message)),
      disconnected: (peer) => this.#arrive(() => handler.disconnected(peer)),
      connected: (peer) => this.#arrive(() => handler.connected(peer)),
      admit: (greeting) => {
        if (life.paused) return { reason: "no answer", removed: false };
        this.#parts.greeted(greeting);
        return handler.admit(greeting);
      },
      refusedBy: (peer, clusterId) => this.#arrive(() => handler.refusedBy(peer, clusterId)),
      acquaint: (greeting, wantsId) => {
        this.#parts.greeted(greeting);
        return handler.acquaint(greeting, wantsId);
      },
      acquainted: (greeting, members) =>
        this.#arrive(() => {
          this.#parts.greeted(greeting);
          handler.acquainted(greeting, members);
        }),
      removed: () => this.#arrive(() => handler.removed()),
      status: () => handler.status(),
    });
  }

  /** See `Transport`. */
  send(message: PeerMessage): boolean {
    if (!isForwarding(message)) this.#parts.sent(message);
    return this.#inner.send(message);
  }

  /** See `Transport`. */
  flush(): void {
    this.#inner.flush();
  }

  /** See `Transport`. */
  setPeers(peers: readonly PeerAddresses[]): void {
    this.#inner.setPeers(peers);
  }

  /** See `Transport`. */
  reset(peer: NodeId): void {
    this.#inner.reset(peer);
  }

  /** See `Transport`. */
  peers(): readonly PeerInfo[] {
    return this.#inner.peers();
  }

  /** See `Transport`. */
  counts(): ReturnType<Transport["counts"]> {
    return this.#inner.counts();
  }

  /** See `Transport`. */
  stop(): Promise<void> {
    return this.#inner.stop();
  }

  #arrive(action: () => void): void {
    const { life } = this.#parts;
    if (!life.alive) return;
    if (life.paused) life.heldArrivals.push(action);
    else action();
  }
}
