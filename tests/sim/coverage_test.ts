/** The coverage gate: every command that a client can send is in the workload of the simulator. */

import { assertEquals, assertGreater } from "@std/assert";
import type { FaultClass } from "./faults.ts";
import { runSeed } from "./run.ts";
import { WANTED_OPERATIONS } from "./wanted.ts";

const SEEDS = 30;
const FIRST = 900_101;
/** Faults that count only where a run came to feel them. */
const AWAITED_FAULTS: readonly FaultClass[] = [
  "operator/remove",
  "operator/add",
  "operator/drain",
  "operator/move",
  "operator/replace",
  "operator/early-change",
  "operator/program",
  "network/late-answers",
  "network/overtaken-leader",
];

Deno.test("every command and call of the state machine, and every command of the text protocol, is done in simulated runs", async () => {
  const done = new Map<string, number>();
  const faults = new Map<string, number>();
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const result = await runSeed(seed);
    assertEquals(result.violation, undefined, `seed ${seed}`);
    for (const [name, count] of result.faults) faults.set(name, (faults.get(name) ?? 0) + count);
    for (const [name, count] of result.done) done.set(name, (done.get(name) ?? 0) + count);
  }
  for (const name of AWAITED_FAULTS) assertGreater(faults.get(name) ?? 0, 0, `no run has felt ${name}`);
  // A command without an entry in the table of shares does not compile; here it is seen to be done.
  for (const name of WANTED_OPERATIONS) assertGreater(done.get(name) ?? 0, 0, `no run has done ${name}`);
});
