/** Calls on keys themselves: their kind, names and copies. */

import { type CallSpec, type Needs, wordAt, wrongArity } from "../call.ts";
import { ALL_KEYS, byName, NO_KEYS, reads, subcommand, writes } from "../command_row.ts";
import { type Call, VALUE_BYTES_MAX } from "../commands.ts";
import { parseInteger64 } from "../integers.ts";
import type { KeyRecord } from "../key_record.ts";
import type { Keyspace } from "../keyspace.ts";
import { type ErrorReply, NOT_AN_INTEGER, OK, type Reply, SYNTAX_ERROR } from "../replies.ts";
import { optionAt } from "./options.ts";

const NO_SUCH_KEY: ErrorReply = { error: "ERR no such key" };
const SAME_OBJECTS: ErrorReply = { error: "ERR source and destination objects are the same" };
const BAD_DATABASE: ErrorReply = { error: "ERR DB index is out of range" };
const TWO_KEYS = { first: 1, last: 2, step: 1 } as const;
const SECOND_KEY = { access: "Read", keys: { first: 2, last: 2, step: 1 }, timing: "Expiry" } as const;
const OBJECT = { ...SECOND_KEY, since: "2.2.3", group: "generic" } as const;
const MEMORY = { ...SECOND_KEY, since: "4.0.0", group: "server" } as const;
/** Longest value that Redis keeps in one piece with its header. */
const EMBEDDED_BYTES_MAX = 44;
/** Bytes of a key beside its name and value: cell, entry of the map, share of the index. */
const BYTES_PER_KEY = 150;

/** The calls of this file. */
export const KEY_CALLS: readonly CallSpec[] = [
  {
    ...reads("TYPE <key>", { since: "1.0.0", group: "generic", flags: ["fast"] }),
    summary: "Returns the kind of a key's value.",
    run: (call, { keys }) => ({ status: keys.has(wordAt(call, 1)) ? "string" : "none" }),
  },
  {
    ...writes("RENAME <key> <new-key>", { since: "1.0.0", group: "generic", keys: TWO_KEYS }),
    summary: "Gives a key another name; a key of that name goes.",
    needs: needsOfMove,
    run: (call, { keys, revision }) => {
      const record = keys.get(wordAt(call, 1));
      if (record === undefined) return NO_SUCH_KEY;
      if (wordAt(call, 1) !== wordAt(call, 2)) move(call, { record, keys, revision });
      return OK;
    },
  },
  {
    ...writes("RENAMENX <key> <new-key>", { since: "1.0.0", group: "generic", flags: ["fast"], keys: TWO_KEYS }),
    summary: "Gives a key another name unless a key has it.",
    needs: needsOfMove,
    run: (call, { keys, revision }) => {
      const record = keys.get(wordAt(call, 1));
      if (record === undefined) return NO_SUCH_KEY;
      if (keys.has(wordAt(call, 2))) return 0;
      move(call, { record, keys, revision });
      return 1;
    },
  },
  {
    ...writes("COPY <key> <new-key> [DB 0] [REPLACE]", {
      since: "6.2.0",
      group: "generic",
      flags: ["denyoom"],
      keys: TWO_KEYS,
      grows: bytesOfCopy,
    }),
    summary: "Stores a key's value and deadline under another name.",
    needs: (call) => ({ reads: [wordAt(call, 1)], writes: [wordAt(call, 2)] }),
    check: (call) => {
      const options = readCopyOptions(call);
      return typeof options === "boolean" ? undefined : options;
    },
    run: (call, { keys, revision }): Reply => {
      const replaces = readCopyOptions(call);
      if (typeof replaces !== "boolean") return replaces;
      const [, source = "", target = ""] = call;
      const record = keys.get(source);
      if (record === undefined || (!replaces && keys.has(target))) return 0;
      keys.put(target, record.value, { revision, expiresAt: record.expiresAt });
      return 1;
    },
  },
  {
    ...reads("OBJECT <subcommand> [<argument> ...]", { ...OBJECT, helpSince: "6.2.0" }),
    summary: "Tells how Redis would hold a value.",
    subcommands: byName([{
      ...subcommand("OBJECT ENCODING <key>", { ...OBJECT, tips: ["nondeterministic_output"] }),
      summary: "Tells how Redis would hold the value.",
    }]),
    check: (call) => checkSubcommand(call, "ENCODING"),
    run: (call, { keys }): Reply => {
      const value = keys.value(wordAt(call, 2));
      return value === undefined ? null : encodingOf(value);
    },
  },
  {
    ...reads("MEMORY <subcommand> [<argument> ...]", { ...MEMORY, helpSince: "4.0.0" }),
    summary: "Estimates the memory of a key in bytes.",
    subcommands: byName([{
      ...subcommand("MEMORY USAGE <key> [SAMPLES <count>]", { ...MEMORY, most: 5 }),
      summary: "Estimates the memory of the key in bytes.",
    }]),
    check: (call) => {
      if (optionAt(call, 1) !== "USAGE" || call.length < 3) return checkSubcommand(call, "USAGE");
      return call.length === 3 || (call.length === 5 && optionAt(call, 3) === "SAMPLES") ? undefined : SYNTAX_ERROR;
    },
    run: (call, { keys }): Reply => {
      const key = wordAt(call, 2);
      const valueBytes = keys.valueBytes(key);
      return valueBytes === undefined ? null : BYTES_PER_KEY + key.length + valueBytes;
    },
  },
  {
    ...reads("REVISION <key>", {
      keys: ALL_KEYS,
      since: "7.0.0",
      group: "generic",
      flags: ["fast"],
      isBeyondRedis: true,
    }),
    summary: "Returns a key's create revision, modify revision and version.",
    run: (call, { keys }) => {
      const record = keys.get(wordAt(call, 1));
      return record === undefined ? null : [record.createRevision, record.revision, record.version];
    },
  },
  {
    ...reads("DBSIZE", {
      since: "1.0.0",
      group: "server",
      flags: ["fast"],
      keys: NO_KEYS,
      categories: ["@keyspace"],
      tips: ["request_policy:all_shards", "response_policy:agg_sum"],
    }),
    summary: "Returns the number of keys.",
    run: (_call, { keys }) => keys.size,
  },
];

/** The name of a subcommand that is not known is shown up to so many bytes. */
const SUBCOMMAND_SHOWN_BYTES_MAX = 128;

function checkSubcommand(call: Call, known: string): ErrorReply | undefined {
  if (optionAt(call, 1) !== known) {
    const shown = wordAt(call, 1).slice(0, SUBCOMMAND_SHOWN_BYTES_MAX);
    return { error: `ERR unknown subcommand '${shown}'. Try ${wordAt(call, 0)} HELP.` };
  }
  return call.length === 3 ? undefined : wrongArity(`${wordAt(call, 0)}|${wordAt(call, 1)}`);
}

/** The value is not known before; no value is longer. */
function bytesOfCopy(call: Call): number {
  return wordAt(call, 2).length + VALUE_BYTES_MAX;
}

function needsOfMove(call: Call): Needs {
  return { reads: [wordAt(call, 1)], writes: [wordAt(call, 1), wordAt(call, 2)] };
}

interface MoveParts {
  readonly record: KeyRecord;
  readonly keys: Keyspace;
  readonly revision: number;
}

function move(call: Call, { record: { value, expiresAt }, keys, revision }: MoveParts): void {
  keys.remove(wordAt(call, 1));
  keys.put(wordAt(call, 2), value, { revision, expiresAt });
}

/** Whether a key of the new name is replaced. */
function readCopyOptions(call: Call): boolean | ErrorReply {
  let replaces = false;
  for (let at = 3; at < call.length; at++) {
    const option = optionAt(call, at);
    if (option === "REPLACE") replaces = true;
    else if (option === "DB" && at + 1 < call.length) {
      at += 1;
      const database = parseInteger64(wordAt(call, at));
      if (database === undefined) return NOT_AN_INTEGER;
      if (database !== 0) return BAD_DATABASE;
    } else return SYNTAX_ERROR;
  }
  return wordAt(call, 1) === wordAt(call, 2) ? SAME_OBJECTS : replaces;
}

function encodingOf(value: string): string {
  if (parseInteger64(value) !== undefined) return "int";
  return value.length <= EMBEDDED_BYTES_MAX ? "embstr" : "raw";
}
