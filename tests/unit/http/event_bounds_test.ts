/** The bounds of the change stream: slow clients, large states, many watchers, and how streams end. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { CHANGE_HISTORY_ENTRIES_MAX } from "../../../lib/node/changes/change_history.ts";
import {
  EVENT_PIECE_BYTES,
  HEARTBEAT_MS,
  NO_QUORUM_MS,
  RANGE_GROUPS_MAX,
  UNSENT_EVENT_BYTES_MAX,
  WATCHERS_MAX,
} from "../../../lib/http/event_stream/limits.ts";
import { askForEvents, EventGround, type TestWatcher, watchEvents } from "../../support/event_watcher.ts";

Deno.test("a large state is sent in pieces while it changes: at its end it is the state, and bounded all the time", async () => {
  const ground = new EventGround();
  const random = new Random(5);
  for (let at = 0; at < 4_000; at++) ground.put(`k${at}`, "v".repeat(200));
  await ground.settle();
  const watcher = await watchEvents(ground, { query: { snapshot: "1" } });
  watcher.isSlow = true;
  const pairs = new Map<unknown, unknown>();
  let seen = 0;
  const revisions = new Map<unknown, number>();
  for (let round = 0; round < 400; round++) {
    for (let write = 0; write < 5; write++) {
      const key = `k${random.below(5_000)}`;
      if (random.chance(0.3)) ground.apply({ type: "Delete", key });
      else if (random.chance(0.2)) ground.call("MSET", key, `${round}`, `k${random.below(5_000)}`, `${round}`);
      else ground.put(key, `${round}`);
    }
    await ground.clock.advance(20);
    watcher.drain();
    for (const { type, data } of watcher.events.slice(seen)) {
      const revision = Number(data["mod_revision"]);
      if (data["key"] !== undefined) {
        assert(revision > (revisions.get(data["key"]) ?? 0), "no key goes back to an older value");
        revisions.set(data["key"], revision);
      }
      if (type === "snapshot" || type === "put") pairs.set(data["key"], data["value"]);
      if (type === "delete") pairs.delete(data["key"]);
    }
    seen = watcher.events.length;
  }
  await ground.settle();
  assert(watcher.events.some(({ type }) => type === "snapshot-end"), "the state was sent to its end");
  const wanted = Array.from(ground.node.machine.records(""), ([key, { value }]): [unknown, unknown] => [key, value]);
  watcher.drain();
  await ground.settle();
  for (const { type, data } of watcher.events.slice(seen)) {
    if (type === "put") pairs.set(data["key"], data["value"]);
    if (type === "delete") pairs.delete(data["key"]);
  }
  assertEquals([...pairs].sort(([a], [b]) => String(a) < String(b) ? -1 : 1), wanted);
  assertLess(watcher.unsentMost, UNSENT_EVENT_BYTES_MAX + 2 * EVENT_PIECE_BYTES.most);
  const ids = watcher.events.findIndex(({ hasId }) => hasId);
  assertEquals(watcher.events[ids]?.type, "snapshot-end", "nobody can resume in the middle of the state");
  ground.close(watcher);
});

Deno.test("of a state that is not sound nothing more is sent: a stream that is at it ends, and one that follows changes goes on", async () => {
  const ground = new EventGround();
  for (let at = 0; at < 4_000; at++) ground.put(`k${at}`, "v".repeat(200));
  await ground.settle();
  const follower = await watchEvents(ground);
  const watcher = await watchEvents(ground, { query: { snapshot: "1" } });
  watcher.isSlow = true;
  const records = () => watcher.events.filter(({ type }) => type === "snapshot").length;
  await ground.clock.until(() => records() > 0, 1_000, "the first piece of the state");
  ground.node.isQuarantined = true;
  const before = records();
  assert(before < 4_000);
  watcher.drain();
  await ground.settle();
  assertEquals([records(), watcher.isFinished, follower.isFinished], [before, true, false]);
  assertEquals(watcher.events.at(-1)?.type, "error");
  ground.close(follower);
});

Deno.test("watchers with the same filter are sent the same text, made once", async () => {
  const ground = new EventGround();
  const watchers = await Promise.all(Array.from({ length: 20 }, () => watchEvents(ground, { query: { prefix: "a" } })));
  await ground.settle();
  for (const watcher of watchers) watcher.pieces.length = 0;
  for (let at = 0; at < 100; at++) ground.put(`a${at}`, "1");
  await ground.settle();
  const [first] = watchers;
  assertEquals(first?.brief.length, 100);
  const texts = watchers.map(({ pieces }) => pieces.filter((piece) => !piece.startsWith(": heartbeat")));
  for (const text of texts) assertEquals(text, texts[0]);
  assertLess(texts[0]?.length ?? Infinity, 10, "one piece for many events");
  ground.close(...watchers);
});

Deno.test("a slow client keeps nothing but its share, and goes on from the history without a gap", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  await ground.settle();
  watcher.isSlow = true;
  const count = 20_000;
  for (let at = 0; at < count; at++) {
    ground.put(`k${at}`, "v".repeat(100));
    if (at % 500 === 0) await ground.clock.advance(20);
  }
  await ground.settle();
  assertLess(watcher.changes.length, count);
  assertLess(watcher.unsentMost, UNSENT_EVENT_BYTES_MAX + EVENT_PIECE_BYTES.most + 1_000);
  for (let round = 0; round < 200; round++) {
    watcher.drain();
    await ground.clock.advance(50);
  }
  assertEquals(
    watcher.changes.map(({ lastEventId }) => Number(lastEventId)),
    Array.from({ length: count }, (_, at) => at + 1),
  );
  assertEquals(watcher.isFinished, false);
  ground.close(watcher);
});

Deno.test("a client that is slower than the history is reset, and its stream ends", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  await ground.settle();
  watcher.isSlow = true;
  for (let at = 0; at < CHANGE_HISTORY_ENTRIES_MAX + 30_000; at++) {
    ground.put("k", "v".repeat(100));
    if (at % 2_000 === 0) await ground.clock.advance(20);
  }
  await ground.clock.advance(HEARTBEAT_MS);
  assertEquals(watcher.events.at(-1)?.type, "reset");
  assertEquals(watcher.events.at(-1)?.data, { code: "compacted", oldest: ground.node.changes.oldest });
  assertEquals(watcher.isFinished, true);
  const told = watcher.changes.map(({ lastEventId }) => Number(lastEventId));
  assertEquals(told, Array.from(told, (_, at) => at + 1), "what was sent before has no gap");
});

Deno.test("a jump of the state resets every watcher", async () => {
  const ground = new EventGround();
  const watchers = await Promise.all([{}, { prefix: "a" }].map((query) => watchEvents(ground, { query })));
  ground.put("a", "1");
  await ground.settle();
  ground.node.changes.jumped(40);
  await ground.settle();
  for (const { events, isFinished } of watchers) {
    assertEquals(events.at(-1)?.type, "reset");
    assertEquals(events.at(-1)?.data["oldest"], 40);
    assert(isFinished);
  }
});

Deno.test("heartbeats come every 5 s, and a watcher that wants nothing of what happens moves on with them", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground, { query: { prefix: "rare" } });
  for (let second = 0; second < 30; second++) {
    ground.put("common", `${second}`);
    await ground.clock.advance(1_000);
  }
  const beats = watcher.parser.comments.filter((comment) => comment.startsWith("heartbeat"));
  assertEquals(beats.length, 30_000 / HEARTBEAT_MS);
  assertGreater(Number(watcher.parser.lastEventId), 20);
  assertEquals(watcher.changes, []);
  ground.close(watcher);
});

Deno.test("a stream ends with an error once no majority has answered for 10 s, and not before", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  await ground.clock.advance(30_000);
  assertEquals(watcher.isFinished, false);
  ground.node.refusal = "NoLeader";
  await ground.clock.advance(NO_QUORUM_MS - 1_500);
  assertEquals(watcher.isFinished, false);
  await ground.clock.advance(2_500);
  assertEquals(watcher.events.at(-1)?.type, "error");
  assertEquals(watcher.events.at(-1)?.data, { code: "no_quorum" });
  assertEquals(watcher.isFinished, true);
  const { status, body, headers } = await askForEvents(ground);
  assertEquals([status, JSON.parse(String(body)).code], [503, "no_leader"]);
  assert(headers.some(([name]) => name === "Retry-After"));
});

Deno.test("when the node stops, streams end with what was applied last and the reason", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  await ground.settle();
  ground.put("a", "1");
  await Promise.resolve();
  ground.node.changes.end();
  assertEquals(watcher.brief, ["put a 1 1"]);
  assertEquals(watcher.events.at(-1)?.data, { code: "stopping" });
  assertEquals(watcher.isFinished, true);
});

Deno.test("there are only so many watchers, and only so many ranges that cannot be looked up", async () => {
  const ground = new EventGround();
  const watchers: TestWatcher[] = [];
  for (let at = 0; at < RANGE_GROUPS_MAX; at++) {
    watchers.push(await watchEvents(ground, { query: { start: `a${at}`, end: `b${at}` } }));
  }
  await ground.settle();
  assertEquals((await askForEvents(ground, { query: { start: "x", end: "y1" } })).status, 429);
  watchers.push(await watchEvents(ground, { query: { start: "a0", end: "b0" } }));
  while (watchers.length < WATCHERS_MAX) watchers.push(await watchEvents(ground));
  assertEquals((await askForEvents(ground)).status, 429);
  ground.close(...watchers.splice(0, 1));
  watchers.push(await watchEvents(ground));
  ground.close(...watchers);
  assertEquals((await askForEvents(ground, { query: { start: "x", end: "y1" } })).status, 200);
});

Deno.test("when the last watcher has gone nothing is kept going", async () => {
  const ground = new EventGround();
  const watcher = await watchEvents(ground);
  await ground.settle();
  ground.close(watcher);
  const asked = ground.node.asked.length;
  await ground.clock.advance(60_000);
  assertEquals(ground.node.asked.length, asked, "no read is asked for");
  const late = await watchEvents(ground);
  ground.put("a", "1");
  await ground.settle();
  assertEquals(late.brief, ["put a 1 1"]);
  ground.close(late);
});
