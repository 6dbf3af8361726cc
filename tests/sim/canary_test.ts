/** The canary: with disks that lie about every sync each run must fail, or the simulator would be injecting nothing. */

import { assertNotEquals } from "@std/assert";
import { runSeed } from "./run.ts";
import { CANARY } from "./settings.ts";

const SEEDS = 20;
const FIRST = 800_001;

Deno.test(`with disks that lie about every sync, ${SEEDS} of ${SEEDS} runs fail`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await runSeed(seed, { overrides: CANARY });
    assertNotEquals(violation, undefined, `seed ${seed} passed on disks that make nothing durable`);
  }
});
