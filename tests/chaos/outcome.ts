/** What a run gave, and how it is told. */

import type { FaultCount } from "./fault_tally.ts";

/** What happened how often. */
export interface ChaosCounts {
  readonly acknowledged: number;
  readonly unknown: number;
  readonly refused: number;
  readonly reads: number;
  readonly failedReads: number;
  readonly keys: number;
  /** Operations whose log index is known. */
  readonly indexed: number;
  /** Committed entries, and those that no node showed while they were in its memory. */
  readonly entries: number;
  readonly missingEntries: number;
  /** Answered operations that could not be checked against the log for want of these entries. */
  readonly leftOut: number;
  readonly term: number;
  /** Elections won by a leader that committed something. */
  readonly elections: number;
  /** Processes that ended with code 75 after a sync that failed. */
  readonly diskFailures: number;
}

/** What a run gave. */
export interface ChaosResult {
  readonly seed: number;
  readonly nodes: number;
  readonly seconds: number;
  /** Empty when it passed. */
  readonly problems: readonly string[];
  /** Where logs, history, ledger and data are; undefined when they were removed. */
  readonly kept: string | undefined;
  readonly counts: ChaosCounts;
  /** How often each kind of fault began, and was felt. */
  readonly faults: ReadonlyMap<string, FaultCount>;
  /** Acknowledged writes by protocol and node. */
  readonly routes: ReadonlyMap<string, number>;
  /** Why writes were refused or left open and reads not answered, by what was told. */
  readonly reasons: ReadonlyMap<string, number>;
}

/** The summary, one line each, with the verdict last. */
export function describeResult(result: ChaosResult): string[] {
  const { counts, problems } = result;
  const replay = `deno task chaos --seed ${result.seed} --nodes ${result.nodes} --duration ${result.seconds}s`;
  return [
    `writes: ${counts.acknowledged} acknowledged, ${counts.unknown} unknown, ${counts.refused} refused`,
    `reads: ${counts.reads} answered, ${counts.failedReads} not`,
    `keys: ${counts.keys}; log indexes known of ${counts.indexed} operations`,
    `log: ${counts.entries} entries seen, ${counts.missingEntries} not, ${counts.leftOut} operations unchecked for it; ` +
    `${counts.elections} elections won, last term ${counts.term}`,
    `failed syncs that ended a process: ${counts.diskFailures}`,
    `acknowledged by ${[...result.routes].map(([route, count]) => `${route}: ${count}`).join(", ")}`,
    `faults felt of those begun: ${listed(result.faults)}`,
    ...[...result.reasons].map(([reason, count]) => `not done or not answered, ${count} times: ${reason}`),
    ...problems.map((problem) => `PROBLEM: ${problem}`),
    ...(result.kept === undefined ? [] : [`kept: ${result.kept}`]),
    `seed ${result.seed}: ${problems.length === 0 ? "PASS" : "FAIL"}; again: ${replay}`,
  ];
}

function listed(counts: ReadonlyMap<string, FaultCount>): string {
  return [...counts].toSorted(([left], [right]) => left < right ? -1 : 1)
    .map(([name, { begun, felt }]) => `${name} ${felt}/${begun}`).join(", ");
}
