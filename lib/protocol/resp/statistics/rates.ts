/** How much happens in a second at present: the mean over the last samples of counters. */

import type { Clock, Timer } from "../../../base/clock.ts";
import type { Counter } from "../../../observe/metrics.ts";

/** As in Redis. */
const SAMPLE_MS = 100;
const INTERVALS_MAX = 16;

interface Sample {
  readonly at: number;
  readonly values: readonly number[];
}

/** The rates of some counters, from `start` to `stop`. */
export class Rates {
  readonly #clock: Clock;
  readonly #counters: readonly Counter[];
  /** The oldest first. */
  readonly #samples: Sample[] = [];
  #timer: Timer | undefined;

  /** Reads nothing yet. */
  constructor(clock: Clock, counters: readonly Counter[]) {
    this.#clock = clock;
    this.#counters = counters;
  }

  /** Begins to sample. */
  start(): void {
    this.#samples.push({ at: this.#clock.now(), values: this.#counters.map(({ value }) => value) });
    if (this.#samples.length > INTERVALS_MAX + 1) this.#samples.shift();
    this.#timer = this.#clock.after(SAMPLE_MS, () => this.start());
  }

  /** Ends. */
  stop(): void {
    this.#timer?.cancel();
  }

  /** Increase of a counter a second, over the last 1.6 s; 0 before there are two samples. */
  perSecond(counter: Counter): number {
    const which = this.#counters.indexOf(counter);
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    if (first === undefined || last === undefined || first.at === last.at) return 0;
    const increase = (last.values[which] ?? 0) - (first.values[which] ?? 0);
    return increase * 1_000 / (last.at - first.at);
  }
}
