/** In which windows of one second a majority of the members could reach each other all the time: then writes must succeed. */

const WINDOW_MS = 1_000;

/** What the windows up to a moment were like. */
export interface WindowCounts {
  readonly all: number;
  /** Those in which there was a majority at every moment. */
  readonly counted: number;
  /** Those of the counted ones in which something was done. */
  readonly served: number;
  /** The numbers of the others. */
  readonly unserved: readonly number[];
}

/** Is told who is away and who votes, and what was done when. A server that is cut off from all others is away as well. */
export class MajorityWindows {
  readonly #now: () => number;
  readonly #from: number;
  readonly #away = new Map<number, number>();
  readonly #served = new Set<number>();
  readonly #leftOut = new Set<number>();
  #configurations: readonly (readonly number[])[];
  #isBroken = false;
  #lookedAt = 0;

  /** Begins now with these voters, who all reach each other; `now` gives ms. */
  constructor(voters: readonly number[], now: () => number = () => performance.now()) {
    this.#now = now;
    this.#from = now();
    this.#configurations = [voters];
  }

  /** The number of the present window. */
  get window(): number {
    return Math.floor((this.#now() - this.#from) / WINDOW_MS);
  }

  /** A write was done. */
  serve(): void {
    this.#served.add(this.window);
  }

  /** Each of these sets of voters may be in force from now on, so all of them need a majority. */
  setVoters(...configurations: readonly (readonly number[])[]): void {
    this.#configurations = configurations;
    this.#look();
  }

  /** A server is down or cut off, for one more reason. */
  leave(id: number): void {
    this.#away.set(id, (this.#away.get(id) ?? 0) + 1);
    this.#look();
  }

  /** A reason for which it was away is over. */
  come(id: number): void {
    const left = (this.#away.get(id) ?? 0) - 1;
    if (left > 0) this.#away.set(id, left);
    else this.#away.delete(id);
    this.#look();
  }

  /** The windows that have ended. */
  count(): WindowCounts {
    this.#look();
    const all = this.window;
    const counted = Array.from({ length: all }, (_, window) => window).filter((window) => !this.#leftOut.has(window));
    const unserved = counted.filter((window) => !this.#served.has(window));
    return { all, counted: counted.length, served: counted.length - unserved.length, unserved };
  }

  /** A window is left out if there is no majority now, or was none up to now. */
  #look(): void {
    const window = this.window;
    const wasBroken = this.#isBroken;
    this.#isBroken = this.#configurations.some((voters) => {
      return voters.filter((id) => !this.#away.has(id)).length * 2 <= voters.length;
    });
    if (wasBroken) { for (let at = this.#lookedAt; at <= window; at++) this.#leftOut.add(at); }
    if (this.#isBroken) this.#leftOut.add(window);
    this.#lookedAt = window;
  }
}
