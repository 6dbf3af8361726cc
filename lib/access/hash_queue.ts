/** Bounds the work on passwords: few at a time, the others in line, and none beyond that. Whoever asks for much waits for himself. */

/** Passwords that are worked on at a time: each takes a processor and 16 MiB. */
export const HASHES_AT_ONCE = 2;
/** Passwords that wait for that. */
export const HASHES_WAITING_MAX = 256;

/** A line of jobs for each of those who ask, served in turns. */
export class HashQueue {
  #running = 0;
  #size = 0;
  /** By who asks; the first is served next, then it stands behind the others. None is empty. */
  readonly #waiting = new Map<string, (() => void)[]>();

  /** Whether one more would be turned away. */
  get isFull(): boolean {
    return this.#size >= HASHES_WAITING_MAX;
  }

  /** Does a job for `who`, behind those of the same before it; undefined when too many wait. */
  async run<T>(who: string, job: () => Promise<T>): Promise<T | undefined> {
    if (this.#running < HASHES_AT_ONCE) this.#running += 1;
    else {
      if (this.isFull) return undefined;
      await this.#turnOf(who);
    }
    try {
      return await job();
    } finally {
      const next = this.#takeNext();
      // Its place goes to the next one.
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }

  #turnOf(who: string): Promise<void> {
    const line = this.#waiting.get(who) ?? [];
    this.#waiting.set(who, line);
    this.#size += 1;
    return new Promise((resolve) => line.push(resolve));
  }

  #takeNext(): (() => void) | undefined {
    for (const [who, line] of this.#waiting) {
      this.#waiting.delete(who);
      const next = line.shift();
      if (line.length > 0) this.#waiting.set(who, line);
      this.#size -= 1;
      return next;
    }
    return undefined;
  }
}
