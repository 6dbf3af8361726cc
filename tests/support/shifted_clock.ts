/** The real clock, with a switch that makes time pass at once for those who ask what time it is. */

import type { Timer } from "../../lib/base/clock.ts";
import { SystemClock } from "../../lib/node/clock/system_clock.ts";

/** Timers still come by real time. */
export class ShiftedClock extends SystemClock {
  shiftMs = 0;
  /** Whether what runs was begun by a timer: then nothing that was read runs in this turn. */
  isInTimer = false;

  /** Milliseconds, moved by `shiftMs`. */
  override now(): number {
    return super.now() + this.shiftMs;
  }

  /** The same, and known as a timer. */
  override after(delayMs: number, action: () => void): Timer {
    return super.after(delayMs, () => {
      this.isInTimer = true;
      action();
      this.isInTimer = false;
    });
  }
}
