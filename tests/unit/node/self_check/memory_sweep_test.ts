/** How the sweep divides its time: slices, pauses, a share of the processor, and a whole pass within minutes. */

import { assert, assertEquals } from "@std/assert";
import type { StateMachine } from "../../../../lib/kv/state_machine.ts";
import { SWEEP_PASS_MS_MIN, SWEEP_PAUSE_MS, SWEEP_SHARE, SWEEP_SLICE_MS } from "../../../../lib/node/limits.ts";
import { MemorySweep } from "../../../../lib/node/self_check/memory_sweep.ts";
import { Registry } from "../../../../lib/observe/metrics.ts";
import { ZERO_ENTRY_ID } from "../../../../lib/raft/types.ts";
import { emptyState } from "../../../support/state.ts";

const TICK_MS = 10;

/** A sweep of parts that take `partMs` each, and how often each was looked at. */
class Bench {
  nowMs = 0;
  usedMs = 0;
  readonly seen = new Map<number, number>();
  readonly log: string[] = [];
  damaged = -1;
  readonly applied = { state: this.makeState(), id: ZERO_ENTRY_ID };
  readonly sweep: MemorySweep;

  constructor(readonly partMs: number) {
    this.sweep = new MemorySweep({
      clock: { now: () => this.nowMs },
      applied: this.applied,
      metrics: new Registry(),
      log: (level, message) => void this.log.push(`${level} ${message}`),
    });
  }

  makeState(): StateMachine {
    const state = emptyState();
    const sweep = {
      buckets: state.memorySweep.buckets,
      isSound: (bucket: number) => {
        this.nowMs += this.partMs;
        this.usedMs += this.partMs;
        this.seen.set(bucket, (this.seen.get(bucket) ?? 0) + 1);
        return bucket !== this.damaged;
      },
    };
    return Object.defineProperty(state, "memorySweep", { value: sweep });
  }

  /** Ticks for so long; gives the longest time that one of them took. */
  run(ms: number): number {
    let longest = 0;
    for (const end = this.nowMs + ms; this.nowMs < end; this.nowMs += TICK_MS) {
      const before = this.nowMs;
      this.sweep.look();
      longest = Math.max(longest, this.nowMs - before);
    }
    return longest;
  }
}

Deno.test("every part is looked at within the shortest pass where there is little, and none twice before the others", () => {
  const bench = new Bench(0.01);
  const { buckets } = bench.applied.state.memorySweep;
  bench.run(SWEEP_PASS_MS_MIN / 2);
  assert(bench.seen.size <= buckets / 2 + 1, `${bench.seen.size} of ${buckets}`);
  bench.run(SWEEP_PASS_MS_MIN);
  assertEquals(bench.seen.size, buckets);
  assert(Math.max(...bench.seen.values()) - Math.min(...bench.seen.values()) <= 1);
});

Deno.test("of ten minutes it takes its share of the time and looks at all, in slices that end behind the part they are at", () => {
  const MINUTES_10 = 600_000;
  const bench = new Bench(MINUTES_10 * SWEEP_SHARE / 4_096 * 0.9);
  const longest = bench.run(MINUTES_10);
  assert(longest < SWEEP_SLICE_MS + bench.partMs + 1e-6, `${longest} ms`);
  assert(bench.usedMs <= SWEEP_SHARE * MINUTES_10 * 1.05, `${bench.usedMs} ms`);
  assertEquals(bench.seen.size, bench.applied.state.memorySweep.buckets);
});

Deno.test("parts that take long are followed by longer pauses", () => {
  const bench = new Bench(20);
  bench.run(100_000);
  assert(bench.usedMs <= 1.1 * SWEEP_SHARE * bench.nowMs, `${bench.usedMs} of ${bench.nowMs} ms`);
  assert(bench.usedMs >= 0.5 * SWEEP_SHARE * bench.nowMs);
});

Deno.test("damage is told once, and a state in its place is looked at from the beginning", () => {
  const bench = new Bench(0.01);
  bench.damaged = 2;
  bench.run(10 * SWEEP_PAUSE_MS);
  assertEquals(bench.log.length, 1);
  assert(bench.log[0]?.startsWith("error The memory of this node does not hold what was written there: part 2 of "));
  assert(bench.sweep.foundAt !== undefined);
  const seen = bench.seen.get(0);
  bench.damaged = -1;
  bench.applied.state = bench.makeState();
  assertEquals(bench.sweep.foundAt, undefined);
  bench.run(10 * SWEEP_PAUSE_MS);
  assertEquals(bench.seen.get(0), (seen ?? 0) + 1);
  assertEquals(bench.log.length, 1);
});
