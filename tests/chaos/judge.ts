/** The verdict on a run, from what clients were told, what the log says and what every node holds in the end. */

import { checkCertificate } from "../linearizability/certificate.ts";
import type { Operation } from "../linearizability/history.ts";
import { describeSearchResult, searchLinearization } from "../linearizability/search.ts";
import { type LedgerWrite, possibleFinals } from "../support/ledger.ts";
import { certifiable } from "./indexes.ts";
import type { LogBook } from "./log_book.ts";

/** What is judged. */
export interface Evidence {
  /** Everything that was acknowledged or left open, from the ledger on disk. */
  readonly ledger: readonly LedgerWrite[];
  readonly operations: readonly Operation[];
  /** Values of writes that were certainly not done. */
  readonly refused: readonly string[];
  /** What each key holds in the end, as each node reads it; null for no value. */
  readonly finals: ReadonlyMap<number, ReadonlyMap<string, string | null>>;
  readonly book: LogBook;
}

/** So many problems of a kind are told; more of them say nothing new. */
const TOLD_MAX = 5;
/** Of a hundred operations at most so many may be left unchecked for want of log entries: else the run proves too little. */
const LEFT_OUT_PERCENT_MAX = 2;
/** What fills up values. */
const PADDING = /x{8,}/g;

/** One line for each problem found; empty when all is well. */
export function judge(evidence: Evidence): string[] {
  return [
    ...few(evidence.book.contradictions),
    ...few(brokenPromises(evidence)),
    ...few(falseRefusals(evidence)),
    ...few(falselyRefusedDeletions(evidence)),
    ...few(lostFromLog(evidence)),
    ...few(certificateProblems(evidence)),
    ...leftOutTooMuch(evidence),
    ...few(searchProblems(evidence.operations)),
  ];
}

/** Every key on every node: what was acknowledged and not overwritten, or what may have taken its place. */
export function brokenPromises({ ledger, finals }: Evidence): string[] {
  const broken: string[] = [];
  for (const [key, possible] of possibleFinals(ledger)) {
    for (const [node, values] of finals) {
      const value = values.get(key);
      if (value !== undefined && possible.has(value)) continue;
      const allowed = [...possible].map(brief).join(" or ");
      broken.push(`key ${key} on node ${node}: promised was ${allowed}, read was ${brief(value)}`);
    }
  }
  return broken;
}

/** A write that was certainly not done must not be in the log, and nobody may have read it. */
function falseRefusals({ refused, book, operations }: Evidence): string[] {
  const refusals = new Set(refused);
  const inLog = refused.flatMap((value) => {
    const index = book.indexOf(value);
    return index === undefined ? [] : [`the write of ${brief(value)} was refused and stands in the log at ${index}`];
  });
  const seen = operations.flatMap(({ operation, key, result }) => {
    if (operation !== "get" || typeof result !== "string" || !refusals.has(result)) return [];
    return [`the write of ${brief(result)} was refused and was read from ${key}`];
  });
  return [...inLog, ...seen];
}

/** Deletions bear no mark: of each key there may be as many in the log as were acknowledged or left open. */
function falselyRefusedDeletions({ ledger, book }: Evidence): string[] {
  const deletions = Map.groupBy(ledger.filter(({ value }) => value === null), ({ key }) => key);
  return [...book.keys].flatMap((key) => {
    const told = deletions.get(key)?.length ?? 0;
    const inLog = book.writesOf(key).filter(({ token }) => token === null).length;
    if (inLog <= told) return [];
    return [`${inLog} deletions of ${key} stand in the log, and only ${told} were acknowledged or left open`];
  });
}

/** Every acknowledged write must be in the log: no more of them can be out of sight than entries are. */
function lostFromLog({ ledger, book }: Evidence): string[] {
  const lost = ledger.flatMap(({ key, value, return: returned }) => {
    if (value === null || returned === null || book.indexOf(value) !== undefined) return [];
    return [`the write of ${brief(value)} to ${key} was acknowledged and is nowhere in the log`];
  });
  return lost.length > book.missing ? lost : [];
}

/** By key: the index of a read is that of the write it saw, and says nothing about other keys. */
function certificateProblems({ operations, book }: Evidence): string[] {
  const problems: string[] = [];
  for (const [key, ofKey] of byKey(operations)) {
    for (const violation of checkCertificate(certifiable(ofKey, book).operations)) {
      problems.push(`certificate of ${key}: ${violation}`);
    }
  }
  return problems;
}

/** Answered operations that the certificate check could not look at. */
export function countLeftOut({ operations, book }: Pick<Evidence, "operations" | "book">): number {
  return [...byKey(operations).values()].reduce((sum, ofKey) => sum + certifiable(ofKey, book).leftOut, 0);
}

function leftOutTooMuch(evidence: Evidence): string[] {
  const count = countLeftOut(evidence);
  const { operations, book } = evidence;
  if (count * 100 <= operations.length * LEFT_OUT_PERCENT_MAX) return [];
  return [
    `${count} of ${operations.length} operations were not checked, since ${book.missing} log entries were never seen; ` +
    `at most ${LEFT_OUT_PERCENT_MAX} % may be`,
  ];
}

function byKey(operations: readonly Operation[]): ReadonlyMap<string, readonly Operation[]> {
  return Map.groupBy(operations, (operation) => operation.key);
}

function searchProblems(operations: readonly Operation[]): string[] {
  const result = searchLinearization(operations);
  // "Undecided" is a failure too: it proves nothing.
  return result.type === "Linearizable" ? [] : [`search: ${describeSearchResult(result)}`];
}

function brief(value: string | null | undefined): string {
  if (value === undefined) return "not answered";
  return value === null ? "nothing" : value.slice(0, 24);
}

function few(problems: readonly string[]): readonly string[] {
  const told = problems.slice(0, TOLD_MAX).map((problem) => problem.replace(PADDING, "x..."));
  return problems.length <= TOLD_MAX ? told : [...told, `... and ${problems.length - TOLD_MAX} more of this kind`];
}
