/** The time as the sessions need it: read once in each turn of the event loop, since a reading costs as much as a lookup. */

import type { Clock } from "../base/clock.ts";

/** Shared by all connections of a port. */
export class TurnTime {
  readonly #clock: Clock;
  #now: number | undefined;

  /** Reads `clock`. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `Clock.now()` as of the first call in this turn. */
  now(): number {
    if (this.#now !== undefined) return this.#now;
    const now = this.#clock.now();
    this.#now = now;
    this.#clock.endOfTurn(() => {
      this.#now = undefined;
    });
    return now;
  }
}
