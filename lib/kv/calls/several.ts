/** Calls on several keys at once. */

import { type CallSpec, wordAt, wrongArity } from "../call.ts";
import { ALL_KEYS, type Facts, type FactsOfCall, NO_KEYS, reads, writes } from "../command_row.ts";
import type { Call } from "../commands.ts";
import { OK, SYNTAX_ERROR } from "../replies.ts";
import { listOf } from "../reply_bounds.ts";
import { optionAt } from "./options.ts";

const PAIRS = { first: 1, last: -1, step: 2 } as const;
const MULTI_SHARD = "request_policy:multi_shard";
const ALL_SUCCEEDED = "response_policy:all_succeeded";
const COUNTS: FactsOfCall = {
  since: "1.0.0",
  group: "generic",
  keys: ALL_KEYS,
  tips: [MULTI_SHARD, "response_policy:agg_sum"],
};

/** The calls of this file. */
export const SEVERAL_CALLS: readonly CallSpec[] = [
  {
    ...reads("MGET <key> [<key> ...]", { since: "1.0.0", flags: ["fast"], keys: ALL_KEYS, tips: [MULTI_SHARD] }),
    summary: "Returns the values of several keys.",
    run: (call, { keys }) => listOf(call.slice(1), (key) => keys.value(key) ?? null),
  },
  {
    ...writes("MSET <key> <value> [<key> <value> ...]", {
      since: "1.0.1",

      flags: ["denyoom"],
      keys: PAIRS,
      tips: [MULTI_SHARD, ALL_SUCCEEDED],
    }),
    summary: "Stores several values at once.",
    needs: "Blind",
    check: (call) => call.length % 2 === 0 ? wrongArity("MSET") : undefined,
    run: (call, { keys, revision }) => {
      if (call.length % 2 === 0) return wrongArity("MSET");
      forEachPair(call, (key, value) => keys.put(key, value, { revision, expiresAt: undefined }));
      return OK;
    },
  },
  {
    ...writes("MSETNX <key> <value> [<key> <value> ...]", {
      since: "1.0.1",

      flags: ["denyoom"],
      keys: PAIRS,
      tips: [MULTI_SHARD, "response_policy:agg_min"],
    }),
    summary: "Stores several values unless one of the keys is there.",
    needs: "Blind",
    check: (call) => call.length % 2 === 0 ? wrongArity("MSETNX") : undefined,
    run: (call, { keys, revision }) => {
      if (call.length % 2 === 0) return wrongArity("MSETNX");
      for (let at = 1; at < call.length; at += 2) if (keys.has(wordAt(call, at))) return 0;
      forEachPair(call, (key, value) => keys.put(key, value, { revision, expiresAt: undefined }));
      return 1;
    },
  },
  removal(writes("DEL <key> [<key> ...]", { ...COUNTS, grows: "None" })),
  removal(writes("UNLINK <key> [<key> ...]", { ...COUNTS, since: "4.0.0", flags: ["fast"], grows: "None" })),
  existence(reads("EXISTS <key> [<key> ...]", { ...COUNTS, flags: ["fast"] })),
  existence(reads("TOUCH <key> [<key> ...]", { ...COUNTS, since: "3.2.1", flags: ["fast"] })),
  flush("FLUSHDB [ASYNC|SYNC]"),
  flush("FLUSHALL [ASYNC|SYNC]"),
];

function forEachPair(call: Call, action: (key: string, value: string) => void): void {
  for (let at = 1; at < call.length; at += 2) action(wordAt(call, at), wordAt(call, at + 1));
}

function removal(row: Facts): CallSpec {
  return {
    ...row,
    summary: "Removes keys and returns how many there were.",
    needs: "Blind",
    run: (call, { keys }) => countOf(call, (key) => keys.remove(key)),
  };
}

function existence(row: Facts): CallSpec {
  return {
    ...row,
    summary: "Returns how many of the keys are there; one that is named twice counts twice.",
    needs: "Either",
    run: (call, { keys }) => countOf(call, (key) => keys.has(key)),
  };
}

function countOf(call: Call, counts: (key: string) => boolean): number {
  let count = 0;
  for (let at = 1; at < call.length; at++) if (counts(wordAt(call, at))) count += 1;
  return count;
}

function flush(form: string): CallSpec {
  const isForm = (call: Call) => {
    const option = optionAt(call, 1);
    return call.length === 1 || (call.length === 2 && (option === "ASYNC" || option === "SYNC"));
  };
  return {
    ...writes(form, {
      since: "1.0.0",
      group: "server",
      keys: NO_KEYS,
      timing: "None",
      grows: "None",
      categories: ["@keyspace", "@dangerous"],
      tips: ["request_policy:all_shards", ALL_SUCCEEDED],
    }),
    summary: "Removes every key.",
    needs: "Blind",
    check: (call) => isForm(call) ? undefined : SYNTAX_ERROR,
    run: (call, { keys }) => {
      if (!isForm(call)) return SYNTAX_ERROR;
      keys.clear();
      return OK;
    },
  };
}
