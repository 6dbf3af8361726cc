/** Runs as schedules: played again they are the same, and reduced they fail as before with less. */

import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { reduce } from "./reduce.ts";
import { runSeed } from "./run.ts";
import { readSchedule, readStored } from "./schedule.ts";
import { CANARY } from "./settings.ts";

const SEED = 750_006;
/** A seed whose disks lie is caught by what its faults bring about. */
const CANARY_SEED = 750_013;
const RUNS_MAX = 60;

async function traced(seed: number, overrides: Parameters<typeof runSeed>[1]): Promise<readonly [string, string]> {
  const lines: string[] = [];
  const { schedule } = await runSeed(seed, { ...overrides, sink: (line) => lines.push(line) });
  return [schedule, lines.join("\n")];
}

Deno.test("the schedule of a run, played, is that run line by line, and tells the same schedule", async () => {
  const [schedule, trace] = await traced(SEED, {});
  const overrides = readSchedule(schedule);
  assertGreater(overrides.planned?.length ?? 0, 5);
  assertEquals(overrides.seed, SEED);
  const [again, traceAgain] = await traced(SEED, { overrides });
  assertEquals(again, schedule);
  assert(traceAgain === trace, "the trace of the schedule is another one");
});

Deno.test("a failing run is reduced to a schedule with fewer faults that fails by the same check", async () => {
  const first = await runSeed(CANARY_SEED, { overrides: CANARY });
  const before = readSchedule(first.schedule);
  const reduced = await reduce(first, { runsMax: RUNS_MAX });
  const after = readSchedule(reduced?.schedule ?? "");
  assertLess(after.planned?.length ?? Infinity, before.planned?.length ?? 0);
  const { seed, overrides } = readStored(`${reduced?.schedule} syncs that did nothing`);
  const { violation } = await runSeed(seed, { overrides });
  assertEquals(violation?.check, first.violation?.check);
});

Deno.test("a stored line is a seed or a schedule, whatever stands in the reason", () => {
  const whole = { seed: 5, faults: [], sites: [], planned: [], lowered: "write bytes" };
  const { seed, overrides } = readStored(`${JSON.stringify(whole)} text: {"a": 1} was refused`);
  assertEquals([seed, overrides.lowered], [5, "write bytes"]);
  assertEquals(readStored("77 a reason with {braces} in it"), { seed: 77, overrides: {} });
  assertEquals(readStored("77 (no logins) a reason"), { seed: 77, overrides: { logins: false } });
});

Deno.test("a run that does not fail is not reduced", async () => {
  assertEquals(await reduce(await runSeed(SEED), { runsMax: 1 }), undefined);
});

Deno.test("a schedule with faults that there are no more is refused, and so is what is none", () => {
  const whole = { seed: 1, faults: ["disk/full"], sites: [], planned: [[1, "disk/full", 2]] };
  assertEquals(readSchedule(JSON.stringify(whole)).planned, [[1, "disk/full", 2]]);
  for (const change of [{ faults: ["disk/molten"] }, { sites: ["raft/molten"] }, { planned: [[1, "molten", 2]] }]) {
    assertThrows(() => readSchedule(JSON.stringify({ ...whole, ...change })), Error, "molten");
  }
  assertThrows(() => readSchedule('{"seed":1}'), Error, "Not a schedule");
});
