/** The metrics registry: counters, gauges and histograms that cost a few nanoseconds on the hot path. */

import { showLabels } from "./labels.ts";

/** Only rises. */
export class Counter {
  value = 0;
  /** Adds `amount` (default 1, not negative). */
  add(amount = 1): void {
    this.value += amount;
  }
}

/** Different combinations of label values of one metric; what is counted beyond them goes to one more series. */
export const LABELLED_SERIES_MAX = 1_000;
/** The value of every label of that one. */
const OVERFLOW = "other";

/**
 * Counters of one name that differ in their labels. Who counts asks for a counter once and keeps it, or asks each time where a look-up in a Map is cheap enough. Label values
 * come from tables of ours, never from what a client sent; the limit is there in case that is forgotten somewhere.
 */
export class CounterFamily {
  readonly #labels: readonly string[];
  readonly #series = new Map<string, Counter>();

  /** A family without counters. `labels` are names. */
  constructor(labels: readonly string[]) {
    this.#labels = labels;
  }

  /** The counter of these values, in the order of the labels; made at the first call. */
  counter(values: readonly string[]): Counter {
    const shown = showLabels(this.#labels, values);
    const known = this.#series.get(shown);
    if (known !== undefined) return known;
    const isFull = this.#series.size >= LABELLED_SERIES_MAX;
    return this.#make(isFull ? showLabels(this.#labels, this.#labels.map(() => OVERFLOW)) : shown);
  }

  /** Each series: its labels as the exposition shows them, and its counter. */
  get series(): ReadonlyMap<string, Counter> {
    return this.#series;
  }

  #make(shown: string): Counter {
    const known = this.#series.get(shown);
    if (known !== undefined) return known;
    const made = new Counter();
    this.#series.set(shown, made);
    return made;
  }
}

/** A value read when asked for. */
export interface Gauge {
  read(): number;
}

const BUCKETS_PER_OCTAVE = 4;
const SMALLEST_SECONDS = 1e-6;
const BUCKET_COUNT = 128;
const LOG_STEP = Math.LN2 / BUCKETS_PER_OCTAVE;

/** Distribution of seconds in buckets a quarter octave wide, from 1 us to 1 h: quantiles at most 19 % too high. */
export class Histogram {
  readonly #buckets = new Float64Array(BUCKET_COUNT);
  #count = 0;
  #sum = 0;
  #max = 0;

  /** Records a duration in seconds, as often as is said. */
  record(seconds: number, times = 1): void {
    const at = bucketOf(seconds);
    this.#buckets[at] = (this.#buckets[at] ?? 0) + times;
    this.#count += times;
    this.#sum += times * seconds;
    if (seconds > this.#max) this.#max = seconds;
  }

  /** Durations recorded. */
  get count(): number {
    return this.#count;
  }

  /** Sum of the durations in seconds. */
  get sum(): number {
    return this.#sum;
  }

  /**
   * Durations at or below each of `bounds`, which ascend, in seconds: exact at 2^n us, else those of the bucket around the
   * bound as well.
   */
  countsUpTo(bounds: readonly number[]): readonly number[] {
    let next = 0;
    let seen = 0;
    return bounds.map((bound) => {
      for (const last = bucketOf(bound); next <= last; next++) seen += this.#buckets[next] ?? 0;
      return seen;
    });
  }

  /** Longest duration in seconds; 0 when empty. */
  get max(): number {
    return this.#max;
  }

  /** The upper bound in seconds of the bucket that holds the quantile `q` (0 to 1), at most `max`; 0 when empty. */
  quantile(q: number): number {
    const wanted = q * this.#count;
    let seen = 0;
    // The last bucket has no upper bound but the longest duration itself.
    for (let at = 0; at < BUCKET_COUNT - 1; at++) {
      seen += this.#buckets[at] ?? 0;
      if (seen >= wanted && seen > 0) return Math.min(this.#max, SMALLEST_SECONDS * Math.exp(at * LOG_STEP));
    }
    return this.#max;
  }
}

/** Logarithms are not exact: without this 16 us would count as more than 16 us. */
const ROUNDING = 1e-9;

/** The last duration and its bucket: what ends in one moment goes into several histograms, and a logarithm costs most of it. */
let lastSeconds = 0;
let lastBucket = 0;

function bucketOf(seconds: number): number {
  if (seconds === lastSeconds) return lastBucket;
  lastSeconds = seconds;
  lastBucket = seconds <= SMALLEST_SECONDS
    ? 0
    : Math.min(Math.ceil(Math.log(seconds / SMALLEST_SECONDS) / LOG_STEP - ROUNDING), BUCKET_COUNT - 1);
  return lastBucket;
}

/** Named metrics. A name is asked for once at construction of its owner, and the object kept. */
export class Registry {
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<string, Gauge>();
  readonly #histograms = new Map<string, Histogram>();
  readonly #families = new Map<string, CounterFamily>();

  /** The counter of that name, made at the first call. */
  counter(name: string): Counter {
    return findOrMake(this.#counters, { name, make: () => new Counter() });
  }

  /** The histogram of that name, made at the first call. */
  histogram(name: string): Histogram {
    return findOrMake(this.#histograms, { name, make: () => new Histogram() });
  }

  /** Registers a gauge; a later one of the same name takes its place. */
  gauge(name: string, read: () => number): void {
    this.#gauges.set(name, { read });
  }

  /** The counters of that name that differ in the values of `labels`, made at the first call. */
  counterFamily(name: string, labels: readonly string[]): CounterFamily {
    return findOrMake(this.#families, { name, make: () => new CounterFamily(labels) });
  }

  /** The families of counters by name. */
  get families(): ReadonlyMap<string, CounterFamily> {
    return this.#families;
  }

  /** The gauges by name. */
  get gauges(): ReadonlyMap<string, Gauge> {
    return this.#gauges;
  }

  /** The counters by name. */
  get counters(): ReadonlyMap<string, Counter> {
    return this.#counters;
  }

  /** The histograms by name. */
  get histograms(): ReadonlyMap<string, Histogram> {
    return this.#histograms;
  }
}

function findOrMake<T>(map: Map<string, T>, { name, make }: { readonly name: string; readonly make: () => T }): T {
  const known = map.get(name);
  if (known !== undefined) return known;
  const made = make();
  map.set(name, made);
  return made;
}
