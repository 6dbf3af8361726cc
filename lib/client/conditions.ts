/** Writes on conditions, and the requests that they become. */

import { ServerError } from "./errors.ts";
import type { Reply } from "./replies.ts";
import type { OperationOptions } from "./scope.ts";
import { transactionWords } from "./transaction.ts";
import type { Bytes, Word } from "./words.ts";

/** How to put a value; at most one of the conditions. */
export interface PutOptions extends OperationOptions {
  /** The key goes away by itself after so many milliseconds (at least 1). Without it a value stays, whatever was there. */
  readonly ttlMs?: number | undefined;
  /** The deadline that the key has stays. Not together with `ttlMs`. */
  readonly keepTtl?: boolean | undefined;
  /** Only if the key is not there. */
  readonly ifAbsent?: boolean | undefined;
  /** Only if the key is there. */
  readonly ifPresent?: boolean | undefined;
  /** Only if its value is this. */
  readonly ifValue?: Bytes | undefined;
  /** Only if its last change was at this revision (`Revision.modified`). */
  readonly ifRevision?: number | undefined;
}

/** How to delete a key; at most one of the conditions. */
export interface DeleteOptions extends OperationOptions {
  /** Only if its value is this. */
  readonly ifValue?: Bytes | undefined;
  /** Only if its last change was at this revision (`Revision.modified`). */
  readonly ifRevision?: number | undefined;
}

/** A request and what its reply says. */
export interface ConditionalRequest {
  readonly words: readonly Word[];
  /** Whether it was done. Throws `ServerError` for an error within a transaction. */
  readonly wasDone: (reply: Reply) => boolean;
}

/** The request that puts `value`. Throws TypeError for options that exclude each other. */
export function putRequest(pair: readonly [key: Bytes, value: Bytes], options: PutOptions): ConditionalRequest {
  const { ttlMs, keepTtl, ifAbsent, ifPresent, ifValue, ifRevision } = options;
  atMostOne({ ifAbsent, ifPresent, ifValue, ifRevision });
  atMostOne({ ttlMs, keepTtl });
  const set: Word[] = ["SET", ...pair];
  if (ttlMs !== undefined) set.push("PX", ttlMs);
  if (keepTtl === true) set.push("KEEPTTL");
  if (ifAbsent === true) set.push("NX");
  if (ifPresent === true) set.push("XX");
  if (ifValue !== undefined) set.push("IFEQ", ifValue);
  if (ifRevision !== undefined) return atRevision({ key: pair[0], revision: ifRevision, words: set });
  return { words: set, wasDone: (reply) => reply !== null };
}

/** The request that removes `key`. Throws TypeError for options that exclude each other. */
export function deleteRequest(key: Bytes, options: DeleteOptions): ConditionalRequest {
  const { ifValue, ifRevision } = options;
  atMostOne({ ifValue, ifRevision });
  if (ifRevision !== undefined) return atRevision({ key, revision: ifRevision, words: ["DEL", key] });
  return { words: ifValue === undefined ? ["DEL", key] : ["DELEX", key, "IFEQ", ifValue], wasDone: isOne };
}

function atRevision(
  { key, revision, words }: { readonly key: Bytes; readonly revision: number; readonly words: readonly Word[] },
): ConditionalRequest {
  return {
    words: transactionWords({ if: [{ key, field: "modified", is: "=", operand: revision }], then: [words] }),
    wasDone: (reply) => {
      const [succeeded, replies] = Array.isArray(reply) ? reply : [];
      const error = Array.isArray(replies) ? replies[0] : undefined;
      if (error instanceof ServerError) throw new ServerError(error.message, { cause: error });
      return succeeded === 1;
    },
  };
}

function isOne(reply: Reply): boolean {
  return reply === 1;
}

function atMostOne(conditions: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(conditions).filter((name) => conditions[name] !== undefined && conditions[name] !== false);
  if (given.length > 1) throw new TypeError(`Cannot combine ${given.join(" and ")}`);
}
