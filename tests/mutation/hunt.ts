/** Looks for one planted bug: layer by layer, until one finds it. */

import { runDeno } from "./command.ts";
import { type Finding, type LayerName, readTests, TEST_LAYERS } from "./layers.ts";
import { type Mutation, StalePatchError } from "./mutation.ts";
import { simulate, type SimulatorOptions, type SimulatorResult } from "./simulator.ts";
import type { Workspace } from "./workspace.ts";

/** How long and how widely to look. */
export interface HuntOptions extends SimulatorOptions {
  /** The layers to ask. */
  readonly layers: ReadonlySet<LayerName>;
  /** Also ask the layers after the one that found it. */
  readonly allLayers: boolean;
}

/** What became of one mutation. */
export interface Verdict {
  readonly mutation: Mutation;
  /** In the order of the layers; empty when nothing found it. */
  readonly findings: readonly Finding[];
  /** Seeds that the simulator ran. */
  readonly seedsTried: number;
  /** Seeds that fail without the bug too. */
  readonly unrelated: readonly Finding[];
  /** Why it could not be planted. */
  readonly problem: string | undefined;
}

/** A copy to break, and one that is whole. */
export interface Copies {
  readonly workspace: Workspace;
  readonly control: Workspace;
}

/** For the type check and for one layer of tests: many times what they need. */
const CHECK_LIMIT_MS = 180_000;
const TESTS_LIMIT_MS = 600_000;
/** Of the unmutated tree; the seeds that find a bug are run on it as well. */
const CONTROL_SEEDS = 100;

/** Plants `mutation` in the workspace, looks for it, and makes the workspace whole again. */
export async function hunt(mutation: Mutation, copies: Copies, options: HuntOptions): Promise<Verdict> {
  const { workspace } = copies;
  const { signal } = options;
  const nothing = { mutation, findings: [], seedsTried: 0, unrelated: [] };
  try {
    const files = await workspace.plant(mutation);
    const place = { directory: workspace.root, limitMs: CHECK_LIMIT_MS, signal };
    const { code, output } = await runDeno(["check", "--quiet", ...files], place);
    if (code !== 0) return { ...nothing, problem: `it does not compile: ${output.trim().slice(0, 500)}` };
    return { mutation, ...await findIn(copies, options), problem: undefined };
  } catch (error) {
    if (error instanceof StalePatchError) return { ...nothing, problem: error.message };
    throw error;
  } finally {
    await workspace.restore();
  }
}

/** Every layer passes without a bug: else what they find proves nothing. The flaws, or none. */
export async function controlRun(control: Workspace, options: HuntOptions): Promise<readonly Finding[]> {
  const seeds = Math.min(options.seeds, CONTROL_SEEDS);
  return (await findIn({ workspace: control, control }, { ...options, seeds, allLayers: true })).findings;
}

async function findIn(copies: Copies, options: HuntOptions): Promise<Omit<Verdict, "mutation" | "problem">> {
  const findings: Finding[] = [];
  const none: SimulatorResult = { found: undefined, seedsTried: 0, unrelated: [] };
  const { found, seedsTried, unrelated } = options.layers.has("simulator") ? await simulate(copies, options) : none;
  if (found !== undefined) findings.push(found);
  for (const { name, paths } of TEST_LAYERS) {
    if (!options.layers.has(name) || (findings.length > 0 && !options.allLayers)) continue;
    const finding = await test(copies.workspace, { name, paths, signal: options.signal });
    if (finding !== undefined) findings.push(finding);
  }
  return { findings, seedsTried, unrelated };
}

async function test(
  workspace: Workspace,
  { name, paths, signal }: {
    readonly name: LayerName;
    readonly paths: readonly string[];
    readonly signal: AbortSignal;
  },
): Promise<Finding | undefined> {
  const present: string[] = [];
  for (const path of paths) if (await workspace.has(path)) present.push(path);
  if (present.length === 0) return undefined;
  const args = ["test", "--allow-all", "--no-prompt", "--no-check", "--fail-fast", ...present];
  return readTests(await runDeno(args, { directory: workspace.root, limitMs: TESTS_LIMIT_MS, signal }), name);
}
