/** The time of the last tick: exact enough for deadlines, and free. */

import type { Clock } from "../../base/clock.ts";

/** `Clock.now()` as it was at the last tick. */
export class TickTime {
  readonly #clock: Clock;
  #now: number;

  /** Begins now. */
  constructor(clock: Clock) {
    this.#clock = clock;
    this.#now = clock.now();
  }

  /** Milliseconds, a tick early at most. */
  get now(): number {
    return this.#now;
  }

  /** A tick: reads the clock. */
  tick(): number {
    return this.#now = this.#clock.now();
  }
}
