/** The budget alone: what it takes at which line, and what it says. */

import { assertEquals, assertThrows } from "@std/assert";
import { MemoryLimitError } from "../../../lib/base/errors.ts";
import { MEMORY_RETRY_MS } from "../../../lib/node/limits.ts";
import { MemoryBudget } from "../../../lib/node/memory/memory_budget.ts";
import { CommandGrowth } from "../../../lib/kv/command_growth.ts";

const MIB = 2 ** 20;

class Bench {
  readonly lines: string[] = [];
  readonly budget: MemoryBudget;
  readonly state = { heldBytes: 0 };
  readonly log = { heldBytes: 0 };

  constructor(limitBytes: number) {
    this.budget = new MemoryBudget(limitBytes, (level, message) => void this.lines.push(`${level}: ${message}`));
    this.budget.count([this.state, this.log]);
  }

  /** State and log hold so much in MiB. */
  hold(state: number, log = 0): this {
    this.state.heldBytes = state * MIB;
    this.log.heldBytes = log * MIB;
    this.budget.measure();
    this.budget.look();
    return this;
  }

  admits(bytes: number, { isDenied = true, promised = 0 } = {}): boolean {
    return this.budget.admits(Object.assign(new CommandGrowth(), { bytes, isDenied }), promised);
  }
}

Deno.test("what adds is taken up to the limit: with what is in use, what was promised before it, and the most that it may add", () => {
  const bench = new Bench(100 * MIB).hold(60, 30);
  assertEquals(bench.budget.usedBytes, 90 * MIB);
  assertEquals([bench.admits(10 * MIB), bench.admits(10 * MIB + 1)], [true, false]);
  assertEquals(bench.admits(10 * MIB, { promised: 1 }), false);
  assertEquals(bench.admits(4 * MIB, { promised: 6 * MIB }), true);
});

Deno.test("at the limit what Redis takes goes on up to the reserve, and what adds nothing always", () => {
  const bench = new Bench(100 * MIB).hold(100);
  assertEquals([bench.admits(1), bench.admits(25 * MIB, { isDenied: false })], [false, true]);
  assertEquals(bench.admits(25 * MIB + 1, { isDenied: false }), false);
  bench.hold(500);
  assertEquals([bench.admits(1, { isDenied: false }), bench.admits(0)], [false, true]);
});

Deno.test("without a limit everything is taken, and nothing is said", () => {
  const bench = new Bench(Infinity).hold(1_000_000);
  assertEquals([bench.admits(2 ** 40), bench.budget.isBeyond, bench.lines], [true, false, []]);
  bench.budget.checkFits("a snapshot", 2 ** 50);
});

Deno.test("that memory is short is said once for each time that it becomes so, not for each time around the line", () => {
  const bench = new Bench(100 * MIB);
  for (const held of [79, 80, 90, 79, 81, 71, 85]) bench.hold(held);
  const short = "warn: Memory is short: 80.0 MiB of 100.0 MiB are in use; at the limit writes that add are refused";
  assertEquals(bench.lines, [short]);
  for (const held of [69, 75, 80]) bench.hold(held);
  assertEquals(bench.lines.slice(1), ["info: Memory is no longer short: 69.0 MiB of 100.0 MiB are in use", short]);
});

Deno.test("a node beyond its reserve says once that it stays out, and when it is back", () => {
  const bench = new Bench(100 * MIB);
  for (const held of [125, 126, 130, 125]) bench.hold(held);
  assertEquals(bench.lines.slice(1), [
    "error: This node stays out until it holds less or has a higher --memory-limit: 126.0 MiB of 100.0 MiB are in use",
    "info: This node takes entries of a leader again: 125.0 MiB of 100.0 MiB are in use",
  ]);
});

Deno.test("entries of a leader are taken until they use the reserve up, in the log and in the state, although nothing is measured meanwhile", () => {
  const { budget } = new Bench(100 * MIB).hold(120);
  assertEquals([budget.takes(2 * MIB), budget.takes(MIB), budget.takes(1)], [true, true, false]);
  budget.measure();
  assertEquals(budget.takes(1), true);
});

Deno.test("a snapshot longer than limit and reserve is refused before it is loaded, and not received again at once", () => {
  const { budget } = new Bench(100 * MIB);
  budget.checkFits("a snapshot", 125 * MIB);
  assertThrows(
    () => budget.checkFits("the snapshot in /data", 125 * MIB + 1),
    MemoryLimitError,
    "Cannot load the snapshot in /data: it does not fit into the memory limit of 100.0 MiB; raise --memory-limit",
  );
  assertEquals(budget.mayReceive(0), true);
  budget.putOffSnapshots(5);
  assertEquals([budget.mayReceive(4 + MEMORY_RETRY_MS), budget.mayReceive(5 + MEMORY_RETRY_MS)], [false, true]);
});
