/** Transactions: comparisons, and what is done at once if all of them hold, or else. */

import type { Reply } from "./replies.ts";
import type { Bytes, Word } from "./words.ts";

/**
 * One comparison. Of a key that is not there, `exists`, `version`, `created` and `modified` are 0, and of comparisons of its
 * `value` only `!=` holds.
 */
export interface Comparison {
  readonly key: Bytes;
  readonly field: "value" | "version" | "created" | "modified" | "exists";
  readonly is: "=" | "!=" | "<" | ">";
  /** A value for `value`, ordered by its bytes; a boolean or 0 or 1 for `exists`; else a whole number. */
  readonly operand: Word | boolean;
}

/** A transaction. Commands are lists of words: `["SET", "key", "value"]`. */
export interface Transaction {
  /** All of them must hold; with none of them, `then` is done. */
  readonly if?: readonly Comparison[] | undefined;
  /** Commands on keys, done at once if they hold. */
  readonly then?: readonly (readonly Word[])[] | undefined;
  /** Commands on keys, done at once if they do not. */
  readonly else?: readonly (readonly Word[])[] | undefined;
}

/** What a transaction gave. */
export interface TransactionResult {
  /** Whether every comparison held. */
  readonly succeeded: boolean;
  /** The reply to each command that was done. A command that failed has a `ServerError`, which does not undo the others. */
  readonly replies: readonly Reply[];
}

const FIELDS: Readonly<Record<Comparison["field"], string>> = {
  value: "VALUE",
  version: "VERSION",
  created: "CREATE",
  modified: "MOD",
  exists: "EXISTS",
};

/** The request of a transaction. */
export function transactionWords(transaction: Transaction): readonly Word[] {
  const { if: comparisons = [], then: calls = [], else: others = [] } = transaction;
  const words: Word[] = ["TXN", comparisons.length];
  for (const { key, field, is, operand } of comparisons) {
    words.push(key, FIELDS[field], is, typeof operand === "boolean" ? Number(operand) : operand);
  }
  for (const list of [calls, others]) {
    words.push(list.length);
    for (const call of list) words.push(call.length, ...call);
  }
  return words;
}
