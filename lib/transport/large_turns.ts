/** Work with large frames, each piece of which takes milliseconds: one in each turn of the event loop, for all connections. */

import type { Clock } from "../base/clock.ts";

/** A queue for turns. Connections that each waited for the next turn by themselves would all get the same one. */
export class LargeTurns {
  readonly #clock: Clock;
  #waiting: (() => void)[] = [];
  #isArmed = false;

  /** An empty queue. */
  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Resolves in a later turn, in which nobody else's wait ends. */
  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#arm();
    });
  }

  #arm(): void {
    if (this.#isArmed || this.#waiting.length === 0) return;
    this.#isArmed = true;
    this.#clock.after(0, () => {
      this.#isArmed = false;
      this.#waiting.shift()?.();
      this.#arm();
    });
  }
}
