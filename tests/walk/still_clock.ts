/** A real clock that can be made to stand still: then nothing happens because time goes on, only because something came. */

import type { Clock, Timer } from "../../lib/base/clock.ts";
import { TICK_MS } from "../../lib/node/limits.ts";

interface HeldTimer {
  readonly action: () => void;
  isCancelled: boolean;
}

/** Time of this process but for the times in which it stood still. What is to be done within a tick is done all the same. */
export class StillClock implements Clock {
  /** Due while time stands still. */
  readonly #held: HeldTimer[] = [];
  #stillSince: number | undefined;
  #lost = 0;

  /** Milliseconds. */
  now(): number {
    return (this.#stillSince ?? performance.now()) - this.#lost;
  }

  /** A timer of before stands still with time; one that is set meanwhile fires if it is shorter than a tick. */
  after(delayMs: number, action: () => void): Timer {
    const isShort = this.#stillSince !== undefined && delayMs < TICK_MS;
    const timer: HeldTimer = { action, isCancelled: false };
    const id = setTimeout(() => {
      if (timer.isCancelled) return;
      if (this.#stillSince === undefined || isShort) action();
      else this.#held.push(timer);
    }, delayMs);
    return {
      cancel: () => {
        timer.isCancelled = true;
        clearTimeout(id);
      },
    };
  }

  /** A microtask, as in the real clock. */
  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }

  /** Time stands still from now on. */
  stop(): void {
    this.#stillSince = performance.now();
  }

  /** Time goes on: what was due is done. */
  goOn(): void {
    if (this.#stillSince !== undefined) this.#lost += performance.now() - this.#stillSince;
    this.#stillSince = undefined;
    for (const { action, isCancelled } of this.#held.splice(0)) if (!isCancelled) action();
  }
}
