/**
 * The time as the sessions need it: read once in each turn of the event loop and now and then within it, since a reading costs
 * as much as a lookup.
 */

import type { Clock } from "../base/clock.ts";

/** So many short commands take less than a tenth of a millisecond together. */
const ENDS_PER_READING = 16;

/** Shared by all connections of a port. */
export class TurnTime {
  readonly #clock: Clock;
  #now: number | undefined;
  /** Ends that were told the time since it was read. */
  #ends = 0;

  /** Reads `clock`. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `Clock.now()` as of the last reading in this turn. */
  now(): number {
    if (this.#now !== undefined) return this.#now;
    this.#clock.endOfTurn(() => {
      this.#now = undefined;
    });
    this.#ends = 0;
    return this.#now = this.#clock.now();
  }

  /** The time at which something short ended: read again for the first of a turn and every `ENDS_PER_READING`th behind it. */
  atEnd(): number {
    const now = this.now();
    this.#ends += 1;
    return this.#ends % ENDS_PER_READING === 1 ? this.#now = this.#clock.now() : now;
  }

  /** The time at which something ended that may have taken long: read again. */
  atLongEnd(): number {
    this.now();
    return this.#now = this.#clock.now();
  }
}
