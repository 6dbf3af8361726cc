/** Raft 5.3, 6: what is committed is durable on a majority, of the old and of the new voters while the configuration is joint. */

import type { Entry } from "../../../lib/raft/types.ts";
import type { Check, Step, Violate } from "../check.ts";
import type { Shadows } from "../shadow.ts";

/** Counts the servers that have each entry at the moment of its commit. */
export class QuorumAtCommit implements Check {
  readonly name = "quorum-at-commit";
  readonly #shadows: Shadows;
  readonly #violate: Violate;

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `Check`. Raft 6: a leader decides by the latest configuration in its log, also about entries before it. */
  committed(entry: Entry, raft: Step["raft"]): void {
    const { voters, votersOld } = raft.configuration;
    for (const set of votersOld.length === 0 ? [voters] : [voters, votersOld]) {
      const holders = set.filter((id) => {
        const log = this.#shadows.of(id);
        return log.durableIndex >= entry.index && log.holds(entry.index, entry.term);
      });
      if (holders.length * 2 > set.length) continue;
      this.#violate(
        `entry ${entry.index}/${entry.term} is committed but durable only on ${holders.join() || "none"} of ${set}`,
      );
    }
  }
}
