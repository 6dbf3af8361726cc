/** Counters: integers of 64 bits, and decimal numbers. */

import { type CallContext, type CallSpec, wordAt } from "../call.ts";
import { writes } from "../command_row.ts";
import { DECIMAL_BYTES_MAX, incrementDecimal } from "../decimal.ts";
import { addInteger64, parseInteger64 } from "../integers.ts";
import { type ErrorReply, isErrorReply, NOT_AN_INTEGER, type Reply } from "../replies.ts";

const OVERFLOW: ErrorReply = { error: "ERR increment or decrement would overflow" };
const DECREMENT_OVERFLOW: ErrorReply = { error: "ERR decrement would overflow" };
const INTEGER_MIN = -(2n ** 63n);

/** The calls of this file. */
export const COUNTER_CALLS: readonly CallSpec[] = [
  counter("INCR <key>", () => 1),
  counter("DECR <key>", () => -1),
  counter("INCRBY <key> <number>", (text) => parseInteger64(text) ?? NOT_AN_INTEGER),
  counter("DECRBY <key> <number>", negated),
  {
    ...writes("INCRBYFLOAT <key> <number>", {
      since: "2.6.0",

      flags: ["denyoom", "fast"],
      grows: (call) => wordAt(call, 1).length + DECIMAL_BYTES_MAX,
    }),
    summary: "Adds a decimal number to a value.",
    run: (call, { keys, revision }) => {
      const key = wordAt(call, 1);
      const sum = incrementDecimal(keys.value(key) ?? "0", wordAt(call, 2));
      if (isErrorReply(sum)) return sum;
      keys.put(key, sum, { revision, expiresAt: "Keep" });
      return sum;
    },
  },
];

type Integer = number | bigint;

function negated(text: string): Integer | ErrorReply {
  const amount = parseInteger64(text);
  if (amount === undefined) return NOT_AN_INTEGER;
  if (amount === INTEGER_MIN) return DECREMENT_OVERFLOW;
  return typeof amount === "bigint" ? -amount : 0 - amount;
}

/** `amountOf` gets the word behind the key. */
function counter(form: string, amountOf: (text: string) => Integer | ErrorReply): CallSpec {
  return {
    ...writes(form, { since: "1.0.0", flags: ["denyoom", "fast"] }),
    summary: "Changes a counter, an integer of 64 bits, and returns what it is then.",
    check: (call) => {
      const amount = amountOf(wordAt(call, 2));
      return isErrorReply(amount) ? amount : undefined;
    },
    run: (call, context) => {
      const amount = amountOf(wordAt(call, 2));
      return isErrorReply(amount) ? amount : add({ key: wordAt(call, 1), amount }, context);
    },
  };
}

interface Addition {
  readonly key: string;
  readonly amount: Integer;
}

function add({ key, amount }: Addition, { keys, revision }: CallContext): Reply {
  const before = parseInteger64(keys.value(key) ?? "0");
  if (before === undefined) return NOT_AN_INTEGER;
  const sum = addInteger64(before, amount);
  if (sum === undefined) return OVERFLOW;
  keys.put(key, sum.toString(), { revision, expiresAt: "Keep" });
  return sum;
}
