/**
 * The oracle for small histories: tries every order of the operations, with every subset of the unknown ones. Shares the
 * model with the other checks, and nothing else; it does not even look at one key at a time.
 */

import type { Operation } from "./history.ts";
import { apply, IMPOSSIBLE, type State } from "./model.ts";

/** More operations than this would take too long. */
export const BRUTE_FORCE_OPERATIONS_MAX = 9;

/** Whether some order explains the history. Ignores indexes. Throws `RangeError` for a history that is too long. */
export function bruteForceAccepts(operations: readonly Operation[]): boolean {
  if (operations.length > BRUTE_FORCE_OPERATIONS_MAX) {
    throw new RangeError(
      `Cannot try all orders of ${operations.length} operations: at most ${BRUTE_FORCE_OPERATIONS_MAX}`,
    );
  }
  const certain = operations.filter(({ outcome }) => outcome === "ok");
  return subsets(operations.filter(({ outcome }) => outcome === "unknown"))
    .some((happened) => someOrderFits([...certain, ...happened], new Map()));
}

function subsets(operations: readonly Operation[]): Operation[][] {
  const [first, ...others] = operations;
  if (first === undefined) return [[]];
  return subsets(others).flatMap((subset) => [subset, [first, ...subset]]);
}

function someOrderFits(remaining: readonly Operation[], states: ReadonlyMap<string, State>): boolean {
  if (remaining.length === 0) return true;
  return remaining.some((first) => {
    const others = remaining.filter((operation) => operation !== first);
    if (others.some((other) => returnedBefore(other, first))) return false;
    const next = apply(states.get(first.key), first);
    return next !== IMPOSSIBLE && someOrderFits(others, new Map([...states, [first.key, next]]));
  });
}

function returnedBefore(one: Operation, other: Operation): boolean {
  return one.return !== null && one.return < other.call;
}
