/** Keeps one noisy subject from filling the log: at most one line each second. */

import type { Clock } from "./clock.ts";

const INTERVAL_MS = 1_000;

/** Counts what it holds back and adds the number to the next line. */
export class LogLimiter {
  readonly #clock: Clock;
  #lastAt: number | undefined;
  #heldBack = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The line to log now, or undefined when one was logged within the last second. */
  pass(message: string): string | undefined {
    const now = this.#clock.now();
    if (this.#lastAt !== undefined && now - this.#lastAt < INTERVAL_MS) {
      this.#heldBack += 1;
      return undefined;
    }
    const suffix = this.#heldBack === 0 ? "" : ` (${this.#heldBack} more like this)`;
    this.#lastAt = now;
    this.#heldBack = 0;
    return message + suffix;
  }
}
