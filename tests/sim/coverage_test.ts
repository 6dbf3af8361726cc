/** The coverage gate: every command that a client can send is in the workload of the simulator. */

import { assertEquals, assertGreater } from "@std/assert";
import { runSeed } from "./run.ts";
import { WANTED_OPERATIONS } from "./wanted.ts";

const SEEDS = 30;
const FIRST = 900_001;

Deno.test("every command and call of the state machine, and every command of the text protocol, is done in simulated runs", async () => {
  const done = new Map<string, number>();
  let removed = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const result = await runSeed(seed);
    assertEquals(result.violation, undefined, `seed ${seed}`);
    removed += result.faults.find(([name]) => name === "operator/remove")?.[1] ?? 0;
    for (const [name, count] of result.done) done.set(name, (done.get(name) ?? 0) + count);
  }
  assertGreater(removed, 0, "no run has removed a server");
  // A command without an entry in the table of shares does not compile; here it is seen to be done.
  for (const name of WANTED_OPERATIONS) assertGreater(done.get(name) ?? 0, 0, `no run has done ${name}`);
});
