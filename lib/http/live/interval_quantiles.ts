/** Quantiles of what a histogram recorded since the last look, where the histogram itself only knows of everything. */

import type { Histogram } from "../../observe/metrics.ts";

const STEPS_PER_OCTAVE = 4;
const SMALLEST_SECONDS = 1e-6;
/** From 1 us to about a minute. */
const STEPS = 104;
const BOUNDS: readonly number[] = Array.from(
  { length: STEPS },
  (_, at) => SMALLEST_SECONDS * 2 ** (at / STEPS_PER_OCTAVE),
);

/** Remembers what a histogram had at the last look. */
export class IntervalQuantiles {
  readonly #histogram: Histogram;
  #seen: readonly number[];
  #count: number;

  /** The first look is now. */
  constructor(histogram: Histogram) {
    this.#histogram = histogram;
    this.#seen = histogram.countsUpTo(BOUNDS);
    this.#count = histogram.count;
  }

  /** The quantiles since the last look, in seconds; null when nothing was recorded. */
  take(quantiles: readonly number[]): readonly (number | null)[] {
    const counts = this.#histogram.countsUpTo(BOUNDS);
    const total = this.#histogram.count - this.#count;
    const rises = counts.map((count, at) => count - (this.#seen[at] ?? 0));
    this.#seen = counts;
    this.#count = this.#histogram.count;
    return quantiles.map((quantile) => total === 0 ? null : boundOf(rises, Math.max(1, quantile * total)));
  }
}

function boundOf(rises: readonly number[], rank: number): number {
  const at = rises.findIndex((rise) => rise >= rank);
  return BOUNDS[at] ?? BOUNDS[STEPS - 1] ?? 0;
}
