/** The dashboard's frames: what is in them, when they come, and what bounds them. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { METRIC } from "../../../../lib/observe/names.ts";
import { Histogram } from "../../../../lib/observe/metrics.ts";
import type { BodySink, BodyStream } from "../../../../lib/protocol/http/http.ts";
import { FRAME_LOG_TEXT_MAX } from "../../../../lib/protocol/http/live/frame_maker.ts";
import { Happenings, HAPPENINGS_MAX } from "../../../../lib/protocol/http/live/happenings.ts";
import { IntervalQuantiles } from "../../../../lib/protocol/http/live/interval_quantiles.ts";
import { FRAME_MS, LIVE_UNSENT_BYTES_MAX, LIVE_WATCHERS_MAX } from "../../../../lib/protocol/http/live/live_hub.ts";
import { toIndex, toTerm } from "../../../../lib/raft/types.ts";
import { FakeNode } from "../../../support/fake_node.ts";
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
    "Node 0 leads in term 3",
    "Snapshot up to entry 10",
    "Node 2 is not reachable",
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

Deno.test("live: what happened is found by looking again, and bounded", () => {
  const happenings = new Happenings();
  const { raft } = new FakeNode().status();
  const members = new FakeNode().members();
  happenings.look({ raft, members, nowMs: 1 });
  happenings.look({ raft, members, nowMs: 2 });
  const begun = happenings.list.length;
  const unreachable = members.map((member) => ({ ...member, reachable: false }));
  happenings.look({ raft: { ...raft, currentTerm: toTerm(4), leaderId: undefined }, members: unreachable, nowMs: 3 });
  assertEquals(happenings.list.slice(begun).map(({ type, text }) => `${type}: ${text}`), [
    "election: Term 4 began",
    "lost: No leader is known",
    "unreachable: Node 0 is not reachable",
    "unreachable: Node 1 is not reachable",
  ]);
  for (let term = 5; term < 300; term++) {
    happenings.look({ raft: { ...raft, currentTerm: toTerm(term) }, members, nowMs: term });
  }
  assertEquals(happenings.list.length, HAPPENINGS_MAX);
});

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
