/** Log indexes for operations, which the text protocol does not tell: taken from the log as the nodes showed it. */

import type { Operation } from "../linearizability/history.ts";
import type { LogBook, SeenWrite } from "./log_book.ts";

/** The operations with the indexes that are known for certain: of writes, and of reads that saw a value. */
export function withIndexes(operations: readonly Operation[], book: LogBook): Operation[] {
  const deletions = deletionIndexes(operations, book);
  return operations.map((operation) => {
    const index = operation.operation === "delete" ? deletions.get(operation) : indexByValue(operation, book);
    return index === undefined ? operation : { ...operation, index };
  });
}

/** What the certificate check is given of one key. */
export interface Certifiable {
  readonly operations: readonly Operation[];
  /** Answered operations that the check does not see, since entries of the log that bear on them were never shown. */
  readonly leftOut: number;
}

/**
 * The operations of one key as the certificate check wants them: each with an index.
 *
 * When every write of the key was seen in the log, a read that saw no value gets the lowest index at which the key was
 * absent and that its time allows: any other choice would leave less room to the operations after it. And deletions that
 * cannot be told apart are taken from the log. When a write may stand in an entry that was missed, what has no index is
 * left out, and so are the deletions.
 */
export function certifiable(operations: readonly Operation[], book: LogBook): Certifiable {
  const [first] = operations;
  const indexed = withIndexes(operations, book);
  if (first === undefined) return { operations: [], leftOut: 0 };
  const writes = book.writesOf(first.key);
  if (book.missing > 0 && !areAllSeen(indexed, writes)) {
    const certain = indexed.filter(({ operation, index }) => index !== null && operation !== "delete");
    const answered = (one: Operation) => one.outcome === "ok";
    return { operations: certain, leftOut: indexed.filter(answered).length - certain.filter(answered).length };
  }
  const deletions = indexed.filter(({ operation }) => operation === "delete");
  const known = new Set(deletions.flatMap(({ index }) => index === null ? [] : [index]));
  const toldApart = deletions.every(({ outcome, index }) => outcome === "unknown" || index !== null);
  const others = indexed.filter(({ operation, index }) => operation !== "delete" && index !== null);
  const certain = [
    ...others,
    ...toldApart ? deletions.filter(({ index }) => index !== null) : [],
    ...writes.flatMap(({ token, index }) =>
      token === null && !(toldApart && known.has(index)) ? [seen(first, index)] : []
    ),
  ];
  const blind = indexed.filter(({ operation, result }) => operation === "get" && result === null);
  return { operations: placeReadsOfNothing(blind, { certain, writes }), leftOut: 0 };
}

/** Whether each write that was not refused stands in an entry that was shown: then none can stand in a missed one. */
function areAllSeen(indexed: readonly Operation[], writes: readonly SeenWrite[]): boolean {
  const deletions = indexed.filter(({ operation }) => operation === "delete").length;
  return deletions <= writes.filter(({ token }) => token === null).length &&
    indexed.every(({ operation, index }) => operation !== "put" || index !== null);
}

function indexByValue({ operation, argument, result }: Operation, book: LogBook): number | undefined {
  const value = operation === "get" ? result : argument;
  return typeof value === "string" ? book.indexOf(value) : undefined;
}

/**
 * Which deletion in the log is whose: one client deletes a key, so when there are as many as were acknowledged, the
 * order is the same.
 */
function deletionIndexes(operations: readonly Operation[], book: LogBook): ReadonlyMap<Operation, number> {
  const indexes = new Map<Operation, number>();
  const deletions = operations.filter(({ operation, outcome }) => operation === "delete" && outcome === "ok");
  for (const [key, ofKey] of Map.groupBy(deletions, (operation) => operation.key)) {
    const inLog = book.writesOf(key).filter(({ token }) => token === null);
    if (inLog.length !== ofKey.length) continue;
    const inOrder = ofKey.toSorted((left, right) => left.call - right.call);
    for (const [at, operation] of inOrder.entries()) indexes.set(operation, inLog[at]?.index ?? 0);
  }
  return indexes;
}

/** A deletion that stands in the log, of which nothing else is known. */
function seen({ key }: Operation, index: number): Operation {
  return {
    client: -1,
    operation: "delete",
    key,
    argument: null,
    result: null,
    outcome: "unknown",
    call: 0,
    return: null,
    index,
  };
}

/** From `start` on, and before `end`, the key was absent. */
interface Absence {
  readonly start: number;
  readonly end: number;
}

function absencesIn(writes: readonly SeenWrite[]): Absence[] {
  const absences: Absence[] = [];
  let start: number | undefined = 0;
  for (const { index, token } of writes) {
    if (token === null) start ??= index;
    else if (start !== undefined) {
      absences.push({ start, end: index });
      start = undefined;
    }
  }
  return start === undefined ? absences : [...absences, { start, end: Infinity }];
}

function placeReadsOfNothing(
  reads: readonly Operation[],
  { certain, writes }: { readonly certain: readonly Operation[]; readonly writes: readonly SeenWrite[] },
): Operation[] {
  const absences = absencesIn(writes);
  const placed = [...certain];
  const earlier = certain.filter((operation) => operation.return !== null);
  for (const read of reads.toSorted((left, right) => left.call - right.call)) {
    let floor = 0;
    for (const operation of earlier) {
      if ((operation.return ?? Infinity) < read.call) floor = Math.max(floor, operation.index ?? 0);
    }
    // Without an absence after that, the read saw the past: the check will say so.
    const absence = absences.find(({ end }) => end > floor);
    const index = absence === undefined ? floor : Math.max(floor, absence.start);
    const operation = { ...read, index };
    placed.push(operation);
    earlier.push(operation);
  }
  return placed;
}
