/** What admission counts for a command is never less than what the state grows by. */

import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { CommandGrowth } from "../../../lib/kv/command_growth.ts";
import { type Call, type Command, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const START_MS = 1_700_000_000_000;
const MIB = 2 ** 20;
/** Segments grow by up to 1 MiB, with two kept for the next need, and so do tables and pages by their steps. */
const STEPS_BYTES = 4 * MIB;

function growthOf(command: Command, session?: SessionUse): { readonly bytes: number; readonly isDenied: boolean } {
  const growth = new CommandGrowth();
  growth.read(encodeCommand(command, session));
  const { bytes, isDenied } = growth;
  return { bytes, isDenied };
}

function call(line: string): Command {
  return { type: "Call", call: line.split(" ") };
}

function anyKey(random: Random): string {
  return `key${"k".repeat(random.pick([0, 0, 0, 40, 900]))}${random.below(3_000)}`;
}

function anyCall(random: Random): Call {
  const key = anyKey(random);
  const value = "v".repeat(random.pick([0, 1, 20, 200, 5_000, 70_000]));
  return random.pick<Call>([
    ["SET", key, value, "EX", "9999"],
    ["MSET", key, value, anyKey(random), "1", anyKey(random), value],
    ["APPEND", key, value],
    ["SETRANGE", key, String(random.pick([0, 9, 3_000, 90_000])), "x"],
    ["COPY", key, anyKey(random), "REPLACE"],
    ["INCR", `n${random.below(50)}`],
    ["INCRBYFLOAT", `f${random.below(50)}`, "1e40"],
    ["EXPIRE", key, "9999"],
    ["RENAME", key, anyKey(random)],
    ["GETSET", key, value],
    ["DEL", key, anyKey(random)],
  ]);
}

function anyCommand(random: Random): Command {
  if (random.chance(0.3)) return { type: "Put", key: anyKey(random), value: "v".repeat(random.below(300)) };
  if (random.chance(0.1)) return { type: "Delete", key: anyKey(random) };
  if (random.chance(0.9)) return { type: "Call", call: anyCall(random) };
  const calls = () => Array.from({ length: random.below(4) }, () => anyCall(random));
  return { type: "Transaction", compares: [], then: calls(), otherwise: calls() };
}

Deno.test("random commands add no more to the state than admission counts for them", () => {
  for (const seed of [1, 2, 3]) {
    const random = new Random(seed);
    const state = emptyState();
    const growth = new CommandGrowth();
    let [index, promised, sequence] = [0, 0, 0];
    const apply = (command: Command, session?: SessionUse) => {
      const encoded = encodeCommand(command, session);
      growth.read(encoded);
      const before = state.bytes;
      index += 1;
      state.apply(index, spanOf(stampCommand(encoded, START_MS + index)));
      const what = `seed ${seed}, ${encoded.slice(0, 80)}`;
      assertLessOrEqual(state.bytes - before, growth.bytes, what);
      promised += growth.bytes;
    };
    apply({ type: "OpenSession", ttlMs: 9_999_999 });
    const sessionId = index;
    const empty = state.heldBytes;
    for (let round = 0; round < 6_000; round++) {
      sequence += 1;
      apply(anyCommand(random), random.chance(0.1) ? { id: sessionId, sequence } : undefined);
      assert(Number.isInteger(state.heldBytes), `seed ${seed}, round ${round}: ${state.heldBytes} bytes`);
      // Of one command alone: the most that the next ones may add is known before they are applied.
      assertLessOrEqual(state.heldBytes - empty, promised + STEPS_BYTES, `seed ${seed}, round ${round}`);
    }
    assertGreater(state.heldBytes - empty, 4 * MIB, "the test fills something");
  }
});

Deno.test("small records held in bulk take what is counted for them", () => {
  for (const [keyBytes, valueBytes] of [[8, 0], [16, 64], [200, 10], [30, 66_000]] as const) {
    const state = emptyState();
    let promised = 0;
    const before = state.heldBytes;
    for (let index = 1; index <= 20_000 / Math.max(1, valueBytes / 300); index++) {
      const command: Command = { type: "Put", key: `${index}`.padEnd(keyBytes, "."), value: "v".repeat(valueBytes) };
      promised += growthOf(command).bytes;
      state.apply(index, spanOf(encodeCommand(command)));
    }
    assertLessOrEqual(state.heldBytes - before, promised + STEPS_BYTES, `${keyBytes} and ${valueBytes}`);
  }
});

Deno.test("what is not known before counts with the most that it can be", () => {
  const session = { id: 1, sequence: 1 };
  assertGreater(growthOf(call("COPY a b")).bytes, 8 * MIB);
  assertGreater(growthOf(call("SETRANGE a 8000000 x")).bytes, 8_000_000);
  assertGreater(growthOf(call("INCRBYFLOAT a 1")).bytes, 5_000);
  assertGreater(growthOf(call("GETDEL a"), session).bytes, 16_384);
  const copy: Call = ["COPY", "a", "b"];
  const either = (then: readonly Call[], otherwise: readonly Call[]): Command => {
    return { type: "Transaction", compares: [], then, otherwise };
  };
  assertGreater(growthOf(either([["GET", "a"]], [copy])).bytes, 8 * MIB);
  assertGreater(growthOf(either([copy, copy], [["GET", "a"]])).bytes, 16 * MIB);
  assertEquals(growthOf(either([copy], [copy])), growthOf(either([copy], [])));
});

Deno.test("what Redis refuses when memory is full is denied, and what removes or reads adds nothing", () => {
  const denied: Command[] = [
    { type: "Put", key: "a", value: "1" },
    ...["SET a 1 EX 9", "SETNX a 1", "MSET a 1 b 2", "APPEND a 1", "SETRANGE a 9 x", "COPY a b", "INCR a"].map(call),
    { type: "Transaction", compares: [], then: [["DEL", "a"]], otherwise: [["SET", "a", "1"]] },
  ];
  for (const command of denied) {
    assert(growthOf(command).isDenied, JSON.stringify(command));
    assert(growthOf(command, { id: 1, sequence: 1 }).isDenied, JSON.stringify(command));
  }
  for (const line of ["EXPIRE a 9", "RENAME a b", "GETEX a EX 9"]) {
    const { bytes, isDenied } = growthOf(call(line));
    assertEquals([bytes > 0, isDenied], [true, false], line);
  }
  const nothing: Command[] = [
    { type: "Delete", key: "a" },
    { type: "Advance" },
    { type: "KeepAlive", session: 1 },
    { type: "CloseSession", session: 1 },
    ...["DEL a b", "GETDEL a", "DELEX a", "PERSIST a", "FLUSHALL", "GET a", "NO-SUCH a"].map(call),
    { type: "Transaction", compares: [], then: [["DEL", "a"]], otherwise: [] },
  ];
  for (const command of nothing) {
    assertEquals(growthOf(command), { bytes: 0, isDenied: false }, JSON.stringify(command));
  }
});

Deno.test("bytes that are no command add nothing: they change nothing when they are applied", () => {
  const growth = new CommandGrowth();
  for (const encoded of ["", "1", "1;", "1;C", "1;C9:", "1;C1:99:x", "1t5;?"]) {
    growth.read(encoded);
    assertEquals([growth.bytes, growth.isDenied], [0, false], encoded);
  }
});
