/** The dashboard's frames: what is in them, when they come, and what bounds them. */

import { assert, assertEquals, assertLess } from "@std/assert";
import type { Clock } from "../../../lib/base/clock.ts";
import type { MemberView, NodeStatus } from "../../../lib/node/api.ts";
import { METRIC } from "../../../lib/observe/names.ts";
import { Histogram } from "../../../lib/observe/metrics.ts";
import type { BodySink, BodyStream } from "../../../lib/http/http.ts";
import { FRAME_LOG_TEXT_MAX } from "../../../lib/http/live/frame_maker.ts";
import { Happenings, HAPPENINGS_MAX, LOOK_MS } from "../../../lib/http/live/happenings.ts";
import { IntervalQuantiles } from "../../../lib/http/live/interval_quantiles.ts";
import { FRAME_MS, LIVE_UNSENT_BYTES_MAX, LIVE_WATCHERS_MAX } from "../../../lib/http/live/live_hub.ts";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import { FakeNode } from "../../support/fake_node.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { ask, type Service, serviceOf } from "./support/ask.ts";

/** A watcher that reads at once unless it is told not to. */
class Watcher implements BodySink {
  unsentBytes = 0;
  text = "";
  send(bytes: string): void {
    this.text += bytes;
  }
  finish(): void {}
  abort(): void {}
  get frames(): readonly Readonly<Record<string, unknown>>[] {
    return Array.from(this.text.matchAll(/^data: (.*)$/gm), ([, json = ""]) => JSON.parse(json));
  }
}

async function watch(
  { handler }: Service,
): Promise<{ readonly stream: BodyStream; readonly watcher: Watcher } | number> {
  const request = { method: "GET", path: "/v1/live", query: "", headers: new Map(), body: "", remote: "", id: "r" };
  const { body, status } = await handler.handle(request);
  if (typeof body === "string") return status;
  const watcher = new Watcher();
  body.opened(watcher);
  return { stream: body, watcher };
}

async function opened(service: Service): Promise<{ readonly stream: BodyStream; readonly watcher: Watcher }> {
  const watching = await watch(service);
  assert(typeof watching !== "number");
  return watching;
}

Deno.test("live: a frame at once and then one a second, the same for all, none when nobody looks", async () => {
  const service = serviceOf(new FakeNode());
  const first = await opened(service);
  assertEquals(first.watcher.frames.length, 1);
  await service.clock.advance(FRAME_MS / 2);
  const second = await opened(service);
  assertEquals([first.watcher.frames.length, second.watcher.frames.length], [1, 1]);
  await service.clock.advance(FRAME_MS / 2);
  assertEquals(first.watcher.frames[1], second.watcher.frames[1]);
  second.stream.closed();
  await service.clock.advance(FRAME_MS);
  assertEquals([first.watcher.frames.length, second.watcher.frames.length], [3, 2]);
  first.stream.closed();
  await service.clock.advance(10 * FRAME_MS);
  assertEquals(first.watcher.frames.length, 3);
  const again = await opened(service);
  assertEquals(again.watcher.frames.length, 1);
  again.stream.closed();
});

Deno.test("live: what a frame holds", async () => {
  const node = new FakeNode();
  node.logLines = [{ id: { index: toIndex(7), term: toTerm(2) }, text: "é".repeat(500) }];
  const { watcher, stream } = await opened(serviceOf(node));
  stream.closed();
  const frame = JSON.parse(
    new TextDecoder().decode(
      Uint8Array.from(watcher.text.split("data: ")[1] ?? "", (character) => character.charCodeAt(0)),
    ),
  );
  assert(/^[0-9a-f]{32}$/.test(frame.token));
  assertEquals([frame.launcher, frame.node.id, frame.node.leader, frame.node.term], [false, 0, 0, 3]);
  assertEquals(frame.members.map(({ id }: { id: number }) => id), [0, 1, 2]);
  assertEquals(frame.quantiles, {
    command_p99: null,
    http_p99: null,
    fsync_p50: null,
    fsync_p99: null,
    loop_lag_p99: null,
  });
  assertEquals(frame.log, [{ index: 7, term: 2, text: `${"é".repeat(FRAME_LOG_TEXT_MAX)}...` }]);
  assertEquals(frame.happenings.map(({ text }: { text: string }) => text), [
    "Node 0 started, with a snapshot up to entry 10",
    "Node 0 leads in term 3",
  ]);
  assert(frame.memory.rss > 0);
});

Deno.test("live: the token of a frame is the one that is asked for", async () => {
  const service = serviceOf(new FakeNode());
  const { watcher, stream } = await opened(service);
  stream.closed();
  const token = String(watcher.frames[0]?.["token"]);
  const origin = "http://127.0.0.1:8000";
  const put = (headers: Record<string, string>) => ask(service, "PUT /v1/kv/a", { headers: { origin, ...headers } });
  assertEquals((await put({})).code, "bad_token");
  assertEquals((await put({ "x-kv-token": token })).status, 201);
});

Deno.test("live: watchers are bounded, and one that does not read misses frames", async () => {
  const service = serviceOf(new FakeNode());
  const open: BodyStream[] = [];
  const slow = await opened(service);
  slow.watcher.unsentBytes = LIVE_UNSENT_BYTES_MAX + 1;
  open.push(slow.stream);
  while (open.length < LIVE_WATCHERS_MAX) open.push((await opened(service)).stream);
  assertEquals(await watch(service), 429);
  await service.clock.advance(5 * FRAME_MS);
  assertEquals(slow.watcher.frames.length, 1);
  open.pop()?.closed();
  open.push((await opened(service)).stream);
  for (const stream of open) stream.closed();
});

Deno.test("live: quantiles are those of the time since the last look", () => {
  const histogram = new Histogram();
  histogram.record(5);
  const quantiles = new IntervalQuantiles(histogram);
  assertEquals(quantiles.take([0.5]), [null]);
  for (let count = 0; count < 98; count++) histogram.record(0.001);
  histogram.record(0.1);
  histogram.record(0.1);
  const [median = null, high = null] = quantiles.take([0.5, 0.99]);
  assert(median !== null && high !== null);
  assertLess(Math.abs(median / 0.001 - 1), 0.25);
  assertLess(Math.abs(high / 0.1 - 1), 0.25);
  assertEquals(quantiles.take([0.5]), [null]);
  histogram.record(1e9);
  assert((quantiles.take([0.5])[0] ?? 0) > 10);
});

/** What a recorder looks at, as a test sets it. */
class Looked {
  readonly id = 0;
  raft = new FakeNode().status().raft;
  reachable = [true, true, true];
  uptimeMs = 0;
  status(): NodeStatus {
    return { ...new FakeNode().status(), raft: this.raft, uptimeMs: this.uptimeMs };
  }
  members(): readonly MemberView[] {
    const members = new FakeNode().members();
    return members.map((member) => ({ ...member, reachable: this.reachable[member.id] ?? false }));
  }
}

/** A recorder that runs, on a wall clock that is 1 000 000 ahead of the virtual one. */
function recording(): { readonly node: Looked; readonly clock: VirtualClock; readonly happenings: Happenings } {
  const [node, clock] = [new Looked(), new VirtualClock()];
  const happenings = new Happenings({ node, clock, wallClockMs: () => 1_000_000 + clock.now() });
  return { node, clock, happenings };
}

const told = ({ list }: Happenings) => list.map(({ at, type, text }) => `${at - 1_000_000} ${type}: ${text}`);

Deno.test("live: what happens is recorded with its time although nobody looks", async () => {
  const { node, clock, happenings } = recording();
  node.uptimeMs = 40;
  node.raft = { ...node.raft, leaderId: undefined };
  happenings.start();
  await clock.advance(20 * LOOK_MS + 1);
  node.raft = { ...node.raft, leaderId: 2, currentTerm: toTerm(4) };
  await clock.advance(20 * LOOK_MS);
  node.raft = { ...node.raft, leaderId: undefined, currentTerm: toTerm(5) };
  node.reachable = [true, false, false];
  await clock.advance(20 * LOOK_MS);
  node.reachable = [true, true, false];
  node.raft = { ...node.raft, leaderId: 1, snapshot: { index: toIndex(20), term: toTerm(4) } };
  await clock.advance(600 * LOOK_MS);
  happenings.stop();
  node.raft = { ...node.raft, currentTerm: toTerm(9) };
  await clock.advance(20 * LOOK_MS);
  assertEquals(told(happenings), [
    "-40 started: Node 0 started, with a snapshot up to entry 10",
    "2100 election: Term 4 began",
    "2100 leader: Node 2 leads in term 4",
    "4100 election: Term 5 began",
    "4100 lost: Node 0 knows no leader",
    "4100 unreachable: Node 0 lost node 1",
    "4100 unreachable: Node 0 lost node 2",
    "6100 leader: Node 1 leads in term 5",
    "6100 snapshot: Node 0 has a snapshot up to entry 20",
    "6100 reachable: Node 0 reaches node 1",
  ]);
});

Deno.test("live: a node that led and leads again in another term says so", async () => {
  const { node, clock, happenings } = recording();
  happenings.start();
  node.raft = { ...node.raft, currentTerm: toTerm(4) };
  await clock.advance(LOOK_MS);
  happenings.stop();
  assertEquals(told(happenings).slice(-2), ["100 election: Term 4 began", "100 leader: Node 0 leads in term 4"]);
});

Deno.test("live: a process that stood still knows for how long, and the record is bounded", async () => {
  const { node, clock, happenings } = recording();
  // Nothing moves this clock but the test: a look that is due at 100 and comes at 12 500 was held up.
  happenings.start();
  const slow = new Happenings({ node, clock: lateClock(clock, 12_500), wallClockMs: () => 1_000_000 + clock.now() });
  slow.start();
  await clock.advance(12_500);
  assertEquals(told(slow).at(-1), "12500 stalled: Node 0 stood still for 12.5 s");
  assertEquals(happenings.list.some(({ type }) => type === "stalled"), false);
  slow.stop();
  for (let term = 5; term < 600; term++) {
    node.raft = { ...node.raft, currentTerm: toTerm(term) };
    await clock.advance(LOOK_MS);
  }
  happenings.stop();
  assertEquals(happenings.list.length, HAPPENINGS_MAX);
});

/** A clock whose timers fire no earlier than after `delayMs`. */
function lateClock(clock: VirtualClock, delayMs: number): Clock {
  return {
    now: () => clock.now(),
    after: (ms, action) => clock.after(Math.max(ms, delayMs), action),
    endOfTurn: (action) => clock.endOfTurn(action),
  };
}

Deno.test("live: a frame's latencies come from what was recorded", async () => {
  const node = new FakeNode();
  const service = serviceOf(node);
  const { watcher, stream } = await opened(service);
  node.metrics.histogram(METRIC.walSyncSeconds).record(0.002);
  await service.clock.advance(FRAME_MS);
  stream.closed();
  const { fsync_p99: high } = watcher.frames[1]?.["quantiles"] as { readonly fsync_p99: number };
  assertLess(Math.abs(high / 0.002 - 1), 0.25);
});
