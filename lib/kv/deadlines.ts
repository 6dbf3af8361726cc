/** What expires, in order of time: a heap whose entries know their place, so that a deadline is moved without a search. */

/** One deadline. `at` is in milliseconds since 1970 of the cluster's time. */
export interface Deadline {
  readonly at: number;
  readonly key: string;
  /** Place in the heap, kept by it. */
  position: number;
}

/**
 * A binary heap by time, and by key among equals: so every node takes deadlines in the same order, whatever its history.
 *
 * Invariant: each entry's `position` is its place, and none comes before its parent.
 */
export class Deadlines {
  readonly #heap: Deadline[] = [];

  /** Number of deadlines. */
  get size(): number {
    return this.#heap.length;
  }

  /** The earliest one. */
  get first(): Deadline | undefined {
    return this.#heap[0];
  }

  /** Adds one. */
  add(key: string, at: number): Deadline {
    const deadline: Deadline = { at, key, position: this.#heap.length };
    this.#heap.push(deadline);
    this.#rise(deadline);
    return deadline;
  }

  /** Takes one out. */
  remove(deadline: Deadline): void {
    const last = this.#heap.pop();
    if (last === undefined || last === deadline) return;
    this.#place(last, deadline.position);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(deadline: Deadline): void {
    for (;;) {
      const parent = this.#heap[(deadline.position - 1) >> 1];
      if (deadline.position === 0 || parent === undefined || !isBefore(deadline, parent)) return;
      this.#swap(deadline, parent);
    }
  }

  #sink(deadline: Deadline): void {
    for (;;) {
      const left = this.#heap[deadline.position * 2 + 1];
      const right = this.#heap[deadline.position * 2 + 2];
      const child = right !== undefined && left !== undefined && isBefore(right, left) ? right : left;
      if (child === undefined || !isBefore(child, deadline)) return;
      this.#swap(deadline, child);
    }
  }

  #swap(a: Deadline, b: Deadline): void {
    const position = a.position;
    this.#place(a, b.position);
    this.#place(b, position);
  }

  #place(deadline: Deadline, position: number): void {
    this.#heap[position] = deadline;
    deadline.position = position;
  }
}

function isBefore(a: Deadline, b: Deadline): boolean {
  return a.at < b.at || (a.at === b.at && a.key < b.key);
}
