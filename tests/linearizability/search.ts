/**
 * The search for an order that explains a history, one key after the other (linearizability is local: the whole is
 * linearizable if each key is). It ignores the log indexes, so it would notice if these were wrong. See `key_search.ts`.
 */

import { describeOperation, objectionTo, type Operation } from "./history.ts";
import { KeySearch } from "./key_search.ts";
import { counts, type State } from "./model.ts";

/** A key with more dead ends than this stays undecided: some ten seconds on one core. */
export const DEAD_ENDS_MAX = 2_000_000;

/** The farthest that the search came on a key that is not linearizable. */
export interface Deadlock {
  /** How many operations with a known outcome were put into an order. */
  readonly ordered: number;
  /** The last of them, unknown ones included, oldest first. */
  readonly tail: readonly Operation[];
  /** What stood under the key then. */
  readonly state: State;
  /** The operation that had to come next, since it returned first among those left, and fits nowhere. */
  readonly stuck: Operation;
  /** What else could have come next. */
  readonly candidates: readonly Operation[];
  /** A later operation that needs this state, which may be why the stuck one must not change it. */
  readonly reader: Operation | undefined;
}

/** What the search found. `Undecided` is a failure of the run: make the history smaller or less concurrent. */
export type SearchResult =
  | { readonly type: "Linearizable" }
  | { readonly type: "NotLinearizable"; readonly key: string; readonly deadlock: Deadlock }
  | { readonly type: "Undecided"; readonly key: string; readonly deadEndsMax: number };

/** Looks for an order of the operations of each key. Stops at the first key without. Throws `RangeError` for a malformed operation. */
export function searchLinearization(
  operations: readonly Operation[],
  { deadEndsMax = DEAD_ENDS_MAX }: { readonly deadEndsMax?: number } = {},
): SearchResult {
  let undecided: string | undefined;
  for (const [key, ofKey] of Map.groupBy(operations.filter(checkedCounts), (operation) => operation.key)) {
    // After an undecided key the run has failed: the others are only looked at for a better reason.
    const found = new KeySearch(ofKey).run(undecided === undefined ? deadEndsMax : deadEndsMax / 100);
    if (found === "Undecided") undecided ??= key;
    else if (found !== "Linearizable") return { type: "NotLinearizable", key, deadlock: found };
  }
  return undecided === undefined ? { type: "Linearizable" } : { type: "Undecided", key: undecided, deadEndsMax };
}

/** The result for people, one fact a line. */
export function describeSearchResult(result: SearchResult): string {
  switch (result.type) {
    case "Linearizable":
      return "Linearizable";
    case "Undecided":
      return `Undecided: key ${JSON.stringify(result.key)} led into more than ${result.deadEndsMax} dead ends`;
    case "NotLinearizable":
      return describeDeadlock(result.key, result.deadlock);
  }
}

function describeDeadlock(key: string, { ordered, tail, state, stuck, candidates, reader }: Deadlock): string {
  return [
    `Not linearizable: key ${JSON.stringify(key)}. The longest order found has ${ordered} operations and ends with`,
    ...tail.map((operation) => `  ${describeOperation(operation)}`),
    `which leaves ${state === undefined ? "no such key" : JSON.stringify(state)}. Then no place is left for`,
    `  ${describeOperation(stuck)}`,
    ...(candidates.length === 0 ? [] : ["Also waiting were"]),
    ...candidates.map((operation) => `  ${describeOperation(operation)}`),
    ...(reader === undefined ? [] : ["That state is still needed by", `  ${describeOperation(reader)}`]),
  ].join("\n");
}

function checkedCounts(operation: Operation): boolean {
  const objection = objectionTo(operation);
  if (objection !== undefined) throw new RangeError(`Cannot judge ${describeOperation(operation)}: ${objection}`);
  return counts(operation);
}
