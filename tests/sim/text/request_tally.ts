/** What a process must have counted of its clients, from what the simulated clients did: METRICS and STATS are held against it. */

/** Requests of one life of a process. */
export interface ClientCounts {
  received: number;
  succeeded: number;
  failed: number;
  redirected: number;
}

/** The counts of each life. */
export class RequestTally {
  readonly #counts = new WeakMap<object, ClientCounts>();
  /** Counters may not fall within a life. */
  readonly #highest = new WeakMap<object, Map<string, number>>();

  /** Those of a life, to be changed. */
  of(life: object): ClientCounts {
    const known = this.#counts.get(life);
    if (known !== undefined) return known;
    const counts = { received: 0, succeeded: 0, failed: 0, redirected: 0 };
    this.#counts.set(life, counts);
    return counts;
  }

  /** Whether a counter is at least what it was in this life; takes note of what it is. */
  hasNotFallen(life: object, { name, value }: { readonly name: string; readonly value: number }): boolean {
    const highest = this.#highest.get(life) ?? new Map<string, number>();
    this.#highest.set(life, highest);
    const before = highest.get(name) ?? 0;
    highest.set(name, Math.max(before, value));
    return value >= before;
  }
}
