/** The value of the header `Date`, made once a second. */

/** Reads a clock that shows milliseconds since 1970 and may jump. */
export class HttpDate {
  readonly #wallClockMs: () => number;
  #second = Number.NaN;
  #text = "";

  constructor(wallClockMs: () => number) {
    this.#wallClockMs = wallClockMs;
  }

  /** Now, as in `Sun, 06 Nov 1994 08:49:37 GMT`. */
  text(): string {
    const second = Math.floor(this.#wallClockMs() / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#text = new Date(second * 1_000).toUTCString();
    }
    return this.#text;
  }
}
