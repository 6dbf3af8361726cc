/** What the log's time does: keys and sessions expire by it; and what sessions are for: nothing is applied twice. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { type Command, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { Deadlines } from "../../../lib/kv/deadlines.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { ANSWER_BYTES_MAX, ANSWERS_KEPT_MAX } from "../../../lib/kv/sessions.ts";
import { type StateMachine, SWEPT_PER_ENTRY_MAX } from "../../../lib/kv/state_machine.ts";
import { blocksOf, contentOf, emptyState, spanOf, stateOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;

function apply(
  state: StateMachine,
  command: Command,
  at: { timeMs?: number; session?: SessionUse } = {},
): CommandResult {
  const encoded = encodeCommand(command, at.session);
  return state.apply(
    state.lastApplied + 1,
    spanOf(at.timeMs === undefined ? encoded : stampCommand(encoded, at.timeMs)),
  );
}

function call(...words: readonly string[]): Command {
  return { type: "Call", call: words };
}

function reload(state: StateMachine): StateMachine {
  const loaded = stateOf(blocksOf(state));
  assert(loaded !== undefined);
  return loaded;
}

Deno.test("deadlines come out in order of time and key, whatever was added and removed", () => {
  const random = new Random(3);
  const queue = new Deadlines();
  const kept = new Map<string, ReturnType<Deadlines["add"]>>();
  for (let round = 0; round < 5_000; round++) {
    const key = `k${random.below(500)}`;
    const known = kept.get(key);
    if (known !== undefined) queue.remove(known);
    kept.delete(key);
    if (random.chance(0.7)) kept.set(key, queue.add(key, random.below(50)));
  }
  const wanted = [...kept.values()].sort((a, b) => a.at - b.at || (a.key < b.key ? -1 : 1)).map(({ key }) => key);
  const found: string[] = [];
  for (let first = queue.first; first !== undefined; first = queue.first) {
    found.push(first.key);
    queue.remove(first);
  }
  assertEquals(found, wanted);
  assert(found.length > 100);
});

Deno.test("time never goes back, and a deadline is the same after a snapshot", () => {
  const state = emptyState();
  apply(state, call("SET", "k", "v", "PX", "100"), { timeMs: NOW_MS });
  apply(state, { type: "Advance" }, { timeMs: NOW_MS - 50_000 });
  assertEquals(state.timeMs, NOW_MS);
  const loaded = reload(state);
  assertEquals([loaded.timeMs, loaded.nextDeadline], [NOW_MS, NOW_MS + 100]);
  for (const one of [state, loaded]) {
    apply(one, { type: "Advance" }, { timeMs: NOW_MS + 99 });
    assertEquals(one.get("k")?.value, "v");
    apply(one, { type: "Advance" }, { timeMs: NOW_MS + 100 });
    assertEquals([one.get("k"), one.size, one.bytes, one.nextDeadline], [undefined, 0, 0, undefined]);
  }
  assertEquals(blocksOf(state), blocksOf(loaded));
});

Deno.test("many deadlines at once are swept in parts, and none is seen meanwhile", () => {
  const state = emptyState();
  const keys = SWEPT_PER_ENTRY_MAX * 2 + 10;
  for (let key = 0; key < keys; key++) apply(state, call("SET", `k${key}`, "v", "PX", "5"), { timeMs: NOW_MS });
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 5 });
  assertEquals(state.size, keys - SWEPT_PER_ENTRY_MAX);
  assertEquals(state.read(["KEYS", "*"], { random: () => 0 }), []);
  assertEquals(state.read(["EXISTS", `k${keys - 1}`], { random: () => 0 }), 0);
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 6 });
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 7 });
  assertEquals(state.size, 0);
});

Deno.test("a key that has expired and is not swept yet is made anew by a write, and was not there for a removal", () => {
  const state = emptyState();
  const late = ["x", "y", "z"];
  for (let key = 0; key < SWEPT_PER_ENTRY_MAX; key++) {
    apply(state, call("SET", `k${key}`, "v", "PX", "5"), { timeMs: NOW_MS });
  }
  for (const key of late) apply(state, call("SET", key, "7", "PX", "5"));
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 5 });
  assertEquals([state.size, state.nextDeadline], [late.length, NOW_MS + 5]);
  apply(state, call("INCR", "x"));
  const revision = state.lastApplied;
  assertEquals(state.get("x"), { value: "1", createRevision: revision, revision, version: 1, expiresAt: undefined });
  assertEquals(apply(state, call("DEL", "y")), { type: "Reply", reply: 0, revision: state.lastApplied });
  assertEquals(apply(state, { type: "Delete", key: "z" }), {
    type: "Delete",
    existed: false,
    revision: state.lastApplied,
  });
  assertEquals([state.size, state.nextDeadline], [1, undefined]);
});

Deno.test("a command of a session is applied once and answered again, also after a snapshot", () => {
  const state = emptyState();
  const opened = apply(state, { type: "OpenSession", ttlMs: 10_000 }, { timeMs: NOW_MS });
  assert(opened.type === "Reply" && opened.reply === 1);
  const use = { id: 1, sequence: 7 };
  const first = apply(state, call("INCR", "n"), { session: use });
  for (const one of [state, reload(state)]) {
    assertEquals(apply(one, call("INCR", "n"), { session: use }), first);
    assertEquals(apply(one, call("INCR", "n"), { session: { id: 1, sequence: 5 } }).type, "Reply");
    assertEquals(one.get("n")?.value, "2");
  }
  assertEquals(apply(state, call("INCR", "n"), { session: { id: 99, sequence: 1 } }), {
    type: "Refused",
    revision: state.lastApplied,
    reason: "NoSession",
  });
});

Deno.test("another command under a used sequence number is refused and changes nothing, also after a snapshot", () => {
  const state = emptyState();
  apply(state, { type: "OpenSession", ttlMs: 10_000 }, { timeMs: NOW_MS });
  const use = { id: 1, sequence: 1 };
  const first = apply(state, call("SET", "a", "1"), { session: use });
  apply(state, { type: "Put", key: "long", value: "v".repeat(ANSWER_BYTES_MAX) });
  const long = { id: 1, sequence: 2 };
  apply(state, call("GETSET", "long", "short"), { session: long });
  for (const one of [state, reload(state)]) {
    const others = [call("SET", "a", "2"), call("SET", "b", "1"), call("GET", "a")];
    for (const [session, commands] of [[use, others], [long, [call("GETSET", "long", "other")]]] as const) {
      for (const command of commands) {
        const refused = apply(one, command, { session, timeMs: NOW_MS + one.lastApplied });
        assert(refused.type === "Refused" && refused.reason === "SequenceReused");
      }
    }
    assertEquals([one.get("a")?.value, one.get("b"), one.get("long")?.value], ["1", undefined, "short"]);
    // The leader's time is not part of the command: a retry is stamped later.
    assertEquals(apply(one, call("SET", "a", "1"), { session: use, timeMs: NOW_MS + 999 }), first);
  }
});

Deno.test("a session forgets its oldest answers, and never applies what it has forgotten", () => {
  const state = emptyState();
  apply(state, { type: "OpenSession", ttlMs: 10_000 }, { timeMs: NOW_MS });
  for (let sequence = 1; sequence <= ANSWERS_KEPT_MAX + 3; sequence++) {
    apply(state, call("INCR", "n"), { session: { id: 1, sequence } });
  }
  const old = apply(state, call("INCR", "n"), { session: { id: 1, sequence: 3 } });
  assert(old.type === "Refused" && old.reason === "StaleSequence");
  assertEquals(apply(state, call("INCR", "n"), { session: { id: 1, sequence: 4 } }).type, "Reply");
  assertEquals(state.get("n")?.value, String(ANSWERS_KEPT_MAX + 3));
  apply(state, { type: "Put", key: "long", value: "v".repeat(ANSWER_BYTES_MAX) });
  const use = { id: 1, sequence: 1_000 };
  const told = apply(state, call("GETSET", "long", "short"), { session: use });
  assert(told.type === "Reply" && typeof told.reply === "string");
  const again = apply(state, call("GETSET", "long", "short"), { session: use });
  assert(again.type === "Refused" && again.reason === "AnswerNotKept");
});

Deno.test("what a session has forgotten, or was too long to be kept, is not done again after a snapshot", () => {
  const state = emptyState();
  apply(state, { type: "OpenSession", ttlMs: 10_000 }, { timeMs: NOW_MS });
  for (let sequence = 1; sequence <= ANSWERS_KEPT_MAX + 3; sequence++) {
    apply(state, call("INCR", "n"), { session: { id: 1, sequence } });
  }
  apply(state, { type: "Put", key: "long", value: "v".repeat(ANSWER_BYTES_MAX) });
  const use = { id: 1, sequence: 1_000 };
  apply(state, call("GETSET", "long", "short"), { session: use });
  apply(state, { type: "Put", key: "long", value: "later" });
  for (const one of [reload(state), reload(reload(state))]) {
    const stale = apply(one, call("INCR", "n"), { session: { id: 1, sequence: 3 } });
    assert(stale.type === "Refused" && stale.reason === "StaleSequence");
    const again = apply(one, call("GETSET", "long", "short"), { session: use });
    assert(again.type === "Refused" && again.reason === "AnswerNotKept");
    assertEquals([one.get("n")?.value, one.get("long")?.value], [String(ANSWERS_KEPT_MAX + 3), "later"]);
  }
});

Deno.test("a session lives as long as it is used, and ends by the log's time or when it is closed", () => {
  const state = emptyState();
  apply(state, { type: "OpenSession", ttlMs: 5_000 }, { timeMs: NOW_MS });
  apply(state, { type: "KeepAlive", session: 1 }, { timeMs: NOW_MS + 4_000 });
  apply(state, call("INCR", "n"), { timeMs: NOW_MS + 8_000, session: { id: 1, sequence: 1 } });
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 12_999 });
  assertEquals([state.sessions, state.nextDeadline], [1, NOW_MS + 13_000]);
  apply(state, { type: "Advance" }, { timeMs: NOW_MS + 13_000 });
  assertEquals([state.sessions, state.nextDeadline], [0, undefined]);
  assertEquals(apply(state, { type: "KeepAlive", session: 1 }).type, "Refused");
  const opened = apply(state, { type: "OpenSession", ttlMs: 1 });
  assert(opened.type === "Reply");
  assertEquals(apply(state, { type: "CloseSession", session: opened.revision }).type, "Reply");
  assertEquals(state.sessions, 0);
});

Deno.test("a transaction does one of its two lists, all of it in one entry", () => {
  const state = emptyState();
  const transact = (operand: string): CommandResult =>
    apply(state, {
      type: "Transaction",
      compares: [{ key: "a", field: "VERSION", operator: "=", operand }, {
        key: "b",
        field: "EXISTS",
        operator: "=",
        operand: "0",
      }],
      then: [["SET", "a", "1"], ["INCR", "a"], ["INCR", "c", "wrong"]],
      otherwise: [["GET", "a"]],
    });
  const first = transact("0");
  assert(first.type === "Transaction" && first.succeeded);
  assertEquals(first.replies.slice(0, 2), [{ status: "OK" }, 2]);
  assertEquals(state.get("a"), { value: "2", createRevision: 1, revision: 1, version: 2, expiresAt: undefined });
  const second = transact("1");
  assert(second.type === "Transaction" && !second.succeeded);
  assertEquals(second.replies, ["2"]);
  assertEquals(transact("2").type, "Transaction");
  assertEquals(state.get("a")?.version, 4);
});

Deno.test("a cut shows sessions and deadlines of its moment, whatever is applied while it is read", () => {
  const state = emptyState();
  apply(state, { type: "OpenSession", ttlMs: 10_000 }, { timeMs: NOW_MS });
  apply(state, { type: "OpenSession", ttlMs: 20_000 });
  apply(state, call("INCR", "n"), { session: { id: 1, sequence: 1 } });
  apply(state, call("SET", "k", "v", "PX", "500"));
  const expected = blocksOf(state);
  const cut = state.cut();
  const blocks = [cut.next()?.slice() ?? new Uint8Array(0)];
  apply(state, call("INCR", "n"), { session: { id: 1, sequence: 2 } });
  apply(state, call("PERSIST", "k"));
  apply(state, { type: "OpenSession", ttlMs: 20_000 });
  apply(state, { type: "CloseSession", session: 2 });
  apply(state, call("FLUSHALL"), { timeMs: NOW_MS + 60_000 });
  for (let block = cut.next(); block !== undefined; block = cut.next()) blocks.push(block.slice());
  cut.close();
  assertEquals(contentOf(blocks), contentOf(expected));
});
