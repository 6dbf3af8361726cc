/** When the heap of a process is collected, and when it is left alone. */

import { assert, assertEquals } from "@std/assert";
import {
  collectedProcess,
  IDLE_GROWTH_BYTES_MIN,
  IDLE_HEAP_BYTES_MAX,
  IDLE_LOOK_MS,
  IDLE_LOOKS,
  IDLE_PROCESSOR_SHARE,
  IdleCollector,
} from "../../../lib/cluster/idle_collector.ts";
import { V8_FLAGS } from "../../../lib/cluster/own_program.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

const MIB = 1_048_576;
/** What the program beside this one lets go of is more than that. */
const GIVEN_BACK_MIB = 16;
const LEFT_BYTES = 30 * MIB;

/** A process whose load and heap a test sets. */
class Pretended {
  /** Of one processor. */
  load = 0;
  heapTotal = LEFT_BYTES;
  heapUsed = LEFT_BYTES;
  collections = 0;
  readonly clock = new VirtualClock();
  readonly collector = new IdleCollector({
    processorMs: () => this.#processorMs,
    heap: () => this,
    collect: () => {
      this.collections += 1;
      this.heapTotal = LEFT_BYTES;
      this.heapUsed = LEFT_BYTES;
    },
  }, this.clock);
  #processorMs = 0;

  /** Lets so many looks pass. */
  async looks(count: number): Promise<void> {
    for (let look = 0; look < count; look++) {
      this.#processorMs += this.load * IDLE_LOOK_MS;
      await this.clock.advance(IDLE_LOOK_MS);
    }
  }

  async busyThenIdle(): Promise<void> {
    this.load = 1;
    await this.looks(1);
    this.load = 0;
    await this.looks(IDLE_LOOKS);
  }
}

Deno.test("the heap is collected when the process has been idle for four looks in a row, and once only until it has grown", async () => {
  const pretended = new Pretended();
  const { collector } = pretended;
  pretended.heapTotal = LEFT_BYTES + IDLE_GROWTH_BYTES_MIN;
  collector.start();
  pretended.load = IDLE_PROCESSOR_SHARE;
  await pretended.looks(3 * IDLE_LOOKS);
  assertEquals(pretended.collections, 0);
  pretended.load = IDLE_PROCESSOR_SHARE / 2;
  await pretended.looks(IDLE_LOOKS - 1);
  pretended.load = 1;
  await pretended.looks(1);
  pretended.load = 0;
  await pretended.looks(IDLE_LOOKS - 1);
  assertEquals(pretended.collections, 0);
  await pretended.looks(1);
  assertEquals(pretended.collections, 1);
  pretended.heapTotal = LEFT_BYTES + IDLE_GROWTH_BYTES_MIN - 1;
  await pretended.busyThenIdle();
  assertEquals(pretended.collections, 1);
  pretended.heapTotal += 1;
  await pretended.busyThenIdle();
  assertEquals(pretended.collections, 2);
  // What it allocates by itself is no reason.
  pretended.heapTotal += IDLE_GROWTH_BYTES_MIN;
  await pretended.looks(3 * IDLE_LOOKS);
  assertEquals(pretended.collections, 2);
  collector.stop();
  await pretended.busyThenIdle();
  assertEquals(pretended.collections, 2);
});

Deno.test("a heap with more than 128 MiB in use is not collected: nothing else would run for too long", async () => {
  const pretended = new Pretended();
  pretended.heapTotal = 2 * IDLE_HEAP_BYTES_MAX;
  pretended.heapUsed = IDLE_HEAP_BYTES_MAX + 1;
  pretended.collector.start();
  await pretended.looks(3 * IDLE_LOOKS);
  assertEquals(pretended.collections, 0);
  pretended.heapUsed -= 1;
  await pretended.busyThenIdle();
  assertEquals(pretended.collections, 1);
  pretended.collector.stop();
});

Deno.test("a process without the flag of V8 is left to V8", () => {
  assert(!("gc" in globalThis));
  assertEquals(collectedProcess(), undefined);
});

Deno.test("with the flags of a server the heap of a process is collected, and its memory given back", async () => {
  const program = new URL("./collected_program.ts", import.meta.url).pathname;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--quiet", "--no-prompt", "--no-check", V8_FLAGS, "--allow-read", program],
  }).output();
  assertEquals(new TextDecoder().decode(stderr), "");
  const { before, after, isBusy } = JSON.parse(new TextDecoder().decode(stdout));
  assert(isBusy);
  for (const what of ["heapTotal", "rss"]) {
    const [from, to] = [before[what] / MIB, after[what] / MIB];
    assert(to < from - GIVEN_BACK_MIB, `${what}: ${from.toFixed(0)} MiB before, ${to.toFixed(0)} MiB after`);
  }
});
