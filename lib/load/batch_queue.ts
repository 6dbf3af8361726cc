/** Batches of requests in order, each with the time its latency counts from: a ring that grows. */

const CAPACITY_FIRST = 16;

/** First in, first out. */
export class BatchQueue {
  #times = new Float64Array(CAPACITY_FIRST);
  #counts = new Float64Array(CAPACITY_FIRST);
  #head = 0;
  #length = 0;
  #requests = 0;

  /** Requests in all batches. */
  get requests(): number {
    return this.#requests;
  }

  /** Whether there is no batch. */
  get isEmpty(): boolean {
    return this.#length === 0;
  }

  /** The time of the oldest batch; 0 when there is none. */
  get firstTime(): number {
    return this.#times[this.#head] ?? 0;
  }

  /** Requests left in the oldest batch; 0 when there is none. */
  get firstCount(): number {
    return this.#length === 0 ? 0 : this.#counts[this.#head] ?? 0;
  }

  /** Adds a batch of `count` requests, at least one. */
  push(time: number, count: number): void {
    if (this.#length === this.#times.length) this.#grow();
    const at = (this.#head + this.#length) % this.#times.length;
    this.#times[at] = time;
    this.#counts[at] = count;
    this.#length += 1;
    this.#requests += count;
  }

  /** Takes requests from the oldest batch, at most as many as it has. */
  take(count: number): void {
    const left = (this.#counts[this.#head] ?? 0) - count;
    this.#counts[this.#head] = left;
    this.#requests -= count;
    if (left > 0) return;
    this.#head = (this.#head + 1) % this.#times.length;
    this.#length -= 1;
  }

  #grow(): void {
    const capacity = this.#times.length;
    const times = new Float64Array(2 * capacity);
    const counts = new Float64Array(2 * capacity);
    for (let at = 0; at < this.#length; at++) {
      times[at] = this.#times[(this.#head + at) % capacity] ?? 0;
      counts[at] = this.#counts[(this.#head + at) % capacity] ?? 0;
    }
    this.#times = times;
    this.#counts = counts;
    this.#head = 0;
  }
}
