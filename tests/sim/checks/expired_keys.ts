/** A key that a read took for expired is never seen again: neither by a read that begins afterwards, nor by any later entry. */

import type { Node } from "../../../lib/node/node.ts";
import type { Entry } from "../../../lib/raft/types.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { Reference } from "../reference.ts";
import type { SimServer } from "../server.ts";

/** What a read began with. */
export interface BegunRead {
  readonly server: SimServer;
  readonly operation: string;
  readonly hiddenMs: number;
}

/** Remembers the latest deadline that a read took for passed before the log did. */
export class ExpiredKeys implements Check {
  readonly name = "expired-keys";
  readonly #reference: Reference;
  readonly #servers: readonly SimServer[];
  readonly #violate: Violate;
  /** What each life has hidden. */
  readonly #byLife = new WeakMap<object, number>();
  #hiddenMs = 0;

  constructor(parts: { readonly reference: Reference; readonly servers: readonly SimServer[] }, violate: Violate) {
    this.#reference = parts.reference;
    this.#servers = parts.servers;
    this.#violate = violate;
  }

  /** The latest deadline that a read has taken for passed so far. */
  get hiddenMs(): number {
    return this.#hiddenMs;
  }

  /** A linearizable read is about to be answered from the present state of `node`. */
  read({ server, operation, hiddenMs }: BegunRead, node: Node): void {
    const { readTimeMs } = node.state;
    if (readTimeMs < hiddenMs) {
      this.#violate(
        `${operation} on node ${server.id} judges by ${readTimeMs}, after a read took ${hiddenMs} for passed`,
      );
    }
    this.#look(server, node);
  }

  /** See `Check`. Stale reads may be old, but on one node they do not go back. */
  watch(): void {
    for (const server of this.#servers) {
      if (server.node !== undefined && server.state === "Running") this.#look(server, server.node);
    }
  }

  /** What a node has hidden once it hides for good, and so along each connection. */
  #look(server: SimServer, node: Node): void {
    const before = this.#byLife.get(server.life) ?? 0;
    const { readTimeMs } = node.state;
    if (readTimeMs < before) this.#violate(`node ${server.id} judges by ${readTimeMs}, and took ${before} for passed`);
    this.#byLife.set(server.life, Math.max(before, this.#note(server, node)));
  }

  /** See `Check`. */
  committed(entry: Entry): void {
    const timeMs = this.#reference.timeAt(entry.index);
    if (entry.type !== "Command" || timeMs >= this.#hiddenMs) return;
    this.#violate(`entry ${entry.index} is done at ${timeMs}, after a read took ${this.#hiddenMs} for passed`);
  }

  /** The latest deadline that the node hides although the log does not say yet that it has passed. */
  #note(server: SimServer, node: Node): number {
    const { state, id: { index } } = node.driver.applied;
    const { readTimeMs, timeMs, nextKeyDeadline = Infinity } = state;
    if (nextKeyDeadline > readTimeMs || readTimeMs === timeMs) return 0;
    let hidden = 0;
    for (const key of this.#reference.keys()) {
      const at = this.#reference.recordAt(key, index)?.expiresAt ?? 0;
      if (at <= readTimeMs && at > hidden) hidden = at;
    }
    const nextMs = this.#reference.timeAfter(index);
    if (nextMs !== undefined && nextMs < hidden) {
      this.#violate(
        `node ${server.id} at ${index} takes ${hidden} for passed, but the next command is done at ${nextMs}`,
      );
    }
    this.#hiddenMs = Math.max(this.#hiddenMs, hidden);
    return hidden;
  }
}
