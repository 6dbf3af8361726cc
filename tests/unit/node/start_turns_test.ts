/** A node that starts gives few turns of the event loop away, and one that serves gives all of them. */

import { assert, assertEquals, assertGreaterOrEqual, assertLessOrEqual } from "@std/assert";
import type { Clock, Timer } from "../../../lib/base/clock.ts";
import { installFaults } from "../../../lib/base/faults.ts";
import { jsonBlock, KeyBlock } from "../../../lib/kv/snapshot_blocks.ts";
import { SNAPSHOT_FORMAT } from "../../../lib/kv/snapshot_cut.ts";
import { SNAPSHOT_SLICE_MS, START_SLICE_MS } from "../../../lib/node/limits.ts";
import { loadState } from "../../../lib/node/snapshots/load_state.ts";
import { StartTurns } from "../../../lib/node/start_turns.ts";
import { Span } from "../../../lib/store/span.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** Each look at it takes a millisecond; a timer begins a turn. */
class LookedAtClock implements Clock {
  turns = 0;
  ms = 0;

  now(): number {
    return this.ms += 1;
  }

  after(_delayMs: number, action: () => void): Timer {
    this.turns += 1;
    queueMicrotask(action);
    return { cancel: () => {} };
  }

  endOfTurn(action: () => void): void {
    queueMicrotask(action);
  }
}

/** The blocks of a state with a key in each. */
function blocksOf(keys: number): Uint8Array[] {
  const blocks = [jsonBlock({ format: SNAPSHOT_FORMAT, lastApplied: keys, timeMs: 0 })];
  const block = new KeyBlock();
  for (let at = 1; at <= keys; at++) {
    const key = Span.of(new TextEncoder().encode(`key ${at}`));
    block.add({ key, value: key, createRevision: at, revision: at, version: 1, deadline: 0 });
    blocks.push(block.take().slice());
  }
  return blocks;
}

Deno.test("a state is loaded with a turn every 50 ms while a node starts, and every 3 ms while one serves", async () => {
  const blocks = blocksOf(1_000);
  const turnsIn = async (sliceMs?: number) => {
    const clock = new LookedAtClock();
    const parts = { clock, seed: [1, 2] as const, directory: "/data", ...(sliceMs === undefined ? {} : { sliceMs }) };
    assertEquals((await loadState({ blocks: () => blocks }, parts)).size, 1_000);
    return clock.ms / clock.turns;
  };
  assertLessOrEqual(await turnsIn(), SNAPSHOT_SLICE_MS + 2);
  const starting = await turnsIn(START_SLICE_MS);
  assert(starting >= START_SLICE_MS && starting <= START_SLICE_MS + 2, `${starting} ms`);
});

Deno.test("pauses of a node that starts are turns only every 50 ms; once it has started, each of them is one", async () => {
  const clock = new LookedAtClock();
  const turns = new StartTurns(clock);
  for (let at = 0; at < 1_000; at++) await turns.pause();
  assertGreaterOrEqual(clock.ms / clock.turns, START_SLICE_MS);
  assertLessOrEqual(clock.ms / clock.turns, START_SLICE_MS + 2);
  turns.started();
  const before = clock.turns;
  for (let at = 0; at < 100; at++) await turns.pause();
  assertEquals(clock.turns - before, 100);
});

/** Counts the turns that a server of a cluster in memory asks for from now on. Each look at its clock takes a millisecond. */
function countTurns(cluster: MemoryCluster): () => number {
  const { clock } = cluster.server(0);
  assert(clock !== undefined);
  const now = clock.now.bind(clock);
  const after = clock.after.bind(clock);
  let turns = 0;
  let looks = 0;
  clock.now = () => now() + (looks += 1);
  clock.after = (delayMs, action) => {
    if (delayMs === 0) turns += 1;
    return after(delayMs, action);
  };
  return () => turns;
}

Deno.test("the verification of a snapshot and its load are a few pieces for a node that starts, and many for one that serves", async () => {
  const keys = 30;
  const cluster = new MemoryCluster(1, 7);
  await cluster.start();
  await cluster.leader();
  for (let at = 0; at < keys; at++) await cluster.put(0, `k${at}`, "v");
  installFaults((site) => site === "kv/blockOfOneKey" || site === "storage/verifiedInSlices");
  try {
    const serving = countTurns(cluster);
    let isTaken = false;
    const taking = cluster.node(0).takeSnapshot().finally(() => isTaken = true);
    await cluster.clock.until(() => isTaken, 10_000, "the snapshot is taken");
    assertEquals((await taking).type, "Created");
    assertGreaterOrEqual(serving(), keys);
    cluster.server(0).kill();
    cluster.server(0).start();
    const starting = countTurns(cluster);
    await cluster.clock.until(() => cluster.server(0).state === "Running", 10_000, "the node starts");
    // Each block is verified, read and loaded: three steps.
    assertLessOrEqual(starting(), 3 * keys / START_SLICE_MS + 2);
    assertEquals(cluster.node(0).status().keys, keys);
  } finally {
    installFaults(undefined);
  }
});
