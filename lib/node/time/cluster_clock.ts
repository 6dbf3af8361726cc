/** The cluster's time: what a leader stamps entries with. It follows the machine's clock and never runs backwards across leaders. */

import type { Clock } from "../../base/clock.ts";

/**
 * The later of the machine's clock and of the last stamp in the log carried on by the monotonic clock: so a leader whose
 * clock is behind goes on where the one before it was, at the speed of time, and nothing that is due waits for its clock.
 */
export class ClusterClock {
  readonly #clock: Clock;
  readonly #wallClockMs: () => number;
  #lastStamp = 0;
  #learntAt = 0;
  #latest = 0;

  /** `wallClockMs` gives milliseconds since 1970; it may jump. */
  constructor(clock: Clock, wallClockMs: () => number) {
    this.#clock = clock;
    this.#wallClockMs = wallClockMs;
  }

  /** Whole milliseconds since 1970; never less than before. */
  now(): number {
    const carriedOn = this.#lastStamp === 0 ? 0 : this.#lastStamp + (this.#clock.now() - this.#learntAt);
    this.#latest = Math.max(this.#latest, Math.floor(Math.max(this.#wallClockMs(), carriedOn)));
    return this.#latest;
  }

  /** Takes note of a stamp in the log, or of a time that a leader told. */
  learn(stampMs: number): void {
    if (stampMs <= this.#lastStamp) return;
    const now = this.#clock.now();
    // A stamp that lies behind what is known already must not set the clock back.
    if (this.#lastStamp !== 0 && stampMs <= this.#lastStamp + (now - this.#learntAt)) return;
    this.#lastStamp = stampMs;
    this.#learntAt = now;
  }
}
