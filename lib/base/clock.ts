/** The Clock port: monotonic time and timers, so that a simulator can own them. */

/** A timer that was set. */
export interface Timer {
  cancel(): void;
}

/** Monotonic milliseconds, timers, and the end of the turn. */
export interface Clock {
  /** Monotonic milliseconds with fractions; the zero is arbitrary. */
  now(): number;
  /** Runs `action` once after `delayMs` (0 to 2^31-1): a later turn of the event loop. */
  after(delayMs: number, action: () => void): Timer;
  /** Runs `action` when everything that is ready in this turn of the event loop has run. */
  endOfTurn(action: () => void): void;
}

/** Resolves in a later turn of the event loop: what takes long goes on there. */
export function nextTurn(clock: Clock): Promise<void> {
  return new Promise((resolve) => clock.after(0, resolve));
}
