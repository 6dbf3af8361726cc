/**
 * The canary: with disks that lie about every sync each run must fail, or the simulator would be injecting nothing. It must
 * fail for what was lost, and not for anything else that is wrong.
 */

import { assert, assertEquals } from "@std/assert";
import { runSeed } from "./run.ts";
import { CANARY } from "./settings.ts";

const SEEDS = 20;
const FIRST = 800_001;
/** Whole runs, which take longer than those that fail. */
const HONEST_SEEDS = 5;
/** A log lacks what was durable; a leader lacks what was committed. Whatever else a loss leads to comes after one of them. */
const LOSSES = ["recovered-log", "leader-completeness"];
/** Where nothing of the log is left, the node itself finds that out. */
const WHOLE_LOG = "the log has no segment, but the node has a term or a snapshot";

Deno.test(`with disks that lie about every sync, ${SEEDS} of ${SEEDS} runs fail for what was lost`, async () => {
  for (let seed = FIRST; seed < FIRST + SEEDS; seed++) {
    const { violation } = await runSeed(seed, { overrides: CANARY });
    assert(violation !== undefined, `seed ${seed} passed on disks that make nothing durable`);
    const { check, message } = violation;
    const isWholeLog = check === "unexpected-end" && message.includes(WHOLE_LOG);
    assert(LOSSES.includes(check) || isWholeLog, `seed ${seed} failed for something else: ${check}: ${message}`);
  }
});

Deno.test(`the same runs on disks that tell the truth pass (${HONEST_SEEDS} of them)`, async () => {
  for (let seed = FIRST; seed < FIRST + HONEST_SEEDS; seed++) {
    const { violation } = await runSeed(seed, { overrides: { ...CANARY, canary: false } });
    assertEquals(violation, undefined, `seed ${seed}`);
  }
});
