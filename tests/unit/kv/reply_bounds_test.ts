/** No reply becomes longer than its bound, and what is too long is not made first: one short request would cost gigabytes. */

import { assert, assertEquals } from "@std/assert";
import type { CallContext } from "../../../lib/kv/call.ts";
import { runCall } from "../../../lib/kv/calls.ts";
import { SCAN_BYTES_TARGET } from "../../../lib/kv/calls/ordered.ts";
import { type Call, encodeCommand, KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import type { Keyspace } from "../../../lib/kv/keyspace.ts";
import type { Reply } from "../../../lib/kv/replies.ts";
import { bytesOfReply, listOf, REPLY_BYTES_MAX, REPLY_TOO_LONG, ReplyRoom } from "../../../lib/kv/reply_bounds.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const VALUE = "v".repeat(VALUE_BYTES_MAX);
const KEY = "k".repeat(KEY_BYTES_MAX);
/** As many longest values as one reply holds, with what each takes beside its bytes. */
const VALUES = Math.floor(REPLY_BYTES_MAX / VALUE_BYTES_MAX) - 1;

/** Keys without an end, each with the longest value there is; how often one was read. */
function endless(key = KEY): { context: CallContext; reads: () => number } {
  let reads = 0;
  const keys: Pick<Keyspace, "value" | "has" | "keys" | "expiring"> = {
    expiring: 0,
    has: () => true,
    value: () => {
      reads += 1;
      return VALUE;
    },
    *keys() {
      while (true) yield key;
    },
  };
  const context = {
    keys: keys as Keyspace,
    revision: 0,
    nowMs: 0,
    random: () => 0,
    cursors: undefined,
    shown: undefined,
  };
  return { context, reads: () => reads };
}

Deno.test("a call of several values that are too long together is refused as soon as it is known", () => {
  const calls: readonly Call[] = [
    ["MGET", ...new Array<string>(100_000).fill("k")],
    ["RANGE", "", ""],
    ["PREFIX", "k"],
  ];
  for (const call of calls) {
    const { context, reads } = endless();
    // No list of such values is shown.
    assert(runCall(call, context) === REPLY_TOO_LONG, call[0]);
    assertEquals(reads(), VALUES + 1, call[0]);
  }
  assert(runCall(["KEYS", "*"], endless("").context) === REPLY_TOO_LONG, "KEYS");
});

Deno.test("what is as long as a reply may be is given whole", () => {
  const { context } = endless();
  for (const call of [["MGET", ...new Array<string>(VALUES).fill("k")], ["PREFIX", "k", "LIMIT", String(VALUES - 1)]]) {
    const reply = runCall(call, context);
    assert(Array.isArray(reply) && bytesOfReply(reply) <= REPLY_BYTES_MAX, call[0]);
  }
});

Deno.test("SCAN over long keys ends before its count, and goes on from there", () => {
  const reply = runCall(["SCAN", "0", "COUNT", "100000"], endless().context);
  assert(Array.isArray(reply));
  const [cursor, found] = reply;
  assert(Array.isArray(found) && cursor !== "0");
  assertEquals(found.length, SCAN_BYTES_TARGET / KEY_BYTES_MAX);
});

Deno.test("a list of lists counts what is in them", () => {
  const inner = listOf(new Array<string>(VALUES).fill(VALUE), (text) => text);
  assert(listOf([inner, inner], (reply) => reply) === REPLY_TOO_LONG, "two lists");
  assertEquals(listOf([1, null, 2n ** 60n, ""], (reply) => reply), [1, null, 2n ** 60n, ""]);
});

Deno.test("once a transaction has no room for replies it reads nothing more, and what changes something is done all the same", () => {
  const room = new ReplyRoom();
  const done: string[] = [];
  const ask = (name: string, isWrite: boolean, reply: Reply) => room.reply(isWrite, () => (done.push(name), reply));
  for (let at = 0; at < VALUES; at++) assert(ask(`r${at}`, false, VALUE) === VALUE, `reply ${at}`);
  assert(ask("over", false, VALUE) === REPLY_TOO_LONG, "the first that finds no room");
  assertEquals(ask("unread", false, ""), REPLY_TOO_LONG);
  assertEquals(ask("long write", true, VALUE), { error: "ERR the command was done, and its reply is too long" });
  assertEquals(ask("write", true, { status: "OK" }), { status: "OK" });
  assertEquals(done.slice(VALUES), ["over", "long write", "write"]);
});

Deno.test("the entry of a transaction that reads too much has its effects, and replies that are short enough", () => {
  const state = emptyState();
  state.apply(1, spanOf(encodeCommand({ type: "Call", call: ["SET", "k", VALUE] })));
  const then: Call[] = [...new Array<Call>(VALUES + 2).fill(["GET", "k"]), ["SET", "other", "1"], ["GET", "other"]];
  const result = state.apply(2, spanOf(encodeCommand({ type: "Transaction", compares: [], then, otherwise: [] })));
  assert(result.type === "Transaction");
  assertEquals(result.replies.slice(VALUES), [REPLY_TOO_LONG, REPLY_TOO_LONG, { status: "OK" }, REPLY_TOO_LONG]);
  assertEquals(state.get("other")?.value, "1");
});
