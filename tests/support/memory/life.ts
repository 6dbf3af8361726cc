/** A process in memory: it ends, and it may be paused. */

/** One life of a process: what belongs to it ends with it, and waits while it is paused. */
export interface Life {
  alive: boolean;
  paused: boolean;
  /** Timers and arrivals that came due during a pause. */
  readonly heldTimers: (() => void)[];
  readonly heldArrivals: (() => void)[];
}

/** A life that has just begun. */
export function newLife(): Life {
  return { alive: true, paused: false, heldTimers: [], heldArrivals: [] };
}
