/** Damage to histories, as the bugs of a store would do it: some mutants stay valid, most do not. */

import type { Random } from "../../lib/base/random.ts";
import type { Operation } from "./history.ts";

/** A mutant and what was done to it. */
export interface Mutant {
  readonly operations: readonly Operation[];
  /** Names of the mutations, in order. */
  readonly mutations: readonly string[];
}

/** Applies one to `mutationsMax` mutations. The operations stay well-formed: `objectionTo` has nothing against them. */
export function mutate(
  operations: readonly Operation[],
  { random, mutationsMax = 2 }: { readonly random: Random; readonly mutationsMax?: number },
): Mutant {
  const mutations: string[] = [];
  let mutant = operations;
  const count = random.between(1, mutationsMax);
  for (let attempt = 0; mutations.length < count && attempt < ATTEMPTS_MAX; attempt++) {
    const name = random.pick(NAMES);
    const next = MUTATIONS.get(name)?.(mutant, random);
    if (next === undefined) continue;
    mutations.push(name);
    mutant = next;
  }
  return { operations: mutant, mutations };
}

/** Not each mutation finds what it needs in each history. */
const ATTEMPTS_MAX = 20;
const TIME_SHIFT_MAX_NS = 12;

/** A mutated copy, or undefined if the history has nothing of the kind. */
type Mutation = (operations: readonly Operation[], random: Random) => readonly Operation[] | undefined;

const MUTATIONS: ReadonlyMap<string, Mutation> = new Map<string, Mutation>([
  ["swap the results of two operations", swapResults],
  ["swap the indexes of two operations", swapIndexes],
  ["shift an index", shiftIndex],
  ["shift an operation in time", shiftTimes],
  ["return early", returnEarly],
  ["call late", callLate],
  ["drop an operation", drop],
  ["duplicate an operation", duplicate],
  ["read an old value", staleRead],
  ["read what nobody wrote", inventedRead],
  ["lose a write", loseWrite],
  ["flip whether a key existed", flipExistence],
  ["forget an outcome", forgetOutcome],
  ["learn an outcome", learnOutcome],
  ["move to another key", changeKey],
]);

const NAMES: readonly string[] = [...MUTATIONS.keys()];

function pickOf(
  operations: readonly Operation[],
  random: Random,
  fits: (operation: Operation) => boolean,
): Operation | undefined {
  const fitting = operations.filter(fits);
  return fitting.length === 0 ? undefined : random.pick(fitting);
}

function change(operations: readonly Operation[], old: Operation, changes: Partial<Operation>): readonly Operation[] {
  return operations.map((operation) => operation === old ? { ...operation, ...changes } : operation);
}

function isOk({ outcome }: Operation): boolean {
  return outcome === "ok";
}

function isGet({ operation }: Operation): boolean {
  return operation === "get";
}

function swapResults(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const one = pickOf(operations, random, isOk);
  const other = pickOf(
    operations,
    random,
    (operation) =>
      isOk(operation) && isGet(operation) === (one !== undefined && isGet(one)) && operation.result !== one?.result,
  );
  if (one === undefined || other === undefined) return undefined;
  return change(change(operations, one, { result: other.result }), other, { result: one.result });
}

function swapIndexes(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const one = pickOf(operations, random, isOk);
  const other = pickOf(operations, random, (operation) => isOk(operation) && operation.index !== one?.index);
  if (one === undefined || other === undefined) return undefined;
  return change(change(operations, one, { index: other.index }), other, { index: one.index });
}

function shiftIndex(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, ({ index }) => index !== null);
  if (chosen === undefined) return undefined;
  return change(operations, chosen, { index: Math.max(0, (chosen.index ?? 0) + random.between(-3, 3)) });
}

function shiftTimes(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, isOk);
  if (chosen === undefined) return undefined;
  const shift = Math.max(-chosen.call, random.between(-TIME_SHIFT_MAX_NS, TIME_SHIFT_MAX_NS));
  return change(operations, chosen, { call: chosen.call + shift, return: (chosen.return ?? 0) + shift });
}

function returnEarly(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, (operation) => (operation.return ?? 0) > operation.call);
  if (chosen === undefined) return undefined;
  return change(operations, chosen, { return: random.between(chosen.call, (chosen.return ?? 0) - 1) });
}

function callLate(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, () => true);
  if (chosen === undefined) return undefined;
  const latest = chosen.return ?? chosen.call + TIME_SHIFT_MAX_NS;
  return change(operations, chosen, { call: random.between(chosen.call, latest) });
}

function drop(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, () => true);
  return operations.filter((operation) => operation !== chosen);
}

function duplicate(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, isOk);
  if (chosen === undefined) return undefined;
  const shift = random.below(TIME_SHIFT_MAX_NS);
  const copy = { ...chosen, call: chosen.call + shift, return: (chosen.return ?? 0) + shift };
  const index = Math.max(...operations.map((operation) => operation.index ?? 0)) + 1;
  return [...operations, random.chance(0.5) ? copy : { ...copy, index }];
}

function staleRead(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const read = pickOf(operations, random, (operation) => isOk(operation) && isGet(operation));
  if (read === undefined) return undefined;
  const written = operations.filter(({ key, argument, call }) =>
    key === read.key && argument !== null && argument !== read.result && call <= (read.return ?? 0)
  );
  return change(operations, read, { result: random.pick([null, ...written.map(({ argument }) => argument)]) });
}

function inventedRead(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const read = pickOf(operations, random, (operation) => isOk(operation) && isGet(operation));
  return read === undefined ? undefined : change(operations, read, { result: "invented" });
}

/** The first read that showed the write shows what another read of the key showed instead. */
function loseWrite(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const write = pickOf(
    operations,
    random,
    ({ argument, key }) =>
      argument !== null && operations.some((read) => isGet(read) && read.key === key && read.result === argument),
  );
  if (write === undefined) return undefined;
  const others = operations.filter((read) => isGet(read) && read.key === write.key && read.result !== write.argument);
  const result = random.pick([null, ...others.map((read) => read.result)]);
  const lost = operations.find((read) => isGet(read) && read.key === write.key && read.result === write.argument);
  return lost === undefined ? undefined : change(operations, lost, { result });
}

function flipExistence(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, ({ result }) => typeof result === "boolean");
  return chosen === undefined ? undefined : change(operations, chosen, { result: chosen.result !== true });
}

function forgetOutcome(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, (operation) => isOk(operation) && !isGet(operation));
  if (chosen === undefined) return undefined;
  const index = random.chance(0.3) ? chosen.index : null;
  return change(operations, chosen, { outcome: "unknown", return: null, result: null, index });
}

/** Told too early or too late: the write need not have taken effect by then, nor at that index. */
function learnOutcome(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, ({ outcome }) => outcome === "unknown");
  if (chosen === undefined) return undefined;
  const latest = Math.max(chosen.call, ...operations.map((operation) => operation.return ?? 0));
  const index = random.below(Math.max(...operations.map((operation) => operation.index ?? 0)) + 2);
  return change(operations, chosen, { outcome: "ok", return: random.between(chosen.call, latest), index });
}

function changeKey(operations: readonly Operation[], random: Random): readonly Operation[] | undefined {
  const chosen = pickOf(operations, random, () => true);
  const other = pickOf(operations, random, ({ key }) => key !== chosen?.key);
  if (chosen === undefined || other === undefined) return undefined;
  return change(operations, chosen, { key: other.key });
}
