/** The layer of the simulator: seed after seed until one fails that passes without the planted bug. */

import { type Ended, runDeno } from "./command.ts";
import { type Finding, readSimulator, SIMULATOR } from "./layers.ts";
import type { Workspace } from "./workspace.ts";

/** How many seeds, and how long. */
export interface SimulatorOptions {
  readonly seeds: number;
  readonly firstSeed: number;
  /** For all seeds of one mutation. */
  readonly simulatorMsMax: number;
  readonly signal: AbortSignal;
}

/** What the seeds gave. */
export interface SimulatorResult {
  readonly found: Finding | undefined;
  readonly seedsTried: number;
  /** Seeds that fail without the bug too: they found something else, which is to be mended first. */
  readonly unrelated: readonly Finding[];
}

/** Seeds for one process: few enough that the time limit is looked at now and then. */
const SEEDS_PER_RUN = 100;
/** For one process; a run that does not end is a finding. */
const RUN_LIMIT_MS = 300_000;

/** Runs the seeds in `workspace`. Each that fails is run once more in `control`, the copy without any bug. */
export async function simulate(
  { workspace, control }: { readonly workspace: Workspace; readonly control: Workspace },
  options: SimulatorOptions,
): Promise<SimulatorResult> {
  const unrelated: Finding[] = [];
  let done = 0;
  if (!await workspace.has(SIMULATOR)) return { found: undefined, seedsTried: done, unrelated };
  const end = performance.now() + options.simulatorMsMax;
  while (done < options.seeds && performance.now() < end) {
    const seeds = Math.min(SEEDS_PER_RUN, options.seeds - done);
    const ended = await runSeeds(workspace, { options, first: options.firstSeed + done, seeds });
    const found = readSimulator(ended, done);
    const seedsTried = found?.seeds ?? done + seeds;
    if (found?.seed !== undefined) {
      const without = readSimulator(await runSeeds(control, { options, first: found.seed, seeds: 1 }), done);
      if (without === undefined) return { found, seedsTried, unrelated };
      unrelated.push({ ...without, seed: found.seed });
    } else if (found !== undefined) return { found, seedsTried, unrelated };
    done = seedsTried;
  }
  return { found: undefined, seedsTried: done, unrelated };
}

function runSeeds(
  workspace: Workspace,
  { options, first, seeds }: { readonly options: SimulatorOptions; readonly first: number; readonly seeds: number },
): Promise<Ended> {
  // One job each, so that "the first failing seed" is always the same one.
  const args = ["--seeds", `${seeds}`, "--seed", `${first}`, "--jobs", "1", "--stop"];
  const place = { directory: workspace.root, limitMs: RUN_LIMIT_MS, signal: options.signal };
  return runDeno(["run", "--allow-all", "--no-prompt", SIMULATOR, ...args], place);
}
