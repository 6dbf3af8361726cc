/** The clock that a process in memory goes by. */

import type { Clock, Timer } from "../../../lib/base/clock.ts";
import type { Life } from "./life.ts";
import type { VirtualClock } from "./virtual_clock.ts";

/** The monotonic clock of one life of a process: skewed, drifting, jumping forward. */
export class ProcessClock implements Clock {
  readonly #time: VirtualClock;
  readonly #life: Life;
  #rate = 1;
  #base: number;
  #since: number;
  #gainedMs = 0;

  /** Shows `startMs` at first. */
  constructor(time: VirtualClock, life: Life, startMs: number) {
    this.#time = time;
    this.#life = life;
    this.#base = startMs;
    this.#since = time.now();
  }

  /** What this process takes for the time. */
  now(): number {
    return this.#base + (this.#time.now() - this.#since) * this.#rate;
  }

  /** By how much it ran fast or jumped, all in all; what it lost by running slow is not taken off. */
  get gainedMs(): number {
    return this.#gainedMs + (this.#time.now() - this.#since) * Math.max(0, this.#rate - 1);
  }

  /** A timer by this clock. */
  after(delayMs: number, action: () => void): Timer {
    return this.#time.plan(delayMs / this.#rate, { action, life: this.#life, isArrival: false });
  }

  /** See `Clock`. */
  endOfTurn(action: () => void): void {
    this.#time.endOfTurn(() => {
      if (this.#life.alive) action();
    });
  }

  /** From now on this clock runs `rate` times as fast as the common time. */
  drift(rate: number): void {
    this.#gainedMs = this.gainedMs;
    this.#base = this.now();
    this.#since = this.#time.now();
    this.#rate = rate;
  }

  /** Jumps forward, as after the machine was suspended. */
  jump(ms: number): void {
    this.#base += ms;
    this.#gainedMs += ms;
  }
}
