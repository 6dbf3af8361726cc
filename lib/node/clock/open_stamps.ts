/** The stamps of a leader's proposals that are not known to be committed, and what they allow it to tell its readers (ADR 9). */

import { READ_AHEAD_MS_MAX } from "../../kv/state_machine.ts";
import type { ReadPoint } from "../../raft/options.ts";
import type { Index } from "../../raft/types.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { ClusterClock } from "./cluster_clock.ts";

/** A proposal of this leader that is not known to be committed as a whole. */
interface Proposal {
  readonly first: Index;
  readonly last: number;
  /** The time in force from its first entry on. */
  readonly stampMs: number;
}

/** Owns the open proposals of this leader. Asked by the core itself, so it knows nothing of the core but what it is told. */
export class OpenStamps {
  readonly #clock: ClusterClock;
  readonly #applied: AppliedState;
  /** Ascending. */
  readonly #proposals: Proposal[] = [];
  #committedStampMs = 0;

  /** None are open. */
  constructor(clock: ClusterClock, applied: AppliedState) {
    this.#clock = clock;
    this.#applied = applied;
  }

  /** Begins to lead: what this node stamped as a leader before may be truncated. */
  restart(): void {
    this.#proposals.length = 0;
    this.#committedStampMs = 0;
  }

  /** A proposal is in the log. */
  add(proposal: Proposal): void {
    this.#proposals.push(proposal);
  }

  /** Whether none is open at that commit index. */
  isEmpty(commitIndex: Index): boolean {
    this.#forgetCommitted(commitIndex);
    return this.#proposals.length === 0;
  }

  /** What the readers of a round that begins now are told; see `RaftOptions.readPoint`. */
  readPoint(commitIndex: Index): ReadPoint {
    const timeMs = this.timeAt(commitIndex);
    if (!this.hides(timeMs, commitIndex)) return { index: commitIndex, timeMs };
    const [open] = this.#proposals;
    // Once that entry is committed, every leader knows its stamp.
    if (open !== undefined) return { index: Math.max(open.first, commitIndex), timeMs };
    return { index: commitIndex, timeMs: Math.min(timeMs, this.#warrantedMs()) };
  }

  /** Now, but no later than the stamp of the oldest write under way: that one must not come to life again what is hidden. */
  timeAt(commitIndex: Index): number {
    this.#forgetCommitted(commitIndex);
    const now = this.#clock.now();
    const [open] = this.#proposals;
    return open === undefined ? now : Math.min(now, open.stampMs);
  }

  /** Whether a read by that time might hide a key for longer than the log warrants. */
  hides(timeMs: number, commitIndex: Index): boolean {
    if (timeMs <= this.#warrantedMs()) return false;
    const { state, id } = this.#applied;
    // What is not applied yet may have any deadline.
    return id.index < commitIndex || (state.nextKeyDeadline ?? Infinity) <= timeMs;
  }

  #warrantedMs(): number {
    return Math.max(this.#applied.state.timeMs, this.#committedStampMs) + READ_AHEAD_MS_MAX;
  }

  #forgetCommitted(commitIndex: Index): void {
    for (let [open] = this.#proposals; open !== undefined && open.first <= commitIndex; [open] = this.#proposals) {
      this.#committedStampMs = open.stampMs;
      if (open.last > commitIndex) return;
      this.#proposals.shift();
    }
  }
}
