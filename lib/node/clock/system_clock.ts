/** The real clock: monotonic time and the timers of the runtime. */

import type { Clock, Timer } from "../../base/clock.ts";

/** Time of this process. A timer that is set keeps the process alive. */
export class SystemClock implements Clock {
  /** Monotonic milliseconds since the process began. */
  now(): number {
    return performance.now();
  }

  /** One timer; above 2^31-1 ms the runtime would fire it at once, so nobody may ask for that. */
  after(delayMs: number, action: () => void): Timer {
    const id = setTimeout(action, delayMs);
    return { cancel: () => clearTimeout(id) };
  }

  /** A microtask: it runs behind the continuations of every read that completed in this turn. */
  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}
