/** Calls on several keys at once. */

import { ALL_KEYS, type CallSpec, NO_KEYS, wordAt, wrongArity } from "../call.ts";
import type { Call } from "../commands.ts";
import { OK, SYNTAX_ERROR } from "../replies.ts";
import { optionAt } from "./options.ts";

const PAIRS = { first: 1, last: -1, step: 2 } as const;

/** The calls of this file. */
export const SEVERAL_CALLS: readonly CallSpec[] = [
  {
    name: "MGET",
    arity: -2,
    access: "Read",
    keys: ALL_KEYS,
    summary: "Returns the values of several keys.",
    run: (call, { keys }) => call.slice(1).map((key) => keys.get(key)?.value ?? null),
  },
  {
    name: "MSET",
    arity: -3,
    access: "Write",
    keys: PAIRS,
    summary: "Stores several values at once.",
    check: (call) => call.length % 2 === 0 ? wrongArity("MSET") : undefined,
    run: (call, { keys, revision }) => {
      if (call.length % 2 === 0) return wrongArity("MSET");
      forEachPair(call, (key, value) => keys.put(key, value, { revision, expiresAt: undefined }));
      return OK;
    },
  },
  {
    name: "MSETNX",
    arity: -3,
    access: "Write",
    keys: PAIRS,
    summary: "Stores several values unless one of the keys is there.",
    check: (call) => call.length % 2 === 0 ? wrongArity("MSETNX") : undefined,
    run: (call, { keys, revision }) => {
      if (call.length % 2 === 0) return wrongArity("MSETNX");
      for (let at = 1; at < call.length; at += 2) if (keys.has(wordAt(call, at))) return 0;
      forEachPair(call, (key, value) => keys.put(key, value, { revision, expiresAt: undefined }));
      return 1;
    },
  },
  removal("DEL"),
  removal("UNLINK"),
  existence("EXISTS"),
  existence("TOUCH"),
  flush("FLUSHDB"),
  flush("FLUSHALL"),
];

function forEachPair(call: Call, action: (key: string, value: string) => void): void {
  for (let at = 1; at < call.length; at += 2) action(wordAt(call, at), wordAt(call, at + 1));
}

function removal(name: string): CallSpec {
  return {
    name,
    arity: -2,
    access: "Write",
    keys: ALL_KEYS,
    summary: "Removes keys and returns how many there were.",
    run: (call, { keys }) => countOf(call, (key) => keys.remove(key)),
  };
}

function existence(name: string): CallSpec {
  return {
    name,
    arity: -2,
    access: "Read",
    keys: ALL_KEYS,
    summary: "Returns how many of the keys are there; one that is named twice counts twice.",
    run: (call, { keys }) => countOf(call, (key) => keys.has(key)),
  };
}

function countOf(call: Call, counts: (key: string) => boolean): number {
  let count = 0;
  for (let at = 1; at < call.length; at++) if (counts(wordAt(call, at))) count += 1;
  return count;
}

function flush(name: string): CallSpec {
  const isForm = (call: Call) => {
    const option = optionAt(call, 1);
    return call.length === 1 || (call.length === 2 && (option === "ASYNC" || option === "SYNC"));
  };
  return {
    name,
    arity: -1,
    access: "Write",
    keys: NO_KEYS,
    summary: "Removes every key.",
    check: (call) => isForm(call) ? undefined : SYNTAX_ERROR,
    run: (call, { keys }) => {
      if (!isForm(call)) return SYNTAX_ERROR;
      keys.clear();
      return OK;
    },
  };
}
