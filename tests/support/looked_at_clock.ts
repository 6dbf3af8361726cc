/** A clock for what measures its own work: it tells the same on any machine. */

import type { Clock, Timer } from "../../lib/base/clock.ts";

/** Every look at it takes one ms; a timer tells `rested` how long it is and fires at once. */
export class LookedAtClock implements Clock {
  readonly #rested: (ms: number) => void;
  #now = 0;

  /** At 0. */
  constructor(rested: (ms: number) => void) {
    this.#rested = rested;
  }

  /** One ms after the last time that it was asked. */
  now(): number {
    return this.#now += 1;
  }

  /** Fires in a microtask. */
  after(delayMs: number, action: () => void): Timer {
    if (delayMs > 0) this.#rested(delayMs);
    queueMicrotask(action);
    return { cancel: () => {} };
  }

  /** A microtask. */
  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}
