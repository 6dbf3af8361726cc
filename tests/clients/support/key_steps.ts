/** What every client of keys and values does, whatever its language: the operations of the drivers with their replies. */

import type { Json } from "./driver.ts";
import type { Step, Want } from "./steps.ts";

// Keys share a hash tag, because cluster clients refuse commands whose keys lie in different slots.
const TAG = "{use}:";
const EVERY_BYTE = String.fromCharCode(...Array.from({ length: 256 }, (_, byte) => byte));
const AWKWARD_NAMES = ["__proto__", "constructor", "toString", "", "with space", "a\r\nb", "\xff\xfe", "\xed\xa0\x80"];
const SCANNED = Array.from({ length: 137 }, (_, n) => `${TAG}scan:${String(n).padStart(3, "0")}`);

/** The steps of a client of keys, in their order. */
export const KEY_STEPS: readonly Step[] = [
  ...strings(),
  ...bytes(),
  ...integers(),
  ...lifetimes(),
  ...severalKeys(),
  ...transactions(),
  ...scans(),
  ...errors(),
];

/** A step; `want` that is not a `Want` already means "equals this". */
function step(what: string, call: readonly [op: string, ...args: Json[]], want: Want): Step {
  const [op, ...args] = call;
  return { what, op, args, want };
}

function equals(value: Json): Want {
  return { equals: value };
}

function strings(): Step[] {
  const key = `${TAG}string`;
  return [
    step("PING", ["ping"], equals("PONG")),
    step("GET of no key", ["get", key], equals(null)),
    step("SET", ["set", key, "hello"], equals("OK")),
    step("GET", ["get", key], equals("hello")),
    step("SET NX of a key that is there", ["setNx", key, "other"], equals(null)),
    step("SET NX of no key", ["setNx", `${key}:new`, "first"], equals("OK")),
    step("APPEND", ["append", key, " world"], equals(11)),
    step("STRLEN", ["strlen", key], equals(11)),
    step("GETRANGE from the end", ["getRange", key, -5, -1], equals("world")),
    step("TYPE", ["type", key], equals("string")),
    step("TYPE of no key", ["type", `${TAG}none`], equals("none")),
    step("RENAME", ["rename", key, `${key}:renamed`], equals("OK")),
    step("GET after RENAME", ["get", key], equals(null)),
    step("GETDEL", ["getDel", `${key}:renamed`], equals("hello world")),
    step("GET after GETDEL", ["get", `${key}:renamed`], equals(null)),
    step("SET GET", ["call", "SET", `${key}:new`, "second", "GET"], equals("first")),
    step("SETRANGE", ["call", "SETRANGE", `${key}:new`, "3", "XYZ"], equals(6)),
    step("GET after SETRANGE", ["get", `${key}:new`], equals("secXYZ")),
    step("an empty value", ["set", `${key}:empty`, ""], equals("OK")),
    step("GET of an empty value", ["get", `${key}:empty`], equals("")),
    step("EXISTS of an empty value", ["exists", [`${key}:empty`]], equals(1)),
    step("100 000 bytes", ["set", `${key}:long`, "x".repeat(100_000)], equals("OK")),
    step("STRLEN of 100 000 bytes", ["strlen", `${key}:long`], equals(100_000)),
  ];
}

function bytes(): Step[] {
  return [
    step("a key and a value of every byte", ["set", `${TAG}${EVERY_BYTE}`, EVERY_BYTE], equals("OK")),
    step("GET of every byte", ["get", `${TAG}${EVERY_BYTE}`], equals(EVERY_BYTE)),
    ...AWKWARD_NAMES.flatMap((name) => [
      step(`SET of the key ${JSON.stringify(name)}`, ["set", `${TAG}${name}`, `value of ${name}`], equals("OK")),
      step(`GET of the key ${JSON.stringify(name)}`, ["get", `${TAG}${name}`], equals(`value of ${name}`)),
    ]),
    step(
      "MGET of awkward keys",
      ["mget", AWKWARD_NAMES.map((name) => `${TAG}${name}`)],
      equals(AWKWARD_NAMES.map((name) => `value of ${name}`)),
    ),
    step("DEL of awkward keys", ["del", AWKWARD_NAMES.map((name) => `${TAG}${name}`)], equals(AWKWARD_NAMES.length)),
    step("GET of a key that others inherit", ["get", "__proto__"], equals(null)),
  ];
}

function integers(): Step[] {
  const key = `${TAG}integer`;
  return [
    step("INCR of no key", ["incr", key], equals(1)),
    step("INCRBY", ["incrBy", key, 41], equals(42)),
    step("DECR", ["decr", key], equals(41)),
    step("INCRBY of a negative amount", ["incrBy", key, -100], equals(-59)),
    step("GET of an integer", ["get", key], equals("-59")),
    step("DECRBY", ["call", "DECRBY", key, "1"], equals(-60)),
    step("INCRBYFLOAT", ["call", "INCRBYFLOAT", key, "0.5"], equals("-59.5")),
    step("a pipeline", ["pipeline", `${TAG}pipeline`, 500], equals(Array.from({ length: 500 }, (_, n) => n + 1))),
  ];
}

function lifetimes(): Step[] {
  const key = `${TAG}lifetime`;
  return [
    step("SET EX", ["setEx", key, "soon gone", 100], equals("OK")),
    step("TTL", ["ttl", key], { between: [95, 100] }),
    step("PTTL", ["pttl", key], { between: [95_000, 100_000] }),
    step("PERSIST", ["persist", key], equals(1)),
    step("TTL of a key without end", ["ttl", key], equals(-1)),
    step("EXPIRE", ["expire", key, 50], equals(1)),
    step("TTL after EXPIRE", ["ttl", key], { between: [45, 50] }),
    step("SET clears the TTL", ["set", key, "again"], equals("OK")),
    step("TTL after SET", ["ttl", key], equals(-1)),
    step("TTL of no key", ["ttl", `${TAG}none`], equals(-2)),
    step("EXPIRE of no key", ["expire", `${TAG}none`, 50], equals(0)),
    step("EXPIRE in the past", ["expire", key, -1], equals(1)),
    step("GET after EXPIRE in the past", ["get", key], equals(null)),
    step("SET PX of one millisecond", ["call", "SET", key, "short", "PX", "1"], equals("OK")),
    // As many round trips as it takes: an expired key is gone at most 100 ms late.
    step("GET until expiry", ["untilGone", key], equals(null)),
  ];
}

function severalKeys(): Step[] {
  const keys = ["a", "b", "c"].map((name) => `${TAG}several:${name}`);
  const pairs = keys.map((key, at) => [key, `value ${at}`]);
  return [
    step("MSET", ["mset", pairs], equals("OK")),
    step("MGET", ["mget", [...keys, `${TAG}none`]], equals(["value 0", "value 1", "value 2", null])),
    step("EXISTS counts twice", ["exists", [...keys, keys[0] ?? ""]], equals(4)),
    step("MSETNX of keys that are there", ["call", "MSETNX", keys[0] ?? "", "x", `${TAG}several:d`, "x"], equals(0)),
    step("DEL", ["del", [...keys, `${TAG}several:d`]], equals(3)),
    step("MGET after DEL", ["mget", keys], equals([null, null, null])),
  ];
}

function transactions(): Step[] {
  const [key, other] = [`${TAG}transaction`, `${TAG}transaction:integer`];
  return [
    step(
      "MULTI and EXEC",
      ["transaction", [["set", key, "one"], ["incr", other], ["incr", other], ["get", key]]],
      equals(["OK", 1, 2, "one"]),
    ),
    step("an error inside EXEC leaves the rest done", ["transaction", [["set", key, "two"], ["incr", key], [
      "get",
      key,
    ]]], equals(["OK", { error: "ERR value is not an integer or out of range" }, "two"])),
    step("WATCH of a key that stays", ["watch", key, false], equals("done")),
    step("GET after EXEC", ["get", key], equals("ours")),
    step("WATCH of a key that another client changes", ["watch", key, true], equals("conflict")),
    step("GET after the conflict", ["get", key], equals("theirs")),
  ];
}

function scans(): Step[] {
  return [
    step("MSET of many", ["mset", SCANNED.map((key) => [key, "v"])], equals("OK")),
    step("SCAN in pages of 10", ["scan", `${TAG}scan:*`, 10], equals(SCANNED)),
    step("SCAN in one page", ["scan", `${TAG}scan:*`, 1000], equals(SCANNED)),
    step("SCAN of a narrower pattern", ["scan", `${TAG}scan:00[0-4]`, 10], equals(SCANNED.slice(0, 5))),
    step("SCAN of nothing", ["scan", `${TAG}absent:*`, 10], equals([])),
  ];
}

function errors(): Step[] {
  const key = `${TAG}text`;
  return [
    step("SET of a text", ["set", key, "not a number"], equals("OK")),
    step("INCR of a text", ["incr", key], { error: "value is not an integer or out of range" }),
    step("SET of the largest integer", ["set", key, "9223372036854775807"], equals("OK")),
    step("INCR of the largest integer", ["incr", key], { error: "increment or decrement would overflow" }),
    step("RENAME of no key", ["rename", `${TAG}none`, key], { error: "no such key" }),
    step("SET with options that exclude each other", ["call", "SET", key, "x", "NX", "XX"], { error: "syntax error" }),
    step("a command that does not exist", ["call", "FROBNICATE", key], { error: "unknown command" }),
    step("too few arguments", ["call", "APPEND", key], { error: "wrong number of arguments" }),
    step("the connection lives on after errors", ["get", key], equals("9223372036854775807")),
  ];
}
