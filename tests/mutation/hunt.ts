/** Looks for one planted bug: step by step, until one finds it. */

import { runDeno } from "./command.ts";
import type { Finding, LayerName } from "./layers.ts";
import { type Mutation, StalePatchError } from "./mutation.ts";
import { planHunt, type Step } from "./plan.ts";
import type { Row } from "./report.ts";
import { simulate, type SimulatorOptions } from "./simulator.ts";
import { type Copies, runTests } from "./test_layer.ts";

/** How long and how widely to look. */
export interface HuntOptions extends SimulatorOptions {
  /** The layers to ask. */
  readonly layers: ReadonlySet<LayerName>;
  /** Also ask the layers after the one that found it. */
  readonly allLayers: boolean;
  /** Ask what found it the last time first, then the nearest tests. */
  readonly quick: boolean;
  /** The rows of the table by id. */
  readonly known: ReadonlyMap<string, Row>;
}

/** What became of one mutation. */
export interface Verdict {
  readonly mutation: Mutation;
  /** In the order of the layers; empty when nothing found it. */
  readonly findings: readonly Finding[];
  /** Seeds that the simulator ran. */
  readonly seedsTried: number;
  /** What fails without the bug too: it is to be mended first. */
  readonly unrelated: readonly Finding[];
  /** Why it could not be planted. */
  readonly problem: string | undefined;
  readonly seconds: number;
}

/** For the type check: many times what it needs. */
const CHECK_LIMIT_MS = 180_000;

/** Plants `mutation` in the workspace, looks for it, and makes the workspace whole again. */
export async function hunt(mutation: Mutation, copies: Copies, options: HuntOptions): Promise<Verdict> {
  const begun = performance.now();
  const result = await plantAndLook(mutation, copies, options);
  return { mutation, ...result, seconds: (performance.now() - begun) / 1_000 };
}

type Result = Omit<Verdict, "mutation" | "seconds">;

async function plantAndLook(mutation: Mutation, copies: Copies, options: HuntOptions): Promise<Result> {
  const { workspace } = copies;
  const { signal } = options;
  const nothing = { findings: [], seedsTried: 0, unrelated: [] };
  try {
    const files = await workspace.plant(mutation);
    const place = { directory: workspace.root, limitMs: CHECK_LIMIT_MS, signal };
    const { code, output } = await runDeno(["check", "--quiet", ...files], place);
    if (code !== 0) return { ...nothing, problem: `it does not compile: ${output.trim().slice(0, 500)}` };
    return { ...await look(planHunt(mutation, options), copies, options), problem: undefined };
  } catch (error) {
    if (error instanceof StalePatchError) return { ...nothing, problem: error.message };
    throw error;
  } finally {
    await workspace.restore();
  }
}

async function look(
  steps: readonly Step[],
  copies: Copies,
  options: HuntOptions,
): Promise<Omit<Result, "problem">> {
  const findings: Finding[] = [];
  const unrelated: Finding[] = [];
  let seedsTried = 0;
  for (const step of steps) {
    if (findings.length > 0 && !options.allLayers) break;
    if (step.layer === "simulator") {
      const result = await simulate(copies, { ...options, seeds: step.seeds });
      seedsTried = Math.max(seedsTried, result.seedsTried);
      unrelated.push(...result.unrelated);
      if (result.found !== undefined) findings.push(result.found);
    } else {
      const result = await runTests(copies, { ...step, signal: options.signal });
      unrelated.push(...result.unrelated);
      if (result.found !== undefined) findings.push(result.found);
    }
  }
  return { findings, seedsTried, unrelated };
}
