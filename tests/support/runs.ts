/** Entries one by one where tests look at them, and runs where the product has them. */

import { Run } from "../../lib/raft/run.ts";
import type { Entry } from "../../lib/raft/types.ts";

/** The run of entries of one term; of none, undefined: as in a heartbeat. */
export function runOf(entries: readonly [Entry, ...Entry[]]): Run;
export function runOf(entries: readonly Entry[]): Run | undefined;
export function runOf(entries: readonly Entry[]): Run | undefined {
  return entries.length === 0 ? undefined : Run.of(entries);
}

/** The runs of entries without a gap: one for each term. */
export function runsOf(entries: readonly Entry[]): Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < entries.length;) {
    let to = from + 1;
    while (to < entries.length && entries[to]?.term === entries[from]?.term) to += 1;
    runs.push(Run.of(entries.slice(from, to)));
    from = to;
  }
  return runs;
}

/** The entries of runs, in order; of what a message brings, or of nothing. */
export function entriesIn(runs: readonly Run[] | Run | undefined): Entry[] {
  if (runs === undefined) return [];
  return runs instanceof Run ? runs.entries() : runs.flatMap((run) => run.entries());
}
