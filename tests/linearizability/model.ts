/**
 * What one key does, operation by operation: the specification that histories are judged by. A new operation is one entry
 * of the table at the end; both checks and the brute force use nothing else.
 */

import { judgeCall } from "./calls.ts";
import type { Operation } from "./history.ts";

/** What stands under a key: a byte string, or undefined for no such key. */
export type State = string | undefined;

/** The answer of `apply` for a result that the state does not allow. */
export const IMPOSSIBLE: unique symbol = Symbol("impossible");

/** One kind of operation. */
export interface OperationModel {
  /** The next state, or `IMPOSSIBLE` if the result does not fit. `result` is null when it is not known. */
  apply(state: State, operation: Operation, result: Operation["result"]): State | typeof IMPOSSIBLE;
  /** Whether it gets an entry of the log to itself; else its index is that of the state it read. */
  readonly writes: boolean;
  /** Whether it, with this result, leaves each state it fits as it was. True may be left out, at the cost of speed. */
  readOnly(result: Operation["result"]): boolean;
  /** Whether the state it leaves is the same whatever it found. */
  readonly overwrites: boolean;
  /** The part of the state that decides whether a result fits. `value` unless it is surely less. */
  readonly observes: "existence" | "value";
  /** For reads that fit one state only: which. A state that no such read shows is told apart only by existence. */
  readonly shows?: (operation: Operation) => State;
}

/** The next state after `operation` in `state`, or `IMPOSSIBLE`. Throws `RangeError` for an operation that is not in the table. */
export function apply(state: State, operation: Operation): State | typeof IMPOSSIBLE {
  // Whatever stands as result of an unknown operation, nobody was told it.
  return modelOf(operation).apply(state, operation, operation.outcome === "ok" ? operation.result : null);
}

/** The entry of the table for an operation. Throws `RangeError` when there is none. */
export function modelOf(operation: Operation): OperationModel {
  const model = MODELS.get(operation.operation);
  if (model === undefined) {
    throw new RangeError(`Cannot judge operation "${operation.operation}": it is not in the model`);
  }
  return model;
}

/** Whether the operation could not have changed anything, to judge from its reply. */
export function isReadOnly(operation: Operation): boolean {
  return operation.outcome === "ok" && modelOf(operation).readOnly(operation.result);
}

/** Whether the operation stands for something that may have happened: an unknown read says nothing. */
export function counts(operation: Operation): boolean {
  return operation.outcome === "ok" || modelOf(operation).writes;
}

const get: OperationModel = {
  apply: (state, _, result) => (state ?? null) === result ? state : IMPOSSIBLE,
  writes: false,
  readOnly: () => true,
  overwrites: false,
  observes: "value",
  shows: ({ result }) => typeof result === "string" ? result : undefined,
};

const put: OperationModel = {
  apply(state, { argument }, created) {
    if (created !== null && created !== (state === undefined)) return IMPOSSIBLE;
    return argument ?? "";
  },
  writes: true,
  readOnly: () => false,
  overwrites: true,
  observes: "existence",
};

const remove: OperationModel = {
  apply: (state, _, existed) => existed !== null && existed !== (state !== undefined) ? IMPOSSIBLE : undefined,
  writes: true,
  readOnly: (existed) => existed === false,
  overwrites: true,
  observes: "existence",
};

const DECIMAL = /^-?\d+$/;

/** Adds the argument (1 when null) to a decimal number; no such key counts as 0. The result is the sum. */
const incr: OperationModel = {
  apply(state, { argument }, result) {
    if (!DECIMAL.test(state ?? "0")) return IMPOSSIBLE;
    const sum = Number(state ?? "0") + Number(argument ?? "1");
    return result === null || result === sum ? String(sum) : IMPOSSIBLE;
  },
  writes: true,
  readOnly: () => false,
  overwrites: false,
  observes: "value",
};

/** A call of calls.ts that may change its key: the argument is its words, the result its answer, both as JSON. */
const call: OperationModel = {
  apply(state, { argument }, result) {
    const { answer, effect } = judgeCall(state, JSON.parse(argument ?? "[]"));
    if (result !== null && result !== JSON.stringify(answer)) return IMPOSSIBLE;
    if (effect === "None") return state;
    return effect === "Remove" ? undefined : effect.value;
  },
  writes: true,
  readOnly: () => false,
  overwrites: false,
  observes: "value",
};

/** A call that only reads; in the same form. */
const ask: OperationModel = { ...call, writes: false, readOnly: () => true };

const MODELS: ReadonlyMap<string, OperationModel> = new Map([
  ["get", get],
  ["put", put],
  ["delete", remove],
  ["incr", incr],
  ["call", call],
  ["ask", ask],
]);
