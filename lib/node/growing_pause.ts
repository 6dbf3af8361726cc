/** How long to wait before something that failed is tried again. */

/** A pause that doubles with each failure in a row, up to a bound. */
export class GrowingPause {
  readonly #msMin: number;
  readonly #msMax: number;
  #failures = 0;

  /** Nothing has failed yet. Milliseconds. */
  constructor({ msMin, msMax }: { readonly msMin: number; readonly msMax: number }) {
    this.#msMin = msMin;
    this.#msMax = msMax;
  }

  /** It failed once more: ms until the next try, `msMin` to `msMax`. */
  failed(): number {
    const ms = Math.min(this.#msMax, this.#msMin * 2 ** this.#failures);
    this.#failures += 1;
    return ms;
  }

  /** It was done: the next failure is the first one. */
  succeeded(): void {
    this.#failures = 0;
  }
}
