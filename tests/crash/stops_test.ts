/** Power fails after every disk call of every workload, and leaves every subset of what was not synced. */

import { assertEquals, assertGreater, assertGreaterOrEqual } from "@std/assert";
import { type Count, emptyCount, enumerate } from "./enumerate.ts";
import { print } from "./print.ts";
import { REPLAY, SCALE } from "./settings.ts";
import { WORKLOADS } from "./workloads.ts";

/** Lower bounds over all workloads, at `CRASH_SCALE=1`. */
const LEAST: Count = {
  stops: 1_400,
  operations: 6_500,
  states: 120_000,
  images: 16_000,
  used: 1_200,
  recoveryStops: 6_000,
  recoveryStates: 2_200,
  killed: 1_400,
  killedStates: 9_000,
};

Deno.test("a crash after any disk call leaves what was acknowledged, nothing invented, and a directory to go on with", async (t) => {
  const total = emptyCount();
  for (const workload of WORKLOADS) {
    await t.step(workload.name, async () => {
      const count = emptyCount();
      await enumerate(workload, count);
      if (REPLAY === undefined) assertGreaterOrEqual(count.stops, workload.stopsMin);
      for (const key of Object.keys(count) as (keyof Count)[]) total[key] += count[key];
      if (count.stops > 0) print(workload.name, count);
    });
  }
  print("all workloads", total);
  if (REPLAY !== undefined) return assertGreater(total.states + total.killed, 0, "There is no such state to replay");
  if (SCALE < 1) return;
  for (const key of Object.keys(LEAST) as (keyof Count)[]) assertGreaterOrEqual(total[key], LEAST[key], key);
});

Deno.test("the names of workloads are different, since a replay goes by them", () => {
  assertEquals(new Set(WORKLOADS.map(({ name }) => name)).size, WORKLOADS.length);
});
