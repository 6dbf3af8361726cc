/** The state machine: commands, revisions, and snapshots cut while commands go on. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { Random } from "../../../lib/base/random.ts";
import {
  bareCommand,
  type Command,
  decodeCommand,
  encodeCommand,
  stampCommand,
  unstampCommand,
} from "../../../lib/kv/commands.ts";
import { describeCommand } from "../../../lib/kv/describe.ts";
import { SnapshotLoader } from "../../../lib/kv/snapshot_loader.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { blocksOf, contentOf, emptyState, spanOf, stateOf } from "../../support/state.ts";

const EVERY_BYTE = Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).join("");

function put(key: string, value: string): string {
  return encodeCommand({ type: "Put", key, value });
}

function drop(key: string): string {
  return encodeCommand({ type: "Delete", key });
}

function load(blocks: readonly Uint8Array[]): StateMachine {
  const state = stateOf(blocks);
  assert(state !== undefined);
  return state;
}

Deno.test("commands come back from the log as they were, whatever bytes they hold", () => {
  const commands: Command[] = [
    { type: "Put", key: "k", value: "v" },
    { type: "Put", key: EVERY_BYTE, value: EVERY_BYTE + EVERY_BYTE },
    { type: "Put", key: "1:2:3", value: "" },
    { type: "Delete", key: EVERY_BYTE },
    { type: "Call", call: ["SET", EVERY_BYTE, "", "NX"] },
    {
      type: "Transaction",
      compares: [{ key: "a:1", field: "VALUE", operator: "!=", operand: EVERY_BYTE }],
      then: [["GET", "a"], ["DEL", "b", "c"]],
      otherwise: [],
    },
    { type: "Advance" },
    { type: "OpenSession", ttlMs: 60_000 },
    { type: "KeepAlive", session: 12 },
    { type: "CloseSession", session: 12 },
    { type: "SetUser", rule: "Create", name: EVERY_BYTE, hash: EVERY_BYTE },
    { type: "RemoveUser", name: EVERY_BYTE },
  ];
  for (const command of commands) {
    const encoded = encodeCommand(command);
    assertEquals(decodeCommand(encoded), { command, timeMs: undefined, session: undefined, login: 0 });
    const session = { id: 7, sequence: 9 };
    const stamped = stampCommand(encodeCommand(command, session, 5), 1_700_000_000_000);
    assertEquals(decodeCommand(stamped), { command, timeMs: 1_700_000_000_000, session, login: 5 });
    assertEquals(unstampCommand(stamped), encodeCommand(command, session, 5));
    assertEquals(bareCommand(stamped), encodeCommand(command, session));
    assertEquals(unstampCommand(encoded), encoded);
  }
});

Deno.test("bytes that are no command are told from commands and never throw", () => {
  const bad = [
    "",
    "1;",
    "1;P",
    "1;P1:k",
    "1;P1:k2:v",
    "1;D1:kx",
    "2;D1:k",
    "1;X1:k",
    "1;D99999999999:k",
    "1;D-1:k",
    "1;D:",
    "1;A:",
    "1;C2:3:GET",
    "1;C2:3:GET1:k1:k",
    "1;T1:0:0:1:k5:VALUE2:==1:v",
    "1;T200000:0:0:",
    "1s5;A",
    "1q5;A",
    "1s5q;A",
    "1t;A",
    "1u;A",
    "1s5u5q5;A",
    "1;U3:Any1:a",
    "1;U5:Never1:a1:b",
    "1q5s5;A",
    "1;O99999999999999999:",
  ];
  for (const bytes of bad) assertEquals(decodeCommand(bytes), undefined, bytes);
  const random = new Random(7);
  const whole = put("key", "value");
  for (let round = 0; round < 20_000; round++) {
    const at = random.below(whole.length);
    const mutated = whole.slice(0, at) + String.fromCharCode(random.below(256)) + whole.slice(at + 1);
    const decoded = decodeCommand(mutated);
    if (decoded !== undefined) assertEquals(encodeCommand(decoded.command), mutated);
  }
});

Deno.test("a revision is the log index of the last change, and a delete tells whether the key was there", () => {
  const state = emptyState();
  assertEquals(state.apply(1, spanOf(put("a", "1"))), { type: "Put", revision: 1, created: true });
  state.skip(2);
  assertEquals(state.apply(3, spanOf(put("a", "2"))), { type: "Put", revision: 3, created: false });
  assertEquals(state.get("a")?.value, "2");
  assertEquals(state.get("a")?.revision, 3);
  assertEquals(state.apply(4, spanOf(drop("b"))), { type: "Delete", revision: 4, existed: false });
  assertEquals(state.apply(5, spanOf(drop("a"))), { type: "Delete", revision: 5, existed: true });
  assertEquals(state.get("a"), undefined);
  assertEquals([state.size, state.bytes, state.lastApplied], [0, 0, 5]);
});

Deno.test("keys that are names of object members are keys like any other", () => {
  const state = emptyState();
  ["__proto__", "constructor", "toString", ""].forEach((key, at) => {
    assertEquals(state.get(key), undefined);
    state.apply(at + 1, spanOf(put(key, key + "!")));
    assertEquals(state.get(key)?.value, key + "!");
  });
});

Deno.test("entries are applied one by one and none twice", () => {
  const state = emptyState();
  state.apply(1, spanOf(put("a", "1")));
  assertThrows(() => state.apply(1, spanOf(put("a", "1"))), Error, "Cannot apply entry 1");
  assertThrows(() => state.apply(3, spanOf(put("a", "1"))), Error, "Cannot apply entry 3");
});

Deno.test("a command that cannot be read changes nothing and counts as applied", () => {
  const state = emptyState();
  assertEquals(state.apply(1, spanOf("9;whatever")), { type: "Invalid", revision: 1 });
  assertEquals([state.size, state.lastApplied], [0, 1]);
});

Deno.test("the same log gives the same snapshot, also on a node that began from a snapshot", () => {
  const random = new Random(11);
  const one = emptyState();
  for (let index = 1; index <= 3_000; index++) {
    const key = `key${random.below(400)}`;
    one.apply(index, spanOf(random.chance(0.3) ? drop(key) : put(key, "x".repeat(random.below(300)))));
  }
  const two = load(blocksOf(one));
  assertEquals([two.size, two.bytes, two.lastApplied], [one.size, one.bytes, one.lastApplied]);
  for (let index = 3_001; index <= 4_000; index++) {
    const command = random.chance(0.3) ? drop(`key${random.below(400)}`) : put(`new${index}`, EVERY_BYTE);
    assertEquals(one.apply(index, spanOf(command)), two.apply(index, spanOf(command)));
  }
  assertEquals(contentOf(blocksOf(one)), contentOf(blocksOf(two)));
});

Deno.test("a cut shows the state of its moment whatever is applied while it is read", () => {
  const random = new Random(13);
  const state = emptyState();
  let index = 0;
  for (let key = 0; key < 2_000; key++) state.apply(++index, spanOf(put(`k${key}`, "a".repeat(100))));
  const expected = blocksOf(state);
  const cut = state.cut();
  const blocks: Uint8Array[] = [];
  for (let block = cut.next(); block !== undefined; block = cut.next()) {
    blocks.push(block.slice());
    for (let round = 0; round < 500; round++) {
      const key = `k${random.below(2_500)}`;
      state.apply(++index, spanOf(random.chance(0.4) ? drop(key) : put(key, `new${index}`)));
    }
  }
  cut.close();
  assert(blocks.length > 2);
  assertEquals(contentOf(blocks), contentOf(expected));
  assertThrows(
    () => {
      state.cut();
      state.cut();
    },
    Error,
    "another cut is open",
  );
});

Deno.test("blocks of another form are refused by the loader", () => {
  for (
    const blocks of [["[]"], ["{}"], ['{"format":1,"lastApplied":1}'], ["x"], [
      '{"format":5,"lastApplied":1,"timeMs":0}',
      '["k","v"]',
    ], ['{"format":5,"lastApplied":1,"timeMs":0}', "K"]]
  ) {
    const loader = new SnapshotLoader(emptyState());
    assertEquals(blocks.every((block) => loader.load(stringToBytes(block))), false);
  }
  assertEquals(new SnapshotLoader(emptyState()).finish(), false);
});

Deno.test("a command is described on one line, cut and escaped", () => {
  assertEquals(describeCommand(put("a", 'x "y"\n')), 'PUT "a" "x \\"y\\"\\x0a"');
  assertEquals(describeCommand(drop("a b")), 'DELETE "a b"');
  assert(describeCommand(put("k", "v".repeat(1_000))).endsWith('..." (1000 bytes)') === false);
  assert(describeCommand(put("k", "v".repeat(1_000))).includes("... (1000 bytes)"));
  assertEquals(describeCommand("junk"), "(unreadable command of 4 bytes)");
});
