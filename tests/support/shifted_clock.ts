/** The real clock, with a switch that makes time pass at once. */

import type { Timer } from "../../lib/base/clock.ts";
import { SystemClock } from "../../lib/node/clock/system_clock.ts";

interface Pending {
  readonly dueAt: number;
  readonly run: () => void;
  timer: Timer;
}

/** Timers come by real time, and at once when a shift makes them due. */
export class ShiftedClock extends SystemClock {
  /** Whether what runs was begun by a timer: then nothing that was read runs in this turn. */
  isInTimer = false;
  #shiftMs = 0;
  readonly #pending = new Set<Pending>();

  /** By how much this clock is ahead of the real one. */
  get shiftMs(): number {
    return this.#shiftMs;
  }

  set shiftMs(ms: number) {
    this.#shiftMs = ms;
    for (const pending of this.#pending) {
      pending.timer.cancel();
      pending.timer = super.after(Math.max(0, pending.dueAt - this.now()), pending.run);
    }
  }

  /** Milliseconds, moved by `shiftMs`. */
  override now(): number {
    return super.now() + this.#shiftMs;
  }

  /** The same, and known as a timer. */
  override after(delayMs: number, action: () => void): Timer {
    const run = () => {
      // Deno 2.4 runs a timer that is due in this turn although it was cancelled, and set anew, in the same turn.
      if (!this.#pending.delete(pending)) return;
      pending.timer.cancel();
      this.isInTimer = true;
      action();
      this.isInTimer = false;
    };
    const pending: Pending = { dueAt: this.now() + delayMs, run, timer: super.after(delayMs, run) };
    this.#pending.add(pending);
    return {
      cancel: () => {
        this.#pending.delete(pending);
        pending.timer.cancel();
      },
    };
  }
}
