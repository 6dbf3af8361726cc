/**
 * Whether the time that something takes tells what it was given: Welch's t between two classes of inputs.
 *
 * A measurement takes a fixed number of samples of each class, in pairs whose order is drawn for each two of them, so that whatever the machine does besides
 * meets both alike. Each sample has an input of its own, so that no place in memory tells the classes apart. What is above the median of all
 * samples together is cropped: what else went on in that time outweighs the rest. A leak is what exceeds the bound in each of three
 * measurements, always with the same class slower. That hides none: a leak which the test is to find lies far beyond the bound
 * every time, as the planted one does that each test finds by the same rule, while noise neither repeats nor keeps its direction.
 */

import { Random } from "../../lib/base/random.ts";

/** The bound of |t|: beyond it by accident once in 100 000 measurements. */
export const T_MAX = 4.5;
const MEASUREMENTS = 3;
const KEPT_SHARE = 0.5;

/** What is compared. */
export interface TimingClasses<T> {
  /** Makes an input of either class. Its time does not count. */
  readonly make: (isSecond: boolean) => T;
  /** Does the work once on an input. */
  readonly run: (input: T) => unknown;
  /** Samples of each class in one measurement: an even number. */
  readonly samples: number;
  /** Runs that one sample times together, for work that is shorter than what a clock tells; default 1. */
  readonly batch?: number;
  readonly seed?: number;
}

/** One measurement: Welch's t of the second class against the first; positive where the second is slower. */
export async function measure<T>({ make, run, samples, batch = 1, seed = 1 }: TimingClasses<T>): Promise<number> {
  const order = drawOrder(samples, seed);
  const inputs = order.map(make);
  const times = new Float64Array(order.length);
  // Nothing in this loop knows the class: even the processor's guesses at branches would tell.
  for (const [at, input] of inputs.entries()) {
    const begun = performance.now();
    for (let turn = 0; turn < batch; turn++) {
      const done = run(input);
      if (done instanceof Promise) await done;
    }
    times[at] = performance.now() - begun;
  }
  const limit = times.toSorted()[Math.floor(times.length * KEPT_SHARE)] ?? Infinity;
  const kept = (isSecond: boolean) => [...times].filter((time, at) => order[at] === isSecond && time <= limit);
  return tOf(kept(true), kept(false));
}

/** `welchT`, and infinite where of one class nothing is left to take a variance of: all of it is slower than the other. */
function tOf(second: readonly number[], first: readonly number[]): number {
  if (second.length < 2) return Infinity;
  return first.length < 2 ? -Infinity : welchT(second, first);
}

/** The class of each sample: in two pairs each is once the first, as that alone may take longer. */
function drawOrder(samples: number, seed: number): readonly boolean[] {
  const random = new Random(seed);
  return Array.from({ length: samples / 2 }, () => {
    const isSecond = random.below(2) === 1;
    return [isSecond, !isSecond, !isSecond, isSecond];
  }).flat();
}

/** The t of each measurement, when all of them tell the classes apart in the same direction; undefined when the time tells nothing. */
export async function findLeak<T>(classes: TimingClasses<T>): Promise<readonly number[] | undefined> {
  const found: number[] = [];
  while (found.length < MEASUREMENTS) {
    const t = await measure({ ...classes, seed: (classes.seed ?? 1) + found.length });
    if (Math.abs(t) <= T_MAX || t * (found[0] ?? t) < 0) return undefined;
    found.push(t);
  }
  return found;
}

/** Welch's t of two samples; positive where the first has the larger mean. 0 for two that are constant and equal. */
export function welchT(left: readonly number[], right: readonly number[]): number {
  const [one, other] = [moments(left), moments(right)];
  const difference = one.mean - other.mean;
  return difference === 0 ? 0 : difference / Math.sqrt(one.squaredError + other.squaredError);
}

function moments(sample: readonly number[]): { readonly mean: number; readonly squaredError: number } {
  const mean = sample.reduce((sum, each) => sum + each, 0) / sample.length;
  const squares = sample.reduce((sum, each) => sum + (each - mean) ** 2, 0);
  return { mean, squaredError: squares / (sample.length - 1) / sample.length };
}
