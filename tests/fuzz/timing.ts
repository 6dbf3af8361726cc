/** Tells linear time from worse, robustly on a machine that does other things as well. */

/** The longer input is so many times as long. Quadratic time would be 64 times as long. */
const GROWTH = 8;
/** How many times as long it may take: linear time with room for caches and memory management. */
const RATIO_MAX = 28;
const SIZE_DEFAULT = 4_096;
const ROUNDS = 3;
const ROUND_MS_MIN = 1;
/** Worse must be seen every time: noise does not repeat so often. */
const ATTEMPTS = 8;

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
    const slow = timeOf(ROUND_MS_MIN, () => run(long));
    // For as long as the longer one: a busy machine interrupts both, where a short moment may escape.
    const quick = timeOf(slow.roundMs, () => run(short));
    const ratio = slow.callMs / quick.callMs;
    if (ratio <= RATIO_MAX) return;
    ratios.push(ratio);
  }
  const shown = ratios.map((ratio) => ratio.toFixed(0)).join(", ");
  throw new Error(`${what}: an input ${GROWTH} times as long takes ${shown} times as long (at most ${RATIO_MAX})`);
}

/** The shortest mean time of one call over some rounds of at least `leastMs`, and the length of that round. */
function timeOf(leastMs: number, run: () => unknown): { readonly callMs: number; readonly roundMs: number } {
  let best = { callMs: Infinity, roundMs: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const begun = performance.now();
    let calls = 0;
    let roundMs = 0;
    while (roundMs < leastMs) {
      run();
      calls += 1;
      roundMs = performance.now() - begun;
    }
    if (roundMs / calls < best.callMs) best = { callMs: roundMs / calls, roundMs };
  }
  return best;
}
