/** One seed is one run: every line of its trace is the same each time, whatever ran before in the process. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { runSeed } from "./run.ts";

const SEEDS = 20;
/** Far from the seeds of the gate, so that each adds some. */
const FIRST = 700_001;

async function traceOf(seed: number): Promise<string> {
  const lines: string[] = [];
  await runSeed(seed, { sink: (line) => lines.push(line) });
  return lines.join("\n");
}

Deno.test(`the traces of ${SEEDS} seeds are byte for byte the same when run again`, async () => {
  let before = "";
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const first = await traceOf(seed);
    const second = await traceOf(seed);
    assert(first.length > 10_000, `the trace of seed ${seed} has only ${first.length} characters`);
    if (first !== second) {
      const [a, b] = [first.split("\n"), second.split("\n")];
      const at = a.findIndex((line, index) => line !== b[index]);
      assertEquals(a[at], b[at], `seed ${seed}, line ${at + 1} of the trace`);
    }
    assertNotEquals(first, before);
    before = first;
  }
});
