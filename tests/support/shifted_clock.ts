/** The real clock, with a switch that makes time pass at once for those who ask what time it is. */

import { SystemClock } from "../../lib/node/system_clock.ts";

/** Timers still come by real time. */
export class ShiftedClock extends SystemClock {
  shiftMs = 0;

  /** Milliseconds, moved by `shiftMs`. */
  override now(): number {
    return super.now() + this.shiftMs;
  }
}
