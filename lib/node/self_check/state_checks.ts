/**
 * The digests of this node's state at the entries at which every node takes them. Which these are follows from the log alone: the entry that
 * brings the cluster's time into another `CHECK_MS`, and every `CHECK_ENTRIES`th one.
 */

import type { StateMachine } from "../../kv/state_machine.ts";
import { toIndex } from "../../raft/types.ts";
import type { StateCheck } from "../../transport/transport.ts";
import { CHECK_MS, CHECKS_TOLD_MAX } from "../limits.ts";

/** What is looked at of a state. */
export type CheckedState = Pick<StateMachine, "timeMs" | "lastApplied" | "digest">;

/** Owns the last digests, for the peers and for a look at theirs. */
export class StateChecks {
  #checks: readonly StateCheck[] = [];
  /** The time from which on the next entry is one of them. A field, so that nothing is called for all the others. */
  dueMs = 0;
  #lastIndex = 0;
  readonly #everyMs: number;

  /** None was taken of `state` yet; the cluster's time is cut into slots of `everyMs`, the same on every node. */
  constructor(state: CheckedState, everyMs = CHECK_MS) {
    this.#everyMs = everyMs;
    this.restart(state);
  }

  /** The last ones, the oldest first. */
  get last(): readonly StateCheck[] {
    return this.#checks;
  }

  /** Another state takes the place of the one before, with a digest of its own: what was taken says nothing of it. */
  restart({ timeMs, lastApplied }: CheckedState): void {
    this.#checks = [];
    this.dueMs = this.#endOfSlot(timeMs);
    this.#lastIndex = lastApplied;
  }

  /** Entry `index` is one of them, and is applied to `state`. */
  take(index: number, state: CheckedState): void {
    this.dueMs = this.#endOfSlot(state.timeMs);
    this.#lastIndex = index;
    this.#checks = [...this.#checks, { index: toIndex(index), digest: state.digest }].slice(-CHECKS_TOLD_MAX);
  }

  /** Whether entries were applied to `state` that no digest has seen, and an entry with the time `nowMs` would be one of them. */
  isDue({ timeMs, lastApplied }: CheckedState, nowMs: number): boolean {
    return timeMs > 0 && lastApplied > this.#lastIndex && nowMs >= this.dueMs;
  }

  #endOfSlot(timeMs: number): number {
    return (Math.floor(timeMs / this.#everyMs) + 1) * this.#everyMs;
  }
}
