/** Counters that are read where they lie do exactly what they do on the long way, which a stamp sends them. */

import { assert, assertEquals } from "@std/assert";
import { stringToBytes } from "../../../lib/base/bytes.ts";
import { Random } from "../../../lib/base/random.ts";
import type { ChangeSink } from "../../../lib/kv/change.ts";
import { encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import { parseInteger64, parseShortInteger } from "../../../lib/kv/integers.ts";
import { PlainPut } from "../../../lib/kv/plain_put.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { type StateMachine, SWEPT_PER_ENTRY_MAX } from "../../../lib/kv/state_machine.ts";
import { ChangeFeed } from "../../../lib/node/changes/change_feed.ts";
import { Span } from "../../../lib/store/span.ts";
import { blocksOf, contentOf, emptyState, spanOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;
const NUMBERS = [
  ...["0", "1", "-1", "9", "10", "-10", "99", "100", "2147483647", "-2147483648", "4294967296", "123456789012345"],
  ...["999999999999999", "-999999999999999", "1000000000000000", "-1000000000000000", "9007199254740991"],
  ...["9007199254740992", "-9007199254740992", "9223372036854775807", "-9223372036854775808", "9223372036854775808"],
  ...[
    "-9223372036854775809",
    "",
    "-",
    "+1",
    "-0",
    "00",
    "01",
    "-01",
    " 1",
    "1 ",
    "1.0",
    "1e3",
    "x",
    "1\0",
    "\xb1",
    "1-",
  ],
  ...["99999999999999999999", "0".repeat(20), "/", ":"],
];
const KEYS = ["k", "", "counter:7", "\0\xff\r\n", "9:9", "long".repeat(100)];

function apply(state: StateMachine, call: readonly string[], timeMs?: number): CommandResult {
  const encoded = encodeCommand({ type: "Call", call });
  return state.apply(
    state.lastApplied + 1,
    spanOf(timeMs === undefined ? encoded : stampCommand(encoded, timeMs)),
  );
}

function callOf(random: Random): readonly string[] {
  const name = random.pick(["INCR", "DECR", "INCRBY", "DECRBY"]);
  const key = random.pick(KEYS);
  return name.length > 4 ? [name, key, random.pick(NUMBERS)] : [name, key];
}

/** Tells how it was told of each entry. */
class Ways implements ChangeSink {
  last = "";

  puts(command: Span): void {
    assert(new PlainPut().read(command));
    this.last = "puts";
  }

  changed(): void {
    this.last = "changed";
  }

  jumped(): void {
    this.last = "jumped";
  }
}

Deno.test("a number is read from bytes as from text, when it is short", () => {
  for (const text of NUMBERS) {
    const wanted = text.replace("-", "").length > 15 ? undefined : parseInteger64(text);
    assertEquals(parseShortInteger(new Span().set(stringToBytes(`7${text}7`), 1, 1 + text.length)), wanted, text);
  }
});

Deno.test("counters give the same results, states and changes on the short way as on the long one", () => {
  const random = new Random(5);
  const [short, long] = [emptyState(1), emptyState(1)];
  const feeds = [short, long].map((state) => {
    const feed = new ChangeFeed({ revision: 0, endOfTurn: (action) => action() });
    state.tell(feed);
    return feed;
  });
  for (let step = 0; step < 20_000; step++) {
    const set = ["SET", random.pick(KEYS), random.pick(NUMBERS)];
    if (random.chance(0.2)) set.push("PXAT", `${NOW_MS}`);
    const call = random.chance(0.3) ? set : random.chance(0.05) ? ["DEL", random.pick(KEYS)] : callOf(random);
    assertEquals(apply(short, call), apply(long, call, 0), call.join(" "));
    assertEquals(short.digest, long.digest, call.join(" "));
  }
  assertEquals(contentOf(blocksOf(short)), contentOf(blocksOf(long)));
  const [changes = [], others = []] = feeds.map((feed) => [...feed.since(0) ?? []]);
  assert(changes.length > 5_000, `${changes.length} changes`);
  assertEquals(changes, others);
});

Deno.test("a counter is told of as the Put of its sum, unless it has a deadline or is too long to be exact", () => {
  const state = emptyState();
  const ways = new Ways();
  state.tell(ways);
  const wayOf = (...call: readonly string[]) => {
    apply(state, call);
    return ways.last;
  };
  assertEquals(wayOf("INCR", "k"), "puts");
  assertEquals(wayOf("DECR", "k"), "puts");
  assertEquals(wayOf("INCRBY", "k", "999999999999999"), "puts");
  assertEquals(wayOf("DECRBY", "k", "1000"), "puts");
  assertEquals(wayOf("INCRBY", "k", "1000000000000000"), "changed");
  assertEquals(wayOf("INCR", "k"), "changed");
  apply(state, ["SET", "k", "5", "PXAT", `${NOW_MS}`]);
  assertEquals(wayOf("INCR", "k"), "changed");
  assertEquals([state.get("k")?.value, state.get("k")?.expiresAt], ["6", NOW_MS]);
});

Deno.test("a counter that is due and not swept yet begins anew, without a deadline", () => {
  const state = emptyState();
  for (let key = 0; key < SWEPT_PER_ENTRY_MAX; key++) apply(state, ["SET", `k${key}`, "1", "PXAT", `${NOW_MS}`]);
  apply(state, ["SET", "due", "7", "PXAT", `${NOW_MS + 1}`]);
  apply(state, ["SET", "k", "v"], NOW_MS + 1);
  assertEquals([state.size, state.get("due")], [2, undefined]);
  const { revision } = apply(state, ["INCR", "due"]);
  const record = { value: "1", createRevision: revision, revision, version: 1, expiresAt: undefined };
  assertEquals(state.get("due"), record);
});

Deno.test("what lies behind a command does not belong to it, wherever it is cut off", () => {
  for (const call of [["INCR", "key"], ["DECRBY", "k", "12"]]) {
    const bytes = stringToBytes(encodeCommand({ type: "Call", call }));
    for (let end = 0; end < bytes.length; end++) {
      const state = emptyState();
      assertEquals(
        state.apply(1, new Span().set(bytes, 0, end)),
        { type: "Invalid", revision: 1 },
        `${end} of ${call}`,
      );
      assertEquals(state.size, 0);
    }
    const longer = stringToBytes(`${encodeCommand({ type: "Call", call })}0`);
    assertEquals(emptyState().apply(1, Span.of(longer)).type, "Invalid");
    assertEquals(emptyState().apply(1, new Span().set(longer, 0, bytes.length)).type, "Reply");
  }
});
