/** The rows of calls tell the truth: what they add, and how time bears on them. */

import { assert, assertEquals } from "@std/assert";
import { CALLS, changes } from "../../../lib/kv/calls.ts";
import type { CallSpec } from "../../../lib/kv/call.ts";
import { row, subcommand } from "../../../lib/kv/command_row.ts";
import { type Call, encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const START_MS = 1_700_000_000_000;
/** The key `gone` expires so long after the start, and `kept` much later. */
const GONE_AFTER_MS = 5_000;
const LONG = "x".repeat(1_000);

/** Every call, on a key without and one with a deadline, on one that expires soon, and on none. */
const TRIED: readonly Call[] = `
GET gone|STRLEN gone|MGET n gone|GETRANGE gone 0 -1|EXISTS gone|TOUCH gone|TYPE gone|TTL kept|PTTL kept|EXPIRETIME gone
PEXPIRETIME gone|KEYS *|SCAN 0 COUNT 100|RANGE '' ''|PREFIX g|RANDOMKEY|DBSIZE|REVISION gone|OBJECT ENCODING gone|MEMORY USAGE gone
TTL none|PTTL n|EXPIRETIME kept|PEXPIRETIME kept|SET none v|SET none v EX 9|SET kept v KEEPTTL|SET kept v|SET gone v NX GET
SET kept ${LONG} PX 99|SETNX none ${LONG}|SETNX gone v|SETEX n 9 ${LONG}|PSETEX none 9 v|GETSET gone ${LONG}|GETDEL gone|GETDEL n
GETEX gone|GETEX n EX 9|GETEX kept PERSIST|GETEX n EXAT 9|GETEX none EX 9|DELEX gone|DELEX n IFEQ 9|INCR n|INCR none|INCR gone|DECR none
DECR n|INCRBY n 999999999|DECRBY none 9223372036854775807|INCRBYFLOAT n 1e4900|INCRBYFLOAT none -1e-17|INCRBYFLOAT gone 1
APPEND n ${LONG}|APPEND none v|APPEND gone v|SETRANGE none 9999 v|SETRANGE n 0 ${LONG}|SETRANGE n 8388607 v|SETRANGE gone 0 ''
SETRANGE none -1 v|MSET none ${LONG} n 1 none 2|MSETNX none 1 other 2|MSETNX gone 1|DEL n none gone|UNLINK gone|FLUSHDB|FLUSHALL
RENAME n ${LONG}|RENAME gone n|RENAME long n|RENAMENX n ${LONG}|RENAMENX n gone|COPY long none|COPY long n REPLACE|COPY n gone
EXPIRE n 9|PEXPIRE none 9|EXPIREAT n 9|PEXPIREAT n 99999999999999|PEXPIREAT gone 99999999999999|EXPIRE kept 9 GT|EXPIREAT gone 99999999999
EXPIREAT n 1700000002|PEXPIREAT n 1700000002000|PERSIST kept|PERSIST gone|DECR gone|DECRBY gone 1|INCRBY gone 1|MSET gone 2|EXPIRE gone 9|PEXPIRE n 9`
  .trim().split(/[|\n]/).map((line) => {
    return line.split(" ").map((word) => word === "''" ? "" : word);
  });

interface Outcome {
  readonly results: readonly CommandResult[];
  /** A deadline counts as one. */
  readonly addedBytes: number;
  /** Every key with all that is known of it, `gone` apart. */
  readonly records: readonly unknown[];
  readonly gone: unknown;
}

/** What a call comes to on the same state at a time after the start. */
function outcomeOf(call: Call, afterMs: number): Outcome {
  const state = emptyState();
  const lines = [["SET", "n", "9"], ["SET", "long", LONG.repeat(9)], ["SET", "kept", "v", "EX", "9999"]];
  const apply = (words: Call, nowMs: number) => {
    return state.apply(
      state.lastApplied + 1,
      spanOf(stampCommand(encodeCommand({ type: "Call", call: words }), nowMs)),
    );
  };
  for (const words of [...lines, ["SET", "gone", "1", "PX", `${GONE_AFTER_MS}`]]) apply(words, START_MS);
  const before = state.bytes + state.expiring;
  // One draw may be the same by chance.
  const results = Array.from({ length: call[0] === "RANDOMKEY" ? 20 : 1 }, () => apply(call, START_MS + afterMs));
  const addedBytes = state.bytes + state.expiring - before;
  const records = [...state.records("")].filter(([key]) => key !== "gone");
  return { results, addedBytes, records, gone: state.get("gone") };
}

function specOf(call: Call): CallSpec {
  const spec = CALLS.get(call[0] ?? "");
  assert(spec !== undefined, `There is a call ${call[0]}`);
  return spec;
}

/** What the row says that a call adds at most. */
function growthOf(call: Call): number {
  const { grows } = specOf(call);
  if (typeof grows === "function") return grows(call);
  return grows === "OwnBytes" ? call.reduce((sum, word) => sum + word.length, 0) : 0;
}

function namesWhere(holds: (spec: CallSpec) => boolean): readonly string[] {
  return [...CALLS.values()].filter(holds).map(({ name }) => name).sort();
}

/** Names of the calls among those tried for which something holds. */
function triedWhere(holds: (call: Call) => boolean): readonly string[] {
  return [...new Set(TRIED.filter(holds).map(([name = ""]) => name))].sort();
}

Deno.test("every call is tried", () => {
  assertEquals(triedWhere(() => true), [...CALLS.keys()].sort());
});

Deno.test("a call adds no more bytes than its row says, and some form of it adds some unless the row says none", () => {
  for (const call of TRIED) {
    const { addedBytes } = outcomeOf(call, 1);
    assert(addedBytes <= growthOf(call), `${call.join(" ").slice(0, 80)} adds ${addedBytes} bytes`);
  }
  assertEquals(triedWhere((call) => outcomeOf(call, 1).addedBytes > 0), namesWhere(({ grows }) => grows !== "None"));
});

/** They add a longer name or a deadline, which Redis does not refuse. */
const NOT_DENIED = ["RENAME", "RENAMENX", "GETEX", "EXPIRE", "PEXPIRE", "EXPIREAT", "PEXPIREAT"];

Deno.test("what Redis refuses when memory is full adds something here, and so do names and deadlines", () => {
  const denied = namesWhere(({ flags }) => flags.includes("denyoom"));
  assertEquals([...denied, ...NOT_DENIED].sort(), namesWhere(({ grows }) => grows !== "None"));
});

Deno.test("time bears on a call as its row says", () => {
  const differs = (call: Call, times: readonly [number, number]) => {
    const [one, other] = times.map((afterMs) => outcomeOf(call, afterMs));
    assert(one !== undefined && other !== undefined);
    // That it expires is no work of the call; what the call makes of it is.
    const isThere = one.gone !== undefined && other.gone !== undefined;
    const shown = ({ results, records, gone }: Outcome) => {
      return JSON.stringify([results, records, isThere ? gone : undefined], withBigInts);
    };
    return shown(one) !== shown(other);
  };
  // Nothing expires between these two.
  const byClock = triedWhere((call) => differs(call, [1_000, 4_000]));
  assertEquals(byClock, namesWhere(({ timing }) => timing === "Clock"));
  const byTime = triedWhere((call) => differs(call, [1_000, GONE_AFTER_MS + 1_000]));
  assertEquals(byTime, namesWhere(({ timing }) => timing !== "None"));
});

function withBigInts(_key: string, value: unknown): unknown {
  return typeof value === "bigint" ? value.toString() : value;
}

Deno.test("a call changes something only if its row says that it writes", () => {
  for (const call of TRIED) {
    const before = JSON.stringify(outcomeOf(["GET", "none"], 1).records);
    if (JSON.stringify(outcomeOf(call, 1).records) !== before) assert(changes(call), call.join(" "));
  }
  assertEquals([["GETEX", "k"], ["GETEX", "k", "PERSIST"], ["GET", "k"], ["SET", "k", "v"]].map(changes), [
    ...[false, true],
    ...[false, true],
  ]);
});

Deno.test("the number of words is read from the form", () => {
  const given = { access: "Read", since: "1.0.0", group: "string" } as const;
  const shown = ({ name, usage, arity }: { name: string; usage: string; arity: number }) => [name, usage, arity];
  assertEquals(shown(row("DBSIZE", given)), ["DBSIZE", "", 1]);
  assertEquals(shown(row("GETRANGE <key> <start> <end>", given)), ["GETRANGE", "<key> <start> <end>", 4]);
  assertEquals(shown(row("MGET <key> [<key> ...]", given)), ["MGET", "<key> [<key> ...]", -2]);
  assertEquals(shown(row("ONCE <n> <command> ...", given)), ["ONCE", "<n> <command> ...", -3]);
  assertEquals(shown(row("QUIT", { ...given, arity: -1 })), ["QUIT", "", -1]);
  assertEquals(shown(subcommand("CONFIG GET <pattern> ...", given)), ["GET", "<pattern> ...", -3]);
  assertEquals(shown(subcommand("CLIENT ID", given)), ["ID", "", 2]);
});
