/** Which learners have caught up: they have kept close behind the leader for a while, and still answer. */

import type { RaftStatus } from "../../raft/status.ts";
import type { NodeId } from "../../raft/types.ts";
import { CAUGHT_UP_LAG_MS, CAUGHT_UP_MS, TICK_MS } from "../limits.ts";

/** The commit index at a moment, in monotonic ms. */
interface Sample {
  readonly at: number;
  readonly commitIndex: number;
}

/** Looks at a leader's learners now and then; what an earlier leadership saw does not count. */
export class CatchUp {
  /** The last one that is at least `CAUGHT_UP_LAG_MS` old, and all since. */
  #samples: Sample[] = [];
  /** Since when each learner has kept close. */
  #closeSince = new Map<NodeId, number>();
  #term = 0;

  /** The learners that have caught up at `now`. */
  look({ role, currentTerm, commitIndex, configuration, progress }: RaftStatus, now: number): ReadonlySet<NodeId> {
    if (role !== "Leader" || currentTerm !== this.#term) {
      this.#samples = [];
      this.#closeSince = new Map();
      this.#term = currentTerm;
    }
    if (role !== "Leader") return new Set();
    this.#samples.push({ at: now, commitIndex });
    while ((this.#samples[1]?.at ?? Infinity) <= now - CAUGHT_UP_LAG_MS) this.#samples.shift();
    const [oldest] = this.#samples;
    const wanted = oldest !== undefined && oldest.at <= now - CAUGHT_UP_LAG_MS ? oldest.commitIndex : commitIndex;
    const close = new Map<NodeId, number>();
    for (const { id, state, matchIndex, silentTicks } of progress) {
      const isClose = configuration.learners.includes(id) && state === "Replicate" && matchIndex >= wanted &&
        silentTicks * TICK_MS <= CAUGHT_UP_LAG_MS;
      if (isClose) close.set(id, this.#closeSince.get(id) ?? now);
    }
    this.#closeSince = close;
    return new Set([...close].filter(([, since]) => now - since >= CAUGHT_UP_MS).map(([id]) => id));
  }
}
