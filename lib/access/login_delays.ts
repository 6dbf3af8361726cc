/**
 * Slows down who guesses passwords: the longer, the more attempts from one address for one user have failed in a row. Attempts from
 * elsewhere, and for other users, are not held up, so that nobody locks out another.
 */

/** Attempts that may fail before the next one has to wait. */
export const FREE_FAILURES = 3;
/** The first delay; each further failure doubles it ... */
export const FIRST_DELAY_MS = 250;
/** ... up to this. */
export const DELAY_MS_MAX = 10_000;
/** Failures are forgotten after so long. */
export const FAILURES_KEPT_MS = 900_000;
/** Pairs of address and user that are kept; the one that failed longest ago is forgotten. */
export const FAILING_PAIRS_MAX = 10_000;

interface Failures {
  readonly count: number;
  readonly at: number;
}

/** Times are `Clock.now()`. */
export class LoginDelays {
  readonly #failures = new Map<string, Failures>();

  /** How long the next attempt of `pair` has to wait at `now`, in ms. */
  delayMs(pair: string, now: number): number {
    const failures = this.#failures.get(pair);
    if (failures === undefined || now - failures.at >= FAILURES_KEPT_MS || failures.count < FREE_FAILURES) return 0;
    const delayMs = Math.min(FIRST_DELAY_MS * 2 ** (failures.count - FREE_FAILURES), DELAY_MS_MAX);
    return Math.max(0, failures.at + delayMs - now);
  }

  /** An attempt of `pair` has failed. */
  failed(pair: string, now: number): void {
    const before = this.#failures.get(pair);
    const isKept = before !== undefined && now - before.at < FAILURES_KEPT_MS;
    this.#failures.delete(pair);
    this.#failures.set(pair, { count: isKept ? before.count + 1 : 1, at: now });
    if (this.#failures.size <= FAILING_PAIRS_MAX) return;
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest);
      return;
    }
  }

  /** An attempt of `pair` has succeeded. */
  succeeded(pair: string): void {
    this.#failures.delete(pair);
  }
}
