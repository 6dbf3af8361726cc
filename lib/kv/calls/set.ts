/** SET with its options, its older forms, and the calls that read a value and change its deadline or remove it. */

import { type CallContext, type CallSpec, wordAt } from "../call.ts";
import { writes } from "../command_row.ts";
import type { Call } from "../commands.ts";
import { type ErrorReply, isErrorReply, OK, type Reply, SYNTAX_ERROR } from "../replies.ts";
import { optionAt, readTime, TIME_FORMS, type TimeForm, type WrittenTime } from "./options.ts";

interface SetOptions {
  readonly condition: "NX" | "XX" | "IFEQ" | undefined;
  /** The value to be there for IFEQ. */
  readonly expected: string;
  readonly wantsOld: boolean;
  readonly time: WrittenTime | "Keep" | undefined;
}

const SECONDS = { unitMs: 1_000, isRelative: true } as const;
const MILLISECONDS = { unitMs: 1, isRelative: true } as const;

/** The calls of this file. */
export const SET_CALLS: readonly CallSpec[] = [
  {
    ...writes("SET <key> <value> [NX|XX|IFEQ <old>] [GET] [EX <s>|PX <ms>|EXAT <s>|PXAT <ms>|KEEPTTL]", {
      since: "1.0.0",

      flags: ["denyoom"],
      timing: "Clock",
    }),
    summary: "Stores a value, on conditions and with a deadline where asked.",
    needs: (call) => {
      const options = readSetOptions(call);
      return isErrorReply(options) || options.wantsOld || options.condition === "IFEQ" ? "Both" : "Blind";
    },
    check: (call) => {
      const options = readSetOptions(call);
      return isErrorReply(options) ? options : checkTime(options.time, "SET");
    },
    run: runSet,
  },
  {
    ...writes("SETNX <key> <value>", { since: "1.0.0", flags: ["denyoom", "fast"] }),
    summary: "Stores a value unless the key is there.",
    needs: "Blind",
    run: (call, { keys, revision }) => {
      if (keys.has(wordAt(call, 1))) return 0;
      keys.put(wordAt(call, 1), wordAt(call, 2), { revision, expiresAt: undefined });
      return 1;
    },
  },
  timedSet("SETEX <key> <seconds> <value>", { since: "2.0.0", form: SECONDS }),
  timedSet("PSETEX <key> <milliseconds> <value>", { since: "2.6.0", form: MILLISECONDS }),
  {
    ...writes("GETSET <key> <value>", { since: "1.0.0", flags: ["denyoom", "fast"] }),
    summary: "Stores a value and returns the one before.",
    run: (call, { keys, revision }) => {
      const before = keys.value(wordAt(call, 1)) ?? null;
      keys.put(wordAt(call, 1), wordAt(call, 2), { revision, expiresAt: undefined });
      return before;
    },
  },
  {
    ...writes("GETDEL <key>", { since: "6.2.0", flags: ["fast"], grows: "None" }),
    summary: "Returns a value and removes its key.",
    run: (call, { keys }) => {
      const value = keys.value(wordAt(call, 1)) ?? null;
      if (value !== null) keys.remove(wordAt(call, 1));
      return value;
    },
  },
  {
    ...writes("GETEX <key> [EX <s>|PX <ms>|EXAT <s>|PXAT <ms>|PERSIST]", {
      since: "6.2.0",

      flags: ["fast"],
      timing: "Clock",
    }),
    summary: "Returns a value and sets or takes away its key's deadline.",
    onlyReads: (call) => call.length === 2,
    check: (call) => {
      // The time is judged only where the key is there.
      const change = readGetExOptions(call);
      return isErrorReply(change) ? change : undefined;
    },
    run: runGetEx,
  },
  {
    ...writes("DELEX <key> [IFEQ|IFNE <value>]", { since: "8.4.0", flags: ["fast"], grows: "None" }),
    summary: "Removes a key if its value is, or is not, the one given.",
    needs: (call) => call.length === 2 ? "Blind" : "Both",
    check: (call) => isDelExForm(call) ? undefined : SYNTAX_ERROR,
    run: (call, { keys }) => {
      if (!isDelExForm(call)) return SYNTAX_ERROR;
      const record = keys.get(wordAt(call, 1));
      if (record === undefined) return 0;
      const matches = call.length === 2 || (record.value === wordAt(call, 3)) === (optionAt(call, 2) === "IFEQ");
      return matches && keys.remove(wordAt(call, 1)) ? 1 : 0;
    },
  },
];

function runSet(call: Call, { keys, revision, nowMs }: CallContext): Reply {
  const options = readSetOptions(call);
  if (isErrorReply(options)) return options;
  const key = wordAt(call, 1);
  const expiresAt = expiryOf(options.time, { nowMs, name: "SET" });
  if (isErrorReply(expiresAt)) return expiresAt;
  // Without an option that looks at it, what the key is so far does not matter.
  const before = options.wantsOld || options.condition !== undefined ? keys.value(key) : undefined;
  const reply = options.wantsOld ? before ?? null : OK;
  if (!isMet(options, before)) return options.wantsOld ? before ?? null : null;
  keys.put(key, wordAt(call, 2), { revision, expiresAt });
  return reply;
}

function isMet({ condition, expected }: SetOptions, before: string | undefined): boolean {
  if (condition === "NX") return before === undefined;
  if (condition === "XX") return before !== undefined;
  return condition === undefined || before === expected;
}

function readSetOptions(call: Call): SetOptions | ErrorReply {
  let condition: SetOptions["condition"];
  let expected = "";
  let wantsOld = false;
  let time: SetOptions["time"];
  for (let at = 3; at < call.length; at++) {
    const option = optionAt(call, at);
    const form = TIME_FORMS.get(option);
    const hasArgument = at + 1 < call.length;
    if (option === "GET") wantsOld = true;
    else if ((option === "NX" || option === "XX") && (condition === undefined || condition === option)) {
      condition = option;
    } else if (option === "IFEQ" && condition === undefined && hasArgument) {
      condition = option;
      at += 1;
      expected = wordAt(call, at);
    } else if (option === "KEEPTTL" && (time === undefined || time === "Keep")) time = "Keep";
    else if (form !== undefined && hasArgument && (time === undefined || (time !== "Keep" && time.form === form))) {
      at += 1;
      time = { text: wordAt(call, at), form };
    } else return SYNTAX_ERROR;
  }
  return { condition, expected, wantsOld, time };
}

/** A time that cannot be is refused before the log; only the sum with the present must wait for the leader's clock. */
function checkTime(time: SetOptions["time"], name: string): ErrorReply | undefined {
  const expiresAt = expiryOf(time, { nowMs: 0, name });
  return isErrorReply(expiresAt) ? expiresAt : undefined;
}

function expiryOf(
  time: SetOptions["time"],
  of: { readonly nowMs: number; readonly name: string },
): number | undefined | "Keep" | ErrorReply {
  if (time === undefined) return undefined;
  return time === "Keep" ? "Keep" : readTime(time, { ...of, leastExclusive: 0 });
}

function timedSet(usage: string, { since, form }: TimedSetParts): CallSpec {
  const row = writes(usage, { since, flags: ["denyoom"], timing: "Clock" });
  const { name } = row;
  return {
    ...row,
    summary: "Stores a value with a deadline.",
    needs: "Blind",
    check: (call) => checkTime({ text: wordAt(call, 2), form }, name),
    run: (call, { keys, revision, nowMs }) => {
      const expiresAt = readTime({ text: wordAt(call, 2), form }, { nowMs, name, leastExclusive: 0 });
      if (isErrorReply(expiresAt)) return expiresAt;
      keys.put(wordAt(call, 1), wordAt(call, 3), { revision, expiresAt });
      return OK;
    },
  };
}

interface TimedSetParts {
  readonly since: string;
  readonly form: TimeForm;
}

type DeadlineChange = "None" | "Persist" | WrittenTime;

function readGetExOptions(call: Call): DeadlineChange | ErrorReply {
  if (call.length === 2) return "None";
  const option = optionAt(call, 2);
  if (option === "PERSIST") return isRepeated(call, 1) ? "Persist" : SYNTAX_ERROR;
  const form = TIME_FORMS.get(option);
  if (form === undefined || !isRepeated(call, 2)) return SYNTAX_ERROR;
  return { text: wordAt(call, call.length - 1), form };
}

/** Whether one option of `size` words is all there is; given again, its last form counts. */
function isRepeated(call: Call, size: number): boolean {
  if ((call.length - 2) % size !== 0) return false;
  for (let at = 2; at < call.length; at += size) if (optionAt(call, at) !== optionAt(call, 2)) return false;
  return true;
}

function runGetEx(call: Call, { keys, revision, nowMs }: CallContext): Reply {
  const change = readGetExOptions(call);
  if (isErrorReply(change)) return change;
  const key = wordAt(call, 1);
  const record = keys.get(key);
  if (record === undefined) return null;
  const { value } = record;
  if (change === "None") return value;
  if (change === "Persist") {
    if (record.expiresAt !== undefined) keys.expire(key, { expiresAt: undefined, revision });
    return value;
  }
  const expiresAt = readTime(change, { nowMs, name: "GETEX", leastExclusive: 0 });
  if (isErrorReply(expiresAt)) return expiresAt;
  if (expiresAt <= nowMs) keys.remove(key);
  else keys.expire(key, { expiresAt, revision });
  return value;
}

function isDelExForm(call: Call): boolean {
  if (call.length === 2) return true;
  const option = optionAt(call, 2);
  return call.length === 4 && (option === "IFEQ" || option === "IFNE");
}
