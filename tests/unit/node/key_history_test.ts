/** The past of keys: what the history answers against a plain model of all versions, and how far back it reaches. */

import { assert, assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { encodeCommand, stampCommand } from "../../../lib/kv/commands.ts";
import type { KeyRecord } from "../../../lib/kv/key_record.ts";
import { ChangeFeed } from "../../../lib/node/changes/change_feed.ts";
import { type DrawnType, makeCommand, WRITE_SHARES } from "../../sim/command_maker.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";
import { emptyState, spanOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;

function makeGround(limits: { readonly entriesMax?: number; readonly bytesMax?: number } = {}) {
  const feed = new ChangeFeed({ revision: 0, endOfTurn: () => {}, ...limits });
  const state = emptyState();
  state.tell(feed);
  const apply = (...call: readonly string[]) => {
    state.apply(state.lastApplied + 1, spanOf(encodeCommand({ type: "Call", call })));
  };
  const put = (key: string, value: string) => {
    state.apply(state.lastApplied + 1, spanOf(encodeCommand({ type: "Put", key, value })));
  };
  const valueAt = (key: string, revision: number) => {
    return feed.recordAt(key, { revision, current: state.peek(key) })?.value;
  };
  const changesOf = (key: string) => {
    return Array.from(
      feed.changesOf(key, state.peek(key)),
      ({ revision, change }) => `${revision} ${change.type} ${change.record?.value ?? "-"}`,
    );
  };
  return { feed, state, apply, put, valueAt, changesOf };
}

Deno.test("random commands: every key at every remembered revision is what a model of all versions has, and so are its changes", () => {
  for (let seed = 1; seed <= 25; seed++) checkPast(seed);
});

function checkPast(seed: number): void {
  const random = new Random(seed);
  const { feed, state } = makeGround({ entriesMax: 100 });
  let timeMs = NOW_MS;
  let values = 0;
  const words = {
    random,
    now: () => timeMs,
    key: (family: string) => `${family}${random.below(6)}`,
    value: () => `v${values++}`.repeat(random.below(40)),
  };
  const source = { words, sessions: [], flushes: true, plainKey: () => `p${random.below(6)}` };
  const types = Object.keys(WRITE_SHARES) as readonly DrawnType[];
  const keys = new Set<string>();
  /** The state behind each entry, by revision. */
  const versions: ReadonlyMap<string, KeyRecord>[] = [new Map()];
  for (let step = 0; step < 260; step++) {
    if (random.chance(0.5)) timeMs += random.below(2_000);
    const encoded = encodeCommand(makeCommand(random.pick(types), source));
    state.apply(state.lastApplied + 1, spanOf(random.chance(0.6) ? stampCommand(encoded, timeMs) : encoded));
    const told = [...feed.since(state.lastApplied - 1) ?? []].flatMap(({ changes }) => changes);
    for (const { key } of told) keys.add(key);
    versions.push(
      new Map([...keys].flatMap((key) => {
        const record = state.peek(key);
        return record === undefined ? [] : [[key, record]];
      })),
    );
  }
  assertGreater(feed.oldest, 0);
  for (let revision = feed.oldest; revision <= feed.newest; revision++) {
    const behind = [...feed.since(revision) ?? []].flatMap(({ changes }) => changes.map(({ key }) => key));
    for (const prefix of ["", "p", "p1", "p1x"]) {
      const wanted = new Set(behind.filter((key) => key.startsWith(prefix)));
      const past = feed.pastOf(revision, { prefix, countMax: Infinity });
      assertEquals(new Set(past.keys), wanted, `seed ${seed}: keys with ${prefix} behind ${revision}`);
      for (const key of past.keys) {
        assertEquals(past.recordOf(key), versions[revision]?.get(key), `${key} at ${revision}`);
      }
      const countMax = Math.min(3, wanted.size);
      assertGreaterOrEqual(feed.pastOf(revision, { prefix, countMax }).keys.length, countMax);
    }
  }
  for (const key of keys) {
    const current = state.peek(key);
    const changed: number[] = [];
    for (let revision = feed.newest; revision >= feed.oldest; revision--) {
      const wanted = versions[revision]?.get(key);
      assertEquals(feed.recordAt(key, { revision, current }), wanted, `seed ${seed}: ${key} at ${revision}`);
      const before = versions[revision - 1]?.get(key);
      if (revision > feed.oldest && wanted?.revision !== before?.revision) changed.push(revision);
    }
    const told = [...feed.changesOf(key, current)];
    assertEquals(told.map(({ revision }) => revision), changed, `seed ${seed}: changes of ${key}`);
    for (const { revision, change } of told) {
      assertEquals(change.record, versions[revision]?.get(key));
      assertEquals(change.previous, versions[revision - 1]?.get(key), `seed ${seed}: ${key} before ${revision}`);
    }
  }
}

Deno.test("a key that was removed and made again has all of its past, and one that never was has none", () => {
  const { put, apply, valueAt, changesOf } = makeGround();
  put("a", "1");
  put("b", "1");
  put("a", "2");
  apply("DEL", "a");
  apply("DEL", "b", "a");
  put("a", "3");
  apply("SET", "a", "4", "PX", "1000");
  const past = Array.from({ length: 8 }, (_, at) => valueAt("a", at) ?? "-");
  assertEquals(past, ["-", "1", "1", "2", "-", "-", "3", "4"]);
  assertEquals(changesOf("a"), ["7 Put 4", "6 Put 3", "4 Delete -", "3 Put 2", "1 Put 1"]);
  assertEquals(changesOf("b"), ["5 Delete -", "2 Put 1"]);
  assertEquals(changesOf("c"), []);
});

Deno.test("what was replaced counts: the history holds half as many puts that replace a value as such that make a key", () => {
  const value = "v".repeat(10_000);
  const fresh = makeGround({ bytesMax: 1_000_000 });
  for (let at = 0; at < 200; at++) fresh.put(`k${at}`, value);
  const replacing = makeGround({ bytesMax: 1_000_000 });
  for (let at = 0; at < 200; at++) replacing.put("k", value);
  assertEquals([fresh, replacing].map(({ feed }) => feed.newest - feed.oldest), [99, 49]);
  const deleting = makeGround({ bytesMax: 1_000_000 });
  for (let at = 0; at < 200; at++) deleting.put(`k${at}`, value);
  for (let at = 0; at < 200; at++) deleting.apply("DEL", `k${at}`);
  assert(deleting.feed.newest - deleting.feed.oldest < 100, "removals count what they removed");
});

Deno.test("as many entries are remembered as was said, whatever the number", () => {
  for (const entriesMax of [1, 100, 1_024, 1_500, 3_000]) {
    const { feed, put, valueAt } = makeGround({ entriesMax });
    for (let at = 1; at <= 4_000; at++) put("k", `${at}`);
    assertEquals(feed.newest - feed.oldest, entriesMax);
    assertEquals(valueAt("k", feed.oldest), `${feed.oldest}`);
    assertEquals([...feed.since(feed.oldest) ?? []].length, entriesMax);
  }
});

Deno.test("where a put stood that is forgotten, another entry is told of as what it is", () => {
  const { feed, apply, put, changesOf } = makeGround({ entriesMax: 100 });
  for (let at = 0; at < 1_500; at++) put(`k${at}`, "v");
  for (let at = 0; at < 1_500; at++) apply("APPEND", `k${at}`, "w");
  apply("MSET", "x", "1", "y", "2");
  assertEquals(changesOf("k1499"), ["3000 Put vw"]);
  const told = [...feed.since(feed.newest - 2) ?? []].map(({ changes }) => changes.map(({ key }) => key).join(" "));
  assertEquals(told, ["k1499", "x y"]);
});

Deno.test("behind a flush of too many keys nothing is known of what was before", () => {
  const { feed, put, apply, valueAt } = makeGround();
  for (let at = 1; at <= 10_001; at++) put(`k${at}`, "v");
  apply("FLUSHALL");
  put("a", "1");
  assertEquals([feed.oldest, feed.newest], [10_002, 10_003]);
  assertEquals([valueAt("a", 10_002), valueAt("a", 10_003), valueAt("k1", 10_002)], [undefined, "1", undefined]);
});

Deno.test("after a restart the past reaches back as far as the log behind the snapshot, on every node alike", async () => {
  const cluster = new MemoryCluster(3, 5, { snapshotEntries: 50 });
  await cluster.start();
  const leader = await cluster.leader();
  for (let at = 0; at < 130; at++) await cluster.put(leader.id, "k", `${at}`);
  await cluster.converged();
  const past = () => {
    return [...cluster.nodes.values()].map(({ changes, state }) => {
      const values = [];
      for (let at = changes.newest; at >= changes.oldest; at--) {
        values.push([at, changes.recordAt("k", { revision: at, current: state.peek("k") })?.value]);
      }
      return { oldest: changes.oldest, values };
    });
  };
  const before = past();
  assertEquals(before.map(({ oldest }) => oldest), [0, 0, 0]);
  const snapshots = [...cluster.nodes.values()].map((node) => Number(node.status().raft.snapshot?.index));
  for (const id of cluster.ids) cluster.crash(id);
  await cluster.start();
  await cluster.leader();
  await cluster.converged();
  const known = new Map(before[0]?.values.map(([at, value]) => [at, value]));
  for (const [id, { oldest, values }] of past().entries()) {
    assertEquals(oldest, snapshots[id]);
    assertGreater(oldest, 0);
    for (const [at, value] of values) if (known.has(at)) assertEquals(value, known.get(at), `node ${id} at ${at}`);
  }
  await cluster.stop();
});
