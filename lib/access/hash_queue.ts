/** Bounds the work on passwords: few at a time, the others in line, and none beyond that. */

/** Passwords that are worked on at a time: each takes a processor and 16 MiB. */
export const HASHES_AT_ONCE = 2;
/** Passwords that wait for that. */
export const HASHES_WAITING_MAX = 256;

/** A line of jobs. */
export class HashQueue {
  #running = 0;
  readonly #waiting: (() => void)[] = [];

  /** Whether one more would be turned away. */
  get isFull(): boolean {
    return this.#waiting.length >= HASHES_WAITING_MAX;
  }

  /** Does a job in its turn; undefined when too many wait. */
  async run<T>(job: () => Promise<T>): Promise<T | undefined> {
    if (this.#running < HASHES_AT_ONCE) this.#running += 1;
    else {
      if (this.isFull) return undefined;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    try {
      return await job();
    } finally {
      const next = this.#waiting.shift();
      // Its place goes to the next one.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
