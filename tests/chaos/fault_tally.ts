/** How often each kind of fault was begun and felt: one that was begun and never felt was not tested. */

/** Of one kind of fault. */
export interface FaultCount {
  readonly begun: number;
  /** Those of them that had an effect. */
  readonly felt: number;
}

/** Counts. */
export class FaultTally {
  readonly #counts = new Map<string, FaultCount>();

  /** The counts of one kind. */
  of(name: string): FaultCount {
    return this.#counts.get(name) ?? { begun: 0, felt: 0 };
  }

  /** One has begun. */
  begin(name: string): void {
    const { begun, felt } = this.of(name);
    this.#counts.set(name, { begun: begun + 1, felt });
  }

  /** One that has begun had an effect. */
  feel(name: string): void {
    const { begun, felt } = this.of(name);
    this.#counts.set(name, { begun, felt: felt + 1 });
  }

  /** The kinds that were begun and never felt. */
  get unfelt(): readonly string[] {
    return [...this.#counts].filter(([, { felt }]) => felt === 0).map(([name]) => name);
  }

  /** One line for each of these. */
  get problems(): readonly string[] {
    return this.unfelt.map((name) => `${name} was not tested: begun ${this.of(name).begun} times, it had no effect`);
  }
}
