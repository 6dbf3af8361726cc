/** Calls that go through the keys in byte order: KEYS, SCAN, RANGE, PREFIX, RANDOMKEY. */

import { type CallContext, type CallSpec, wordAt } from "../call.ts";
import { NO_KEYS, reads } from "../command_row.ts";
import type { Call } from "../commands.ts";
import { compileGlob, type Glob, isTooLong } from "../glob.ts";
import { parseInteger64 } from "../integers.ts";
import type { Keyspace } from "../keyspace.ts";
import { type ErrorReply, LONG_PATTERN, NOT_AN_INTEGER, type Reply, SYNTAX_ERROR } from "../replies.ts";
import { listOf } from "../reply_bounds.ts";
import { shownRanges } from "../rights.ts";
import { cursorOf, findCursor } from "../scan_cursor.ts";
import { optionAt } from "./options.ts";

/** Keys that RANGE and PREFIX return at most in one call. */
export const RANGE_LIMIT_MAX = 100_000;
const SCAN_COUNT = 10;
/** SCAN ends behind the key with which those that it looked at reach so many bytes: the rest comes with the next call. */
export const SCAN_BYTES_TARGET = 16_777_216;
const BAD_CURSOR: ErrorReply = { error: "ERR invalid cursor" };

/** The calls of this file. */
export const ORDERED_CALLS: readonly CallSpec[] = [
  {
    ...reads("KEYS <pattern>", {
      since: "1.0.0",
      group: "generic",
      keys: NO_KEYS,
      categories: ["@keyspace", "@dangerous"],
      tips: ["request_policy:all_shards", "nondeterministic_output_order"],
    }),
    summary: "Returns every key that matches a pattern, in byte order.",
    needs: "Shown",
    check: (call) => isTooLong(wordAt(call, 1)) ? LONG_PATTERN : undefined,
    run: (call, context) => {
      if (isTooLong(wordAt(call, 1))) return LONG_PATTERN;
      const glob = compileGlob(wordAt(call, 1));
      return listOf(matching(context, glob), (key) => key);
    },
  },
  {
    ...reads("SCAN <cursor> [MATCH <pattern>] [COUNT <n>] [TYPE <type>]", {
      since: "2.8.0",
      group: "generic",
      keys: NO_KEYS,
      tips: ["nondeterministic_output", "request_policy:special"],
    }),
    summary: "Returns the next keys in byte order, and a cursor for the rest.",
    needs: "Shown",
    check: (call) => {
      const options = readScanOptions(call);
      return "error" in options ? options : undefined;
    },
    run: runScan,
  },
  {
    ...reads("RANGE <start> <end> [LIMIT <n>] [KEYS]", {
      since: "7.0.0",
      group: "generic",
      keys: NO_KEYS,
      isBeyondRedis: true,
    }),
    summary: "Returns keys and values from a key on, up to another, which is left out.",
    needs: "Shown",
    check: (call) => {
      const options = readRangeOptions(call, 3);
      return "error" in options ? options : undefined;
    },
    run: (call, context) => {
      const options = readRangeOptions(call, 3);
      if ("error" in options) return options;
      const end = wordAt(call, 2);
      return listFrom(context, { ...options, start: wordAt(call, 1), isInside: (key) => end === "" || key < end });
    },
  },
  {
    ...reads("PREFIX <prefix> [AFTER <key>] [LIMIT <n>] [KEYS]", {
      since: "7.0.0",
      group: "generic",
      isBeyondRedis: true,
    }),
    summary: "Returns keys and values of one beginning, after a key where one is given.",
    needs: "Shown",
    check: (call) => {
      const options = readRangeOptions(call, 2);
      return "error" in options ? options : undefined;
    },
    run: (call, context) => {
      const options = readRangeOptions(call, 2);
      if ("error" in options) return options;
      const prefix = wordAt(call, 1);
      const start = options.after === undefined || options.after < prefix ? prefix : `${options.after}\0`;
      return listFrom(context, { ...options, start, isInside: (key) => key.startsWith(prefix) });
    },
  },
  {
    ...reads("RANDOMKEY", {
      since: "1.0.0",
      group: "generic",
      keys: NO_KEYS,
      tips: ["request_policy:all_shards", "nondeterministic_output"],
    }),
    summary: "Returns one of the keys.",
    needs: "Shown",
    run: (_call, context) => {
      const { keys, random, revision, shown } = context;
      return revision === 0 && shown === undefined ? keys.randomKey(random) ?? null : keyNear(context);
    },
  },
];

interface ScanOptions {
  readonly cursor: number;
  readonly pattern: string | undefined;
  readonly count: number;
  readonly type: string | undefined;
}

function readScanOptions(call: Call): ScanOptions | ErrorReply {
  const cursor = parseInteger64(wordAt(call, 1));
  if (cursor === undefined || cursor < 0) return BAD_CURSOR;
  let pattern: string | undefined;
  let type: string | undefined;
  let count = SCAN_COUNT;
  for (let at = 2; at < call.length; at += 2) {
    const option = optionAt(call, at);
    if (at + 1 >= call.length) return SYNTAX_ERROR;
    const argument = wordAt(call, at + 1);
    if (option === "MATCH") {
      if (isTooLong(argument)) return LONG_PATTERN;
      pattern = argument;
    } else if (option === "TYPE") type = argument;
    else if (option === "COUNT") {
      const number = parseInteger64(argument);
      if (number === undefined) return NOT_AN_INTEGER;
      if (number < 1) return SYNTAX_ERROR;
      count = Math.min(Number(number), RANGE_LIMIT_MAX);
    } else return SYNTAX_ERROR;
  }
  return { cursor: Number(cursor), pattern, count, type };
}

/** COUNT keys are looked at, so that each call costs the same whatever matches. */
function runScan(call: Call, context: CallContext): Reply {
  const { cursors: memory, shown } = context;
  const options = readScanOptions(call);
  if ("error" in options) return options;
  const after = options.cursor === 0
    ? undefined
    : findCursor(options.cursor, { readable: keysFrom(context, ""), shown, memory });
  const glob = options.pattern === undefined ? undefined : compileGlob(options.pattern);
  const prefix = glob?.literalPrefix ?? "";
  const next = after === undefined ? "" : `${after}\0`;
  const found: string[] = [];
  let looked = 0;
  let bytes = 0;
  let last = "";
  for (const key of keysFrom(context, next < prefix ? prefix : next)) {
    if (!key.startsWith(prefix)) break;
    if (looked === options.count || bytes >= SCAN_BYTES_TARGET) {
      const cursor = cursorOf(last);
      memory?.add(cursor, last);
      return [cursor.toString(), found];
    }
    looked += 1;
    last = key;
    const isOfType = options.type === undefined || options.type.toLowerCase() === "string";
    if (isOfType && (glob === undefined || glob.matches(key))) found.push(key);
    bytes += key.length;
  }
  return ["0", found];
}

interface RangeOptions {
  readonly limit: number;
  readonly keysOnly: boolean;
  readonly after: string | undefined;
}

function readRangeOptions(call: Call, from: number): RangeOptions | ErrorReply {
  let limit = RANGE_LIMIT_MAX;
  let keysOnly = false;
  let after: string | undefined;
  for (let at = from; at < call.length; at++) {
    const option = optionAt(call, at);
    if (option === "KEYS") keysOnly = true;
    else if (option === "AFTER" && from === 2 && at + 1 < call.length) after = wordAt(call, ++at);
    else if (option === "LIMIT" && at + 1 < call.length) {
      const number = parseInteger64(wordAt(call, ++at));
      if (number === undefined || number < 0) return NOT_AN_INTEGER;
      limit = Math.min(Number(number), RANGE_LIMIT_MAX);
    } else return SYNTAX_ERROR;
  }
  return { limit, keysOnly, after };
}

function listFrom(
  context: Readable,
  of: RangeOptions & { readonly start: string; readonly isInside: (key: string) => boolean },
): Reply {
  return listOf(keysAndValues(context, of), (text) => text);
}

type Readable = Pick<CallContext, "keys" | "shown">;

/** The keys from `start` on that may be read. */
function keysFrom({ keys, shown }: Readable, start: string): Iterable<string> {
  return shown === undefined ? keys.keys(start) : shownKeys(keys, shownRanges(shown, start));
}

function* shownKeys(keys: Keyspace, ranges: ReturnType<typeof shownRanges>): Iterable<string> {
  for (const [from, prefix] of ranges) {
    for (const key of keys.keys(from)) {
      if (!key.startsWith(prefix)) break;
      yield key;
    }
  }
}

function* matching(context: Readable, glob: Glob): Iterable<string> {
  for (const key of keysFrom(context, glob.literalPrefix)) {
    if (!key.startsWith(glob.literalPrefix)) return;
    if (glob.matches(key)) yield key;
  }
}

function* keysAndValues(context: Readable, of: Parameters<typeof listFrom>[1]): Iterable<string> {
  let count = 0;
  for (const key of keysFrom(context, of.start)) {
    if (count === of.limit || !of.isInside(key)) return;
    count += 1;
    yield key;
    if (!of.keysOnly) yield context.keys.value(key) ?? "";
  }
}

/**
 * For an entry of the log, whose answer may have to be the same on every node, and for who may not read every key: some keys
 * behind a random place in byte order. Less even than a draw from the list of a read, but it depends on nothing but the keys.
 */
function keyNear(context: Pick<CallContext, "keys" | "shown" | "random">): Reply {
  const { keys, shown, random } = context;
  // A place between all keys would tell of those that may not be read.
  const prefix = shown === undefined ? "" : shown[Math.floor(random() * shown.length)];
  const place = keys.randomPlace(random, prefix);
  const skipped = Math.floor(random() * SKIPPED_KEYS_MAX);
  const passed: string[] = [];
  for (const start of [place, ""]) {
    for (const key of keysFrom(context, start)) {
      if (passed.length === skipped) return key;
      passed.push(key);
    }
  }
  // Fewer keys than were to be skipped: all of them have been passed at least once.
  return passed[skipped % Math.max(passed.length, 1)] ?? null;
}

const SKIPPED_KEYS_MAX = 128;
