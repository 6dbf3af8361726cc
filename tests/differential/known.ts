/** Differences from Redis 7.0 that KVStore means to have. The generator avoids most of them; a test shows each. */

import { NOT_OFFERED } from "../../lib/protocol/resp/errors.ts";
import type { Command } from "../support/resp/connection.ts";
import type { Reply } from "../support/resp/reply.ts";

/** A command and what each server replied; `left` is KVStore. */
export interface ReplyPair {
  readonly command: Command;
  /** The commands before it, oldest first. */
  readonly before: readonly Command[];
  readonly left: Reply;
  readonly right: Reply;
}

/** A difference that is allowed. */
export interface KnownDifference {
  readonly name: string;
  readonly reason: string;
  /** Commands of one client, sent together to an empty server; the last one shows the difference. */
  readonly example: readonly Command[];
  /** The two servers hold different things from then on, so the rest of a sequence says nothing. */
  readonly parts: boolean;
  matches(pair: ReplyPair): boolean;
}

const TIMED: ReadonlySet<string> = new Set(
  ["SET", "SETEX", "PSETEX", "GETEX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"],
);
const HEXADECIMAL = /^[+-]?0x[0-9a-f.]+(?:p[+-]?[0-9]+)?$/i;
const NOT_FINITE = /^ERR increment would produce NaN or Infinity$/;
const RANGE_BEYOND_ASCII = /\[.*(?:[\x80-\xff]-|-[\x80-\xff])/;
const SEVERAL_STARS = /^\*{2,}$/;
const ENCODINGS_INSTEAD: readonly string[] = ["int for raw", "embstr for raw", "int for embstr"];
const IN_PLACE: readonly string[] = ["APPEND", "SETRANGE", "INCRBYFLOAT"];
const REMOVING = /^(?:DEL|UNLINK|GETDEL|GETEX|P?EXPIRE(?:AT)?|RENAME(?:NX)?)$/;
const SECONDS_BEYOND = BigInt(Number.MAX_SAFE_INTEGER) / 1_000n;

/** All of them. */
export const KNOWN_DIFFERENCES: readonly KnownDifference[] = [
  {
    name: "times beyond 2^53 milliseconds",
    reason: "A deadline is a number of milliseconds that is exact on every node; Redis takes 64 bits",
    example: [["SET", "k", "v"], ["PEXPIREAT", "k", "9223372036854775807"]],
    parts: true,
    matches: ({ command, left, right }) =>
      TIMED.has(nameOf(command)) && isError(left, /^ERR invalid expire time in '[a-z]+' command$/) &&
      right.type !== "Error" && command.slice(2).some(isFarTime),
  },
  {
    name: "hexadecimal numbers in INCRBYFLOAT",
    reason: "Redis reads what the C library reads; KVStore reads decimal numbers only",
    example: [["INCRBYFLOAT", "k", "0x10"]],
    parts: true,
    matches: ({ command, before, left, right }) =>
      nameOf(command) === "INCRBYFLOAT" && isError(left, /^ERR value is not a valid float$/) &&
      (right.type === "Bulk" && HEXADECIMAL.test(command[2] ?? "") ||
        (right.type === "Bulk" || isError(right, NOT_FINITE)) &&
          before.some((earlier) => mayMakeHexadecimal(earlier, command[1]))),
  },
  {
    name: "ranges of bytes beyond ASCII in patterns",
    reason:
      "Redis compares signed bytes where the processor's C has them, so 0xFF stands before 0x00; KVStore counts up",
    example: [["SET", "a", "v"], ["KEYS", "[\x00-\xff]"]],
    parts: false,
    matches: ({ command, left, right }) =>
      ["KEYS", "SCAN"].includes(nameOf(command)) && left.type === "Array" && right.type === "Array" &&
      command.some((word) => RANGE_BEYOND_ASCII.test(word)),
  },
  {
    name: "the empty key and patterns of several stars",
    reason: "Redis 7.0 looks at no pattern but * for the empty key; ** matches it here, as it matches every key",
    example: [["SET", "", "v"], ["KEYS", "**"]],
    parts: false,
    matches: ({ command, left, right }) =>
      ["KEYS", "SCAN"].includes(nameOf(command)) && left.type === "Array" && right.type === "Array" &&
      command.some((word) => SEVERAL_STARS.test(word)),
  },
  {
    name: "what is said of an unknown command",
    reason: "Behind the words of Redis KVStore says that it does not offer the command, and where the list is",
    example: [["NOSUCHCOMMAND", "a"]],
    parts: false,
    matches: ({ left, right }) =>
      left.type === "Error" && right.type === "Error" && right.text.startsWith("ERR unknown command ") &&
      left.text.trimEnd() === `${right.text}${NOT_OFFERED}`.trimEnd(),
  },
  {
    name: "NUL in a word that an error quotes",
    reason: "Redis ends the quoted word there; KVStore shows it whole",
    example: [["NOSUCHCOMMAND", "a\x00b", "c"]],
    parts: false,
    matches: ({ left, right }) =>
      left.type === "Error" && right.type === "Error" && left.text.includes("\0") &&
      right.text.startsWith(left.text.slice(0, left.text.indexOf("\0"))),
  },
  {
    name: "OBJECT ENCODING of a value that was changed in place",
    reason: "Redis tells how it happens to hold the value; KVStore tells how Redis would hold it had it been set whole",
    example: [["SET", "k", "1"], ["APPEND", "k", "2"], ["OBJECT", "ENCODING", "k"]],
    parts: false,
    matches: ({ command, before, left, right }) =>
      nameOf(command) === "OBJECT" && left.type === "Bulk" && right.type === "Bulk" &&
      ENCODINGS_INSTEAD.includes(`${left.text} for ${right.text}`) &&
      before.some((earlier) => IN_PLACE.includes(nameOf(earlier))),
  },
  {
    name: "a watched key that was made and removed again",
    reason: "EXEC compares what the watched keys hold, and nothing is the same as nothing; Redis remembers each touch",
    example: [["WATCH", "k"], ["SET", "k", "v"], ["DEL", "k"], ["MULTI"], ["EXEC"]],
    parts: true,
    matches: ({ command, before, left, right }) =>
      nameOf(command) === "EXEC" && left.type === "Array" && right.type === "Null" && wasWatchedKeyRemoved(before),
  },
];

/** Whether a command puts an x into what `key` holds: with digits around it, it is a number to Redis. */
function mayMakeHexadecimal(command: Command, key: string | undefined): boolean {
  return command[1] === key && ["APPEND", "SETRANGE"].includes(nameOf(command)) && /x/i.test(command.at(-1) ?? "");
}

/** Whether some command may have removed a key after a WATCH of it. */
function wasWatchedKeyRemoved(commands: readonly Command[]): boolean {
  const watched = new Set<string>();
  for (const command of commands) {
    const name = nameOf(command);
    if (name === "WATCH") {
      for (const key of command.slice(1)) watched.add(key);
    } else if (watched.size > 0 && mayRemove(command, watched)) return true;
  }
  return false;
}

function mayRemove(command: Command, keys: ReadonlySet<string>): boolean {
  const name = nameOf(command);
  if (name.startsWith("FLUSH")) return true;
  const removes = REMOVING.test(name) || (name === "SET" && command.some((word) => /^[EP]XAT$/i.test(word)));
  return removes && command.some((word) => keys.has(word));
}

/** The name of a command in capitals. */
export function nameOf(command: Command): string {
  return (command[0] ?? "").toUpperCase();
}

/** The entry that allows the two replies to differ. */
export function findKnown(pair: ReplyPair): KnownDifference | undefined {
  return KNOWN_DIFFERENCES.find((known) => known.matches(pair));
}

function isError(reply: Reply, text: RegExp): boolean {
  return reply.type === "Error" && text.test(reply.text);
}

function isFarTime(word: string): boolean {
  return /^[1-9][0-9]{12,18}$/.test(word) && BigInt(word) > SECONDS_BEYOND;
}
