/** Calls on one value: GET, APPEND, STRLEN and ranges. */

import { type CallSpec, wordAt } from "../call.ts";
import { reads, writes } from "../command_row.ts";
import { type Call, VALUE_BYTES_MAX } from "../commands.ts";
import { parseInteger64 } from "../integers.ts";
import { type ErrorReply, NOT_AN_INTEGER, type Reply } from "../replies.ts";

/** A value would become longer than allowed. */
export const TOO_LONG: ErrorReply = {
  error: "ERR string exceeds maximum allowed size (proto-max-bulk-len)",
};
const BAD_OFFSET: ErrorReply = { error: "ERR offset is out of range" };

/** The calls of this file. */
export const STRING_CALLS: readonly CallSpec[] = [
  {
    ...reads("GET <key>", { since: "1.0.0", flags: ["fast"] }),
    summary: "Returns the value of a key.",
    run: (call, { keys }) => keys.value(wordAt(call, 1)) ?? null,
  },
  {
    ...reads("STRLEN <key>", { since: "2.2.0", flags: ["fast"] }),
    summary: "Returns the length of a value in bytes.",
    run: (call, { keys }) => keys.valueBytes(wordAt(call, 1)) ?? 0,
  },
  {
    ...writes("APPEND <key> <value>", { since: "2.0.0", flags: ["denyoom", "fast"] }),
    summary: "Adds to the end of a value; makes the key if it is not there.",
    run: (call, { keys, revision }) => {
      const key = wordAt(call, 1);
      const value = (keys.value(key) ?? "") + wordAt(call, 2);
      if (value.length > VALUE_BYTES_MAX) return TOO_LONG;
      keys.put(key, value, { revision, expiresAt: "Keep" });
      return value.length;
    },
  },
  {
    ...reads("GETRANGE <key> <start> <end>", { since: "2.4.0" }),
    summary: "Returns a part of a value; negative places count from its end.",
    run: (call, { keys }) => {
      const start = parseInteger64(wordAt(call, 2));
      const end = parseInteger64(wordAt(call, 3));
      if (start === undefined || end === undefined) return NOT_AN_INTEGER;
      const value = keys.value(wordAt(call, 1)) ?? "";
      // Compared before they are made numbers, which are not exact so far out.
      if (start < 0 && end < 0 && start > end) return "";
      return partOf(value, { start: Number(start), end: Number(end) });
    },
  },
  {
    ...writes("SETRANGE <key> <offset> <value>", { since: "2.2.0", flags: ["denyoom"], grows: bytesOfSetRange }),
    summary: "Overwrites a part of a value from a place on; fills a gap with zero bytes.",
    check: (call) => {
      const offset = parseInteger64(wordAt(call, 2));
      if (offset === undefined) return NOT_AN_INTEGER;
      return offset < 0 ? BAD_OFFSET : undefined;
    },
    run: (call, { keys, revision }): Reply => {
      const key = wordAt(call, 1);
      const part = wordAt(call, 3);
      const offset = parseInteger64(wordAt(call, 2));
      if (offset === undefined) return NOT_AN_INTEGER;
      if (offset < 0) return BAD_OFFSET;
      const value = keys.value(key) ?? "";
      if (part === "") return value.length;
      const at = Number(offset);
      if (at + part.length > VALUE_BYTES_MAX) return TOO_LONG;
      const changed = value.slice(0, at).padEnd(at, "\0") + part + value.slice(at + part.length);
      keys.put(key, changed, { revision, expiresAt: "Keep" });
      return changed.length;
    },
  },
];

/** The key, the value, and the gap before it. */
function bytesOfSetRange(call: Call): number {
  const end = Number(parseInteger64(wordAt(call, 2)) ?? 0) + wordAt(call, 3).length;
  return wordAt(call, 1).length + Math.min(Math.max(end, 0), VALUE_BYTES_MAX);
}

/** Both ends are included and may count from the end of the value. */
function partOf(value: string, { start, end }: { readonly start: number; readonly end: number }): string {
  const from = Math.max(0, start < 0 ? value.length + start : start);
  const to = Math.max(0, end < 0 ? value.length + end : end);
  return value.slice(from, to + 1);
}
