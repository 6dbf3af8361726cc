/** Every call of the table: its replies, errors and effects, as Redis 7.0 gives them where it has the call. */

import { assert, assertEquals } from "@std/assert";
import { CALLS, checkCall, keysOf } from "../../../lib/kv/calls.ts";
import { encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import type { Reply } from "../../../lib/kv/replies.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;

/** A state machine that is asked line by line; words are cut at blanks, `''` is an empty word. */
class Bench {
  readonly state = emptyState();
  nowMs = NOW_MS;

  ask(line: string): unknown {
    const call = line.split(" ").map((word) => word === "''" ? "" : word);
    const index = this.state.lastApplied + 1;
    const result = this.state.apply(index, spanOf(stampCommand(encodeCommand({ type: "Call", call }), this.nowMs)));
    assert(result.type === "Reply");
    const before = checkCall(call);
    // What is refused before the log must be refused by it, too.
    if (before !== undefined) assertEquals(result.reply, before, line);
    return shown(result.reply);
  }
}

function shown(reply: Reply): unknown {
  if (typeof reply !== "object" || reply === null) return reply;
  if ("status" in reply) return `+${reply.status}`;
  return "error" in reply ? `-${reply.error}` : reply.map(shown);
}

/** Lines and the replies to them, in one life of a state machine. */
const CONVERSATIONS: readonly (readonly [string, readonly (readonly [string, unknown])[]])[] = [
  ["values", [
    ["GET k", null],
    ["SET k v", "+OK"],
    ["GET k", "v"],
    ["STRLEN k", 1],
    ["APPEND k 123", 4],
    ["GETRANGE k 1 -2", "12"],
    ["GETRANGE k -2 -3", ""],
    ["SETRANGE k 6 xy", 8],
    ["GET k", "v123\0\0xy"],
    ["SETRANGE none 5 ''", 0],
    ["SETRANGE k -1 a", "-ERR offset is out of range"],
    ["SETRANGE k 8388608 a", "-ERR string exceeds maximum allowed size (proto-max-bulk-len)"],
    ["GET", "-ERR wrong number of arguments for 'get' command"],
    ["NOSUCH k", "-ERR unknown command"],
  ]],
  ["conditions of SET", [
    ["SET k a XX", null],
    ["SET k a NX", "+OK"],
    ["SET k b NX", null],
    ["SET k b NX GET", "a"],
    ["SET k b XX GET", "a"],
    ["SET k c IFEQ a", null],
    ["SET k c IFEQ b", "+OK"],
    ["SET k d NX XX", "-ERR syntax error"],
    ["SET k d EX 0", "-ERR invalid expire time in 'set' command"],
    ["SET k d EX abc", "-ERR value is not an integer or out of range"],
    ["SET k d EX 10 PX 10", "-ERR syntax error"],
    ["SET k d EX 9007199254740993", "-ERR invalid expire time in 'set' command"],
    ["GETSET k e", "c"],
    ["SETNX k f", 0],
    ["GETDEL k", "e"],
    ["SETNX k f", 1],
    ["DELEX k IFEQ e", 0],
    ["DELEX k IFNE e", 1],
    ["DELEX k", 0],
  ]],
  ["integers of 64 bits", [
    ["INCR n", 1],
    ["INCRBY n 9223372036854775806", 9_223_372_036_854_775_807n],
    ["INCR n", "-ERR increment or decrement would overflow"],
    ["DECRBY n 9223372036854775807", 0],
    ["DECRBY n 9223372036854775807", -9_223_372_036_854_775_807n],
    ["DECR n", -9_223_372_036_854_775_808n],
    ["DECR n", "-ERR increment or decrement would overflow"],
    ["DECRBY n -9223372036854775808", "-ERR decrement would overflow"],
    ["INCRBY n 9223372036854775808", "-ERR value is not an integer or out of range"],
    ["SET n 01", "+OK"],
    ["INCR n", "-ERR value is not an integer or out of range"],
    ["SET f 0.1", "+OK"],
    ["INCRBYFLOAT f 0.2", "0.3"],
    ["INCRBYFLOAT f abc", "-ERR value is not a valid float"],
    ["INCRBYFLOAT f inf", "-ERR increment would produce NaN or Infinity"],
  ]],
  ["several keys", [
    ["MSET a 1 b 2", "+OK"],
    ["MSET a 1 b", "-ERR wrong number of arguments for 'mset' command"],
    ["MSETNX b 3 c 3", 0],
    ["MSETNX c 3 __proto__ 4", 1],
    ["MGET a none __proto__", ["1", null, "4"]],
    ["EXISTS a a none", 2],
    ["TOUCH a none", 1],
    ["KEYS *", ["__proto__", "a", "b", "c"]],
    ["KEYS [ab]", ["a", "b"]],
    ["DEL a none b", 2],
    ["UNLINK c", 1],
    ["DBSIZE", 1],
    ["FLUSHALL LATER", "-ERR syntax error"],
    ["FLUSHALL ASYNC", "+OK"],
    ["DBSIZE", 0],
    ["RANDOMKEY", null],
  ]],
  ["times long before 1970 and long patterns", [
    ["SET k v", "+OK"],
    ["PEXPIREAT k -9223372036854775808", 1],
    ["EXISTS k", 0],
    ["SET k v", "+OK"],
    ["PEXPIREAT k -9007199254740993 LT", 1],
    ["SET k v", "+OK"],
    ["PEXPIRE k -9223372036854775808", 1],
    ["SET k v", "+OK"],
    ["EXPIREAT k -9223372036854775", 1],
    ["SET k v", "+OK"],
    // One second more than 64 bits of milliseconds can say.
    ["EXPIREAT k -9223372036854776", "-ERR invalid expire time in 'expireat' command"],
    ["EXPIREAT k -9223372036854775808", "-ERR invalid expire time in 'expireat' command"],
    ["PEXPIREAT k 9007199254740993", "-ERR invalid expire time in 'pexpireat' command"],
    ["SET k v PXAT -9223372036854775808", "-ERR invalid expire time in 'set' command"],
    [`SET ${"x".repeat(60_000)} v`, "+OK"],
    [`KEYS ${"x".repeat(60_000)}`, ["x".repeat(60_000)]],
    [`SCAN 0 MATCH ${"x".repeat(60_000)}`, ["0", ["x".repeat(60_000)]]],
    [`KEYS ${"x".repeat(65_537)}`, "-ERR the pattern is too long"],
    [`KEYS ${"x".repeat(4_096)}*`, "-ERR the pattern is too long"],
  ]],
  ["names", [
    ["SET a 1 EX 100", "+OK"],
    ["RENAME none b", "-ERR no such key"],
    ["RENAME a b", "+OK"],
    ["TTL b", 100],
    ["TYPE a", "+none"],
    ["TYPE b", "+string"],
    ["RENAMENX b b", 0],
    ["COPY b c", 1],
    ["COPY b c", 0],
    ["COPY b c REPLACE", 1],
    ["COPY b b", "-ERR source and destination objects are the same"],
    ["COPY b c DB 1", "-ERR DB index is out of range"],
    ["TTL c", 100],
    ["OBJECT ENCODING b", "int"],
    ["REVISION c", [8, 10, 2]],
    ["REVISION none", null],
    ["RANDOMKEY", "b"],
  ]],
  ["order", [
    ["MSET b 2 a 1 c 3 d 4", "+OK"],
    ["RANGE b d", ["b", "2", "c", "3"]],
    ["RANGE b '' KEYS LIMIT 2", ["b", "c"]],
    ["PREFIX '' AFTER b LIMIT 1", ["c", "3"]],
    ["PREFIX c", ["c", "3"]],
    ["PREFIX c AFTER c", []],
    ["SCAN 0 COUNT 10", ["0", ["a", "b", "c", "d"]]],
    ["SCAN abc", "-ERR invalid cursor"],
    ["SCAN 0 COUNT 0", "-ERR syntax error"],
    ["SCAN 0 TYPE hash", ["0", []]],
    ["SCAN 0 MATCH [bd]", ["0", ["b", "d"]]],
  ]],
];

for (const [name, lines] of CONVERSATIONS) {
  Deno.test(`calls: ${name}`, () => {
    const bench = new Bench();
    for (const [line, reply] of lines) assertEquals(bench.ask(line), reply, line);
  });
}

Deno.test("deadlines: set, told, conditional, taken away, and over", () => {
  const bench = new Bench();
  const expect = (line: string, reply: unknown) => assertEquals(bench.ask(line), reply, line);
  expect("EXPIRE k 10", 0);
  expect("SET k v", "+OK");
  expect("TTL k", -1);
  expect("EXPIRE k 100 XX", 0);
  expect("EXPIRE k 100 NX", 1);
  expect("EXPIRE k 50 GT", 0);
  expect("EXPIRE k 50 LT", 1);
  expect("EXPIRE k 1 NX XX", "-ERR NX and XX, GT or LT options at the same time are not compatible");
  expect("EXPIRE k 1 GT LT", "-ERR GT and LT options at the same time are not compatible");
  expect("EXPIRE k 1 AB", "-ERR Unsupported option AB");
  expect("PTTL k", 50_000);
  expect("PEXPIRETIME k", NOW_MS + 50_000);
  expect("GETEX k PERSIST", "v");
  expect("TTL k", -1);
  expect("GETEX none EX abc", null);
  expect("SET k w EX 10", "+OK");
  expect("SET k x KEEPTTL", "+OK");
  bench.nowMs += 9_999;
  expect("GET k", "x");
  bench.nowMs += 1;
  expect("GET k", null);
  expect("TTL k", -2);
  expect("SET k y NX", "+OK");
  expect("REVISION k", [bench.state.lastApplied, bench.state.lastApplied, 1]);
  expect("EXPIRE k -1", 1);
  expect("EXISTS k", 0);
});

Deno.test("a scan returns every key that stays, in order, whatever is done meanwhile and wherever it goes on", () => {
  const bench = new Bench();
  for (let key = 0; key < 100; key++) bench.ask(`SET k${String(key).padStart(3, "0")} v`);
  const found: string[] = [];
  let cursor = "0";
  do {
    const reply = bench.ask(`SCAN ${cursor} COUNT 7`);
    assert(Array.isArray(reply));
    const [next, keys] = reply as [string, string[]];
    assert(Number(next) <= Number.MAX_SAFE_INTEGER);
    found.push(...keys);
    cursor = next;
    bench.ask(`DEL ${keys[0]}`);
    bench.ask(`SET a${found.length} v`);
  } while (cursor !== "0");
  assertEquals(found, [...found].sort());
  assertEquals(found.filter((key) => key.startsWith("k")).length, 100);
});

Deno.test("every call names its keys, and none that is refused before the log passes it", () => {
  for (const [name, spec] of CALLS) {
    assertEquals(name, spec.name);
    assert(spec.summary.endsWith("."), name);
  }
  assertEquals(keysOf(["MSET", "a", "1", "b", "2"]), ["a", "b"]);
  assertEquals(keysOf(["DEL", "a", "b"]), ["a", "b"]);
  assertEquals(keysOf(["RENAME", "a", "b"]), ["a", "b"]);
  assertEquals(keysOf(["DBSIZE"]), []);
});
