/** Whether the ports of a local cluster, which follow each other by rule, fit beside each other. */

import { UsageError } from "./usage_error.ts";

const PORT_MAX = 65_535;

/** `count` ports from `first` on. */
export interface PortRun {
  readonly whose: string;
  readonly first: number;
  readonly count: number;
  /** What changes `first`. */
  readonly flag: string;
}

/** Throws `UsageError` with the nearest port that fits when a run has no room or two of them overlap. */
export function refuseOverlaps(runs: readonly PortRun[]): void {
  for (const { first, count, flag } of runs) {
    const highest = first + count - 1;
    if (highest <= PORT_MAX) continue;
    const nearest = PORT_MAX + 1 - count;
    throw new UsageError(`${count} nodes need ports up to ${highest}; the nearest valid ${flag} is ${nearest}`);
  }
  for (const [at, run] of runs.entries()) {
    const other = runs.slice(0, at).find((earlier) => overlap(earlier, run));
    if (other === undefined) continue;
    throw new UsageError(
      `The ${run.count} ports for ${other.whose} from ${other.first} on and those for ${run.whose} from ${run.first} on ` +
        `overlap; the nearest valid ${run.flag} is ${nearestFit(run, runs.filter((each) => each !== run))}`,
    );
  }
}

function overlap(one: PortRun, other: PortRun): boolean {
  return one.first < other.first + other.count && other.first < one.first + one.count;
}

/** There are fewer than 64 ports in the way, and far more beside them. */
function nearestFit(run: PortRun, others: readonly PortRun[]): number {
  for (let distance = 1;; distance++) {
    for (const first of [run.first - distance, run.first + distance]) {
      const valid = first >= 1 && first + run.count - 1 <= PORT_MAX;
      if (valid && !others.some((other) => overlap(other, { ...run, first }))) return first;
    }
  }
}
