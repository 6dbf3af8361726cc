/**
 * Raft 5.3, 6: what is committed is durable on a majority, of the old and of the new voters while the configuration is joint.
 * Raft 5.4.2: and what a leader commits by counting ends with an entry of its own term.
 */

import type { Entry } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { SimServer } from "../server.ts";
import type { Shadows } from "../shadow.ts";

/** Counts the servers that have each entry at the moment of its commit. */
export class QuorumAtCommit implements Check {
  readonly name = "quorum-at-commit";
  readonly #shadows: Shadows;
  readonly #commitIndexes = new Map<object, number>();
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft }: Step): void {
    const before = this.#commitIndexes.get(server.life);
    const { commitIndex, currentTerm } = raft;
    if (before === commitIndex) return;
    this.#commitIndexes.set(server.life, commitIndex);
    if (before === undefined || raft.role !== "Leader") return;
    const term = this.#shadows.of(server.id).termAt(commitIndex);
    if (term !== undefined && term !== currentTerm) {
      this.#violate(
        `node ${server.id} committed entry ${commitIndex} of term ${term} by counting in term ${currentTerm}`,
      );
    }
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#commitIndexes.delete(server.life);
  }

  /** See `Check`. Raft 6: a leader decides by the latest configuration in its log, also about entries before it. */
  committed(entry: Entry, raft: Step["raft"]): void {
    const { voters, votersOld } = raft.configuration;
    for (const set of votersOld.length === 0 ? [voters] : [voters, votersOld]) {
      const holders = set.filter((id) => this.#shadows.of(id).hasDurably(entry.index, entry.term));
      if (holders.length * 2 > set.length) continue;
      this.#violate(
        `entry ${entry.index}/${entry.term} is committed but durable only on ${holders.join() || "none"} of ${set}`,
      );
    }
  }
}
