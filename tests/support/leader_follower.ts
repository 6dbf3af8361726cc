/** One client of a cluster: its connections, and the node it takes for the leader, which its replies tell it. */

import type { Connection, NodePorts, Protocol, ReadReply, WriteReply } from "./protocols/protocol.ts";
import { delay } from "./wait.ts";

/** Without a pause, clients of a dead cluster would take the processor from it. */
const RETRY_PAUSE_MS = 10;

/** Whom it follows, and how. */
export interface LeaderFollowerOptions {
  readonly protocol: Protocol;
  readonly ports: NodePorts;
  /** The node that is asked first. */
  readonly first: number;
  /** Deadline of each reply. */
  readonly replyTimeoutMs: number;
}

/** Keeps a connection to each node that it has asked. What it is for is up to its user; whom to ask, it knows. */
export class LeaderFollower {
  readonly #options: LeaderFollowerOptions;
  readonly #connections = new Map<number, Connection>();
  #leader: number;

  constructor(options: LeaderFollowerOptions) {
    this.#options = options;
    this.#leader = options.first % options.ports.clients.length;
  }

  /** The node to write to, if only the leader takes writes. */
  get leader(): number {
    return this.#leader;
  }

  /** A connection to a node; undefined, after a pause, when it does not listen. Nothing was sent then. */
  async connect(node: number): Promise<Connection | undefined> {
    const known = this.#connections.get(node);
    if (known !== undefined && !known.closed) return known;
    const { protocol, ports, replyTimeoutMs } = this.#options;
    try {
      const connection = await protocol.connect(ports, node, replyTimeoutMs);
      this.#connections.set(node, connection);
      return connection;
    } catch {
      return await this.#tryNext(node);
    }
  }

  /** Learns from a node's reply whom to ask next; resolves when it may be asked. */
  async heed(node: number, reply: WriteReply | ReadReply): Promise<void> {
    if (reply.type === "NotDone" && reply.leader !== undefined && reply.leader !== this.#leader) {
      this.#leader = reply.leader;
    } else if (reply.type === "NotDone" || reply.type === "Surprise") {
      await this.#tryNext(node);
    } else if (this.#connections.get(node)?.closed === true) {
      this.#moveOn(node);
    }
  }

  /** Closes all connections. */
  close(): void {
    for (const connection of this.#connections.values()) connection.close();
  }

  async #tryNext(node: number): Promise<undefined> {
    this.#moveOn(node);
    await delay(RETRY_PAUSE_MS);
  }

  /** After a node that was taken for the leader and is not, or does not answer. */
  #moveOn(node: number): void {
    if (node === this.#leader) this.#leader = (node + 1) % this.#options.ports.clients.length;
  }
}
