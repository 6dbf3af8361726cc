/** The history of changes: what it answers, what it forgets, and when it wakes its watchers. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { writeString } from "../../../lib/base/bytes.ts";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { ChangeFeed } from "../../../lib/node/changes/change_feed.ts";
import { CHANGE_HISTORY_BYTES_MAX, CHANGE_HISTORY_ENTRIES_MAX } from "../../../lib/node/changes/change_history.ts";
import { Span } from "../../../lib/store/span.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { emptyState, spanOf } from "../../support/state.ts";

interface Ground {
  readonly feed: ChangeFeed;
  readonly state: StateMachine;
  /** Ends the turn. */
  turn(): void;
  put(key: string, value: string): void;
}

function makeGround(): Ground {
  let planned: (() => void)[] = [];
  const feed = new ChangeFeed({ revision: 0, endOfTurn: (action) => void planned.push(action) });
  const state = emptyState();
  state.tell(feed);
  // Filled again by each command: nobody may keep what lies in it.
  const received = new Uint8Array(1_100_000);
  return {
    feed,
    state,
    turn: () => {
      const actions = planned;
      planned = [];
      for (const action of actions) action();
    },
    put: (key, value) => {
      const length = writeString(encodeCommand({ type: "Put", key, value }), received);
      state.apply(state.lastApplied + 1, new Span().set(received, 0, length));
    },
  };
}

/** `revision key value` of everything behind a revision. */
function told(feed: ChangeFeed, revision: number): string[] | undefined {
  const entries = feed.since(revision);
  if (entries === undefined) return undefined;
  return Array.from(
    entries,
    ({ revision, changes }) =>
      [revision, ...changes.map(({ key, record }) => `${key} ${record?.value ?? "-"}`)].join(" "),
  );
}

Deno.test("since gives what was changed behind a revision, and nothing for one that is not known", () => {
  const { feed, state, put } = makeGround();
  put("a", "1");
  state.skip(2);
  state.apply(3, spanOf(encodeCommand({ type: "Call", call: ["MSET", "b", "2", "c", "3"] })));
  state.apply(4, spanOf(encodeCommand({ type: "Delete", key: "a" })));
  assertEquals(told(feed, 0), ["1 a 1", "3 b 2 c 3", "4 a -"]);
  assertEquals(told(feed, 1), ["3 b 2 c 3", "4 a -"]);
  assertEquals(told(feed, 4), []);
  assertEquals(told(feed, 5), undefined);
  assertEquals([feed.oldest, feed.newest], [0, 4]);
});

Deno.test("a plain put is told as any other, with its record and the revision before", () => {
  const { feed, state, put } = makeGround();
  put("a", "1");
  const previous = state.get("a");
  put("a", "2");
  const [, second] = feed.since(0) ?? [];
  assertEquals(second, {
    revision: 2,
    changes: [{ type: "Put", key: "a", record: state.get("a"), previousRevision: 1, previous }],
  });
});

Deno.test("the history is bounded by entries: the oldest are forgotten, the rest is told in order", () => {
  const { feed, put } = makeGround();
  const count = CHANGE_HISTORY_ENTRIES_MAX + 1_000;
  for (let at = 1; at <= count; at++) {
    put(`k${at}`, `${at}`);
    // While it grows nothing is forgotten.
    if (at === 1_500) assertEquals(told(feed, 0)?.length, 1_500);
  }
  assertEquals(feed.oldest, 1_000);
  assertEquals(told(feed, 999), undefined);
  const entries = told(feed, 1_000);
  assertEquals(entries?.length, CHANGE_HISTORY_ENTRIES_MAX);
  assertEquals(entries?.[0], "1001 k1001 1001");
  assertEquals(entries?.at(-1), `${count} k${count} ${count}`);
});

Deno.test("puts of every length are kept side by side, and those before them stay as they were", () => {
  const { feed, put } = makeGround();
  const value = (at: number) => String.fromCharCode(at % 256).repeat(at % 5 === 0 ? 9_000 : (at * 97) % 5_000);
  for (let at = 1; at <= 600; at++) put(`k${at}`, value(at));
  assertEquals(told(feed, 0), Array.from({ length: 600 }, (_, at) => `${at + 1} k${at + 1} ${value(at + 1)}`));
});

Deno.test("the history is bounded by bytes, those of values that commands made longer included", () => {
  const { feed, state, put } = makeGround();
  const value = "v".repeat(1_000_000);
  // Each holds the value that it replaced as well.
  const held = CHANGE_HISTORY_BYTES_MAX / value.length / 2;
  for (let at = 0; at < 50; at++) put("a", value);
  assertGreater(feed.oldest, 50 - held - 1);
  assertLess(feed.oldest, 50 - held + 2);
  for (let at = 51; at <= 100; at++) {
    state.apply(at, spanOf(encodeCommand({ type: "Call", call: ["APPEND", "a", "x"] })));
  }
  assertGreater(feed.oldest, 100 - held - 1);
});

Deno.test("a new deadline leaves the value, and that counts once: both records have the same", () => {
  const { feed, state, put } = makeGround();
  const value = "v".repeat(100_000);
  put("a", value);
  const before = feed.heldBytes;
  state.apply(2, spanOf(encodeCommand({ type: "Call", call: ["EXPIRE", "a", "100"] })));
  assertGreater(feed.heldBytes, before + value.length);
  assertLess(feed.heldBytes, before + value.length + 1_000);
  const [entry] = [...feed.since(1) ?? []];
  const [change] = entry?.changes ?? [];
  assertEquals([change?.record?.value, change?.previous?.value], [value, value]);
  assertEquals([change?.record?.expiresAt === undefined, change?.previous?.expiresAt], [false, undefined]);
});

Deno.test("a jump forgets everything before it", () => {
  const { feed, put } = makeGround();
  put("a", "1");
  feed.jumped(10);
  assertEquals([feed.oldest, feed.newest], [10, 10]);
  assertEquals(told(feed, 1), undefined);
  assertEquals(told(feed, 10), []);
});

Deno.test("a watcher is told once in a turn, until it ends that or the node ends", () => {
  const { feed, put, turn } = makeGround();
  const heard: string[] = [];
  const unwatch = feed.watch({ changed: () => void heard.push("first"), ended: () => void heard.push("first ended") });
  put("a", "1");
  put("a", "2");
  assertEquals(heard, []);
  turn();
  assertEquals(heard, ["first"]);
  turn();
  assertEquals(heard, ["first"]);
  unwatch();
  feed.watch({ changed: () => void heard.push("second"), ended: () => void heard.push("second ended") });
  put("a", "3");
  turn();
  feed.end();
  feed.end();
  put("a", "4");
  turn();
  assertEquals(heard, ["first", "second", "second ended"]);
  feed.watch({ changed: () => void heard.push("late"), ended: () => void heard.push("late ended") });
  turn();
  assertEquals(heard.at(-1), "late ended");
});

Deno.test("all nodes of a cluster tell the same, after a restart and a change of leader too", async () => {
  const cluster = new MemoryCluster(3, 7);
  await cluster.start();
  const first = await cluster.leader();
  for (let at = 0; at < 20; at++) await cluster.put(first.id, `k${at % 5}`, `${at}`);
  cluster.crash(first.id);
  const second = await cluster.leader();
  for (let at = 20; at < 30; at++) await cluster.put(second.id, `k${at % 5}`, `${at}`);
  await cluster.start([first.id]);
  await cluster.leader();
  await cluster.converged();
  const streams = [...cluster.nodes.values()].map((node) => JSON.stringify([...node.changes.since(0) ?? []]));
  assertEquals(new Set(streams).size, 1);
  assertEquals((JSON.parse(streams[0] ?? "") as unknown[]).length, 30);
  await cluster.stop();
});

Deno.test("behind an installed snapshot the feed begins anew, and tells what follows", async () => {
  const cluster = new MemoryCluster(3, 11, { snapshotEntries: 20 });
  await cluster.start();
  const leader = await cluster.leader();
  const [absent = -1] = cluster.ids.filter((id) => id !== leader.id);
  const node = cluster.node(absent);
  for (const id of cluster.ids) if (id !== absent) cluster.network.cut(absent, id);
  for (let at = 0; at < 100; at++) await cluster.put(leader.id, `k${at}`, "v");
  const before = node.changes.newest;
  for (const id of cluster.ids) if (id !== absent) cluster.network.heal(absent, id);
  await cluster.converged();
  await cluster.put((await cluster.leader()).id, "last", "v");
  await cluster.converged();
  assertGreater(node.changes.oldest, before);
  assertEquals(node.changes.since(before), undefined);
  const entries = [...node.changes.since(node.changes.oldest) ?? []];
  assert(entries.at(-1)?.changes.some(({ key }) => key === "last"));
  await cluster.stop();
});
