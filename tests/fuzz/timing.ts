/** Tells linear time from worse, robustly on a machine that does other things as well. */

/** The longer input is so many times as long. Quadratic time would be 64 times as long. */
const GROWTH = 8;
/** How many times as long it may take: linear time with room for caches and memory management. */
const RATIO_MAX = 28;
const SIZE_DEFAULT = 4_096;
/** More for the shorter one: its shortest time is the measure. */
const ROUNDS_SHORT = 6;
const ROUNDS_LONG = 3;
const ROUND_MS = 1;
/** Worse must be seen every time: noise does not repeat so often. */
const ATTEMPTS = 6;

/** What to measure. */
export interface LinearCase<T> {
  /** An input whose length is proportional to `size`. */
  readonly make: (size: number) => T;
  readonly run: (input: T) => unknown;
  /** The shorter size: large enough for the input to outweigh what each call costs. */
  readonly size?: number;
}

/** Throws when the time for an input eight times as long is far beyond eight times the time. */
export function assertLinear<T>(what: string, { make, run, size = SIZE_DEFAULT }: LinearCase<T>): void {
  const [short, long] = [make(size), make(size * GROWTH)];
  const ratios: number[] = [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ratio = timeOf(ROUNDS_LONG, () => run(long)) / timeOf(ROUNDS_SHORT, () => run(short));
    if (ratio <= RATIO_MAX) return;
    ratios.push(ratio);
  }
  const shown = ratios.map((ratio) => ratio.toFixed(0)).join(", ");
  throw new Error(`${what}: an input ${GROWTH} times as long takes ${shown} times as long (at most ${RATIO_MAX})`);
}

/** The shortest mean time of one call, in ms. */
function timeOf(rounds: number, run: () => unknown): number {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now();
    let calls = 0;
    let elapsed = 0;
    while (elapsed < ROUND_MS) {
      run();
      calls += 1;
      elapsed = performance.now() - begun;
    }
    best = Math.min(best, elapsed / calls);
  }
  return best;
}
