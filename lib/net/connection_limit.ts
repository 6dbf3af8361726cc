/** The limit on a port's connections: what was configured, less while the system has no more file descriptors. */

import { DESCRIPTORS_RESERVED, LIMIT_CALM_MS, LIMIT_RISE_WAIT_MS_MAX, LIMIT_RISE_WAIT_MS_MIN } from "./limits.ts";

/**
 * Lowered when an accept fails for want of a descriptor, doubled step by step afterwards. Nothing tells when descriptors are free
 * again, so each step is a trial: one that fails lowers the limit once more, and the next trial waits twice as long.
 */
export class ConnectionLimit {
  readonly #configured: number;
  #current: number;
  #riseWaitMs = LIMIT_RISE_WAIT_MS_MIN;
  #failedAt = -Infinity;
  #risesAt = 0;
  /** Whether it rose since it was lowered: a flood that lowers it several times in a moment is one failure, not several trials. */
  #hasRisen = false;

  /** A limit of `configured` connections. */
  constructor(configured: number) {
    this.#configured = configured;
    this.#current = configured;
  }

  /** The limit in force. */
  get current(): number {
    return this.#current;
  }

  /**
   * An accept has failed while `open` connections were open: what the system allows, less a reserve for peers and files, becomes
   * the limit. False when that is no lower, or so little that others than these connections hold the descriptors.
   */
  lower(open: number, now: number): boolean {
    const limit = open - DESCRIPTORS_RESERVED;
    const isLower = limit >= DESCRIPTORS_RESERVED && limit < this.#current;
    if (isLower) {
      const isRelapse = this.#hasRisen && now - this.#failedAt <= LIMIT_CALM_MS;
      if (isRelapse) this.#riseWaitMs = Math.min(this.#riseWaitMs * 2, LIMIT_RISE_WAIT_MS_MAX);
      else if (this.#hasRisen) this.#riseWaitMs = LIMIT_RISE_WAIT_MS_MIN;
      this.#hasRisen = false;
      this.#current = limit;
    }
    this.#failedAt = now;
    this.#risesAt = now + this.#riseWaitMs;
    return isLower;
  }

  /** Raises a lowered limit by a step when its time has come; true when that was the last one. */
  recover(now: number): boolean {
    if (this.#current === this.#configured || now < this.#risesAt) return false;
    this.#current = Math.min(this.#configured, this.#current * 2);
    this.#hasRisen = true;
    this.#risesAt = now + this.#riseWaitMs;
    return this.#current === this.#configured;
  }
}
