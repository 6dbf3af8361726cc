/**
 * The certificate check: replies carry log indexes, so the order in which everything took effect is given and has only to
 * be checked, in O(n log n). It is stricter than linearizability: it holds the log to its indexes across all keys.
 *
 * The order: by index; at one index the write first, then the reads that saw it. Checked is that
 *
 * - no two writes have one index;
 * - replayed in this order, each result fits the model of its key;
 * - an operation that returned before another was called has no larger index, and a smaller one if the other is a write.
 *
 * Where a result does not fit, a write of unknown outcome may explain it: see `unknown_writes.ts`.
 */

import { describeOperation, objectionTo, type Operation } from "./history.ts";
import { apply, counts, IMPOSSIBLE, modelOf, type State } from "./model.ts";
import { ascending } from "./order.ts";
import { type CountFree, type UnknownWrite, UnknownWrites } from "./unknown_writes.ts";

/** More violations than this are only counted. */
const VIOLATIONS_MAX = 20;

/**
 * What is wrong with a history, in words, at most 20 and a line with the number of the others; empty when nothing is. An
 * `ok` operation without an index is a violation: nothing can be said about it.
 */
export function checkCertificate(operations: readonly Operation[]): string[] {
  return new Certificate(operations.filter(counts)).check();
}

/** Whether some operation carries an index: else this check cannot say anything about the history. */
export function hasIndexes(operations: readonly Operation[]): boolean {
  return operations.some(({ index }) => index !== null);
}

class Certificate {
  readonly #operations: readonly Operation[];
  readonly #violations: string[] = [];
  #count = 0;

  constructor(operations: readonly Operation[]) {
    this.#operations = operations;
  }

  check(): string[] {
    for (const operation of this.#operations) this.#checkShape(operation);
    // What follows relies on the shape.
    if (this.#count === 0) this.#replay(this.#checkTimes());
    if (this.#count > VIOLATIONS_MAX) this.#violations.push(`and ${this.#count - VIOLATIONS_MAX} more`);
    return this.#violations;
  }

  #checkShape(operation: Operation): void {
    const { outcome, index } = operation;
    const objection = objectionTo(operation);
    if (objection !== undefined) this.#report(`Malformed operation, ${objection}`, [operation]);
    else if (outcome === "ok" && index === null) {
      this.#report("An operation without index cannot be certified", [operation]);
    }
  }

  /** Checks the order of indexes in real time. Returns the unknown writes that have no index, with their floors. */
  #checkTimes(): UnknownWrite[] {
    const byCall = ascending(this.#keys(({ call }) => call));
    const byReturn = ascending(this.#keys((operation) => operation.return ?? Infinity));
    const unknown: UnknownWrite[] = [];
    let returned = 0;
    let highest: Operation | undefined;
    let floor = -1;
    for (const at of byCall) {
      const operation = this.#at(at);
      for (; returned < byReturn.length; returned++) {
        const earlier = this.#at(byReturn[returned] ?? 0);
        if (earlier.return === null || earlier.return >= operation.call) break;
        if ((earlier.index ?? -1) <= floor) continue;
        highest = earlier;
        floor = earlier.index ?? -1;
      }
      const { index } = operation;
      if (index === null) unknown.push({ operation, floor });
      else if (highest !== undefined && (modelOf(operation).writes ? index <= floor : index < floor)) {
        this.#report("The index is too low for an operation called after the other had returned", [highest, operation]);
      }
    }
    return unknown;
  }

  #replay(unknown: readonly UnknownWrite[]): void {
    const order = ascending(this.#keys(orderKey));
    const placing = this.#unknownByKey(unknown, freeCounter(this.#writeIndexes(order)));
    const keys = new Map<string, KeyState>();
    let lastWrite: Operation | undefined;
    for (const at of order) {
      const operation = this.#at(at);
      const { index, key } = operation;
      if (index === null) break;
      const { writes } = modelOf(operation);
      if (writes) {
        if (lastWrite?.index === index) this.#report("Two writes have one index", [lastWrite, operation]);
        lastWrite = operation;
      }
      let known = keys.get(key);
      if (known === undefined) {
        known = { state: undefined, index: 0, last: undefined };
        keys.set(key, known);
      }
      let next = apply(known.state, operation);
      if (next === IMPOSSIBLE) {
        const demand = { state: known.state, operation, after: known.index, upTo: index };
        const unknownOfKey = placing.get(key);
        next = unknownOfKey === undefined ? IMPOSSIBLE : unknownOfKey.place(demand);
      }
      if (next === IMPOSSIBLE) this.#reportMisfit(known, operation);
      else known.state = next;
      known.index = index;
      known.last = operation;
    }
  }

  #unknownByKey(unknown: readonly UnknownWrite[], countFree: CountFree): Map<string, UnknownWrites> {
    if (unknown.length === 0) return new Map();
    const writes = Map.groupBy(unknown, ({ operation }) => operation.key);
    const shown = new Map<string, Set<State>>();
    for (const operation of this.#operations) {
      const { shows } = modelOf(operation);
      if (shows === undefined || !writes.has(operation.key)) continue;
      const states = shown.get(operation.key);
      if (states === undefined) shown.set(operation.key, new Set([shows(operation)]));
      else states.add(shows(operation));
    }
    return new Map(
      Array.from(writes, ([key, list]) => [
        key,
        new UnknownWrites(list, { shown: shown.get(key) ?? new Set(), countFree }),
      ]),
    );
  }

  /** The indexes of the known writes, ascending. */
  #writeIndexes(order: Uint32Array): Float64Array {
    const indexes = new Float64Array(order.length);
    let count = 0;
    for (const at of order) {
      const operation = this.#at(at);
      if (operation.index !== null && modelOf(operation).writes) indexes[count++] = operation.index;
    }
    return indexes.subarray(0, count);
  }

  #keys(keyOf: (operation: Operation) => number): Float64Array<ArrayBuffer> {
    const keys = new Float64Array(this.#operations.length);
    let at = 0;
    // The addition makes 0 of -0.
    for (const operation of this.#operations) keys[at++] = keyOf(operation) + 0;
    return keys;
  }

  #at(position: number): Operation {
    const operation = this.#operations[position];
    if (operation === undefined) throw new RangeError(`Cannot find operation ${position} of the history`);
    return operation;
  }

  #reportMisfit({ state, last }: KeyState, operation: Operation): void {
    const found = state === undefined ? "no such key" : JSON.stringify(state);
    this.#report(`The result does not fit the state (${found})`, last === undefined ? [operation] : [last, operation]);
  }

  #report(what: string, operations: readonly Operation[]): void {
    this.#count += 1;
    if (this.#count > VIOLATIONS_MAX) return;
    this.#violations.push(`${what}: ${operations.map(describeOperation).join("; then ")}`);
  }
}

interface KeyState {
  state: State;
  /** Index of the last operation. */
  index: number;
  last: Operation | undefined;
}

/** Operations without an index come last. */
function orderKey(operation: Operation): number {
  if (operation.index === null) return Infinity;
  return operation.index * 2 + (modelOf(operation).writes ? 0 : 1);
}

function freeCounter(taken: Float64Array): CountFree {
  function countUpTo(index: number): number {
    let low = 0;
    let high = taken.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((taken[middle] ?? 0) <= index) low = middle + 1;
      else high = middle;
    }
    return low;
  }
  return (after, upTo) => upTo <= after ? 0 : upTo - after - (countUpTo(upTo) - countUpTo(after));
}
