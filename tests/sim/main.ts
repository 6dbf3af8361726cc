/**
 * The simulator: `deno task sim [--seeds N] [--seed S] [--jobs J] [--trace] [--stop] [--canary] [--nodes N]`.
 *
 * Prints what each failing seed found and how to replay it, then what was injected. Exit code 1 when a seed failed.
 */

import { parseArgs } from "@std/cli";
import { writeHistory } from "../linearizability/history.ts";
import { Report } from "./report.ts";
import { type RunResult, runSeed } from "./run.ts";
import { CANARY, type Settings } from "./settings.ts";

const DEFAULT_SEEDS = 200;
/** After so many milliseconds a seed is named on standard error. */
const SLOW_SEED_MS = 30_000;

interface Options {
  readonly first: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly stop: boolean;
  readonly overrides: Partial<Settings>;
}

/** Runs one seed and prints every event. */
async function traceOne(
  seed: number,
  { overrides }: Options,
  historyFile: string | undefined,
): Promise<RunResult> {
  return await runSeed(seed, {
    overrides,
    sink: print,
    history: (operations) => {
      if (historyFile !== undefined) Deno.writeTextFileSync(historyFile, writeHistory(operations));
    },
  });
}

/** Runs the seeds on as many workers as there are jobs. */
async function runAll(options: Options, report: Report): Promise<void> {
  let next = options.first;
  const last = options.first + options.seeds - 1;
  async function work(): Promise<void> {
    const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
    while (next <= last && !(options.stop && report.failed > 0)) {
      const seed = next++;
      const answer = new Promise<RunResult>((resolve, reject) => {
        worker.onmessage = ({ data }) => resolve(data);
        worker.onerror = (event) => reject(new Error(event.message));
      });
      const slow = setInterval(() => warn(`Seed ${seed} is still running`), SLOW_SEED_MS);
      worker.postMessage({ seed, overrides: options.overrides });
      report.add(await answer);
      clearInterval(slow);
    }
    worker.terminate();
  }
  await Promise.all(Array.from({ length: Math.min(options.jobs, options.seeds) }, () => work()));
}

/** A run that does not end must be told apart from one that takes long. */
function warn(line: string): void {
  Deno.stderr.writeSync(new TextEncoder().encode(`${line}\n`));
}

function print(line: string): void {
  const bytes = new TextEncoder().encode(`${line}\n`);
  for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
}

function readOptions(
  args: readonly string[],
): Options & { readonly trace: boolean; readonly history: string | undefined } {
  const flags = parseArgs([...args], {
    string: ["seeds", "seed", "jobs", "nodes", "history"],
    boolean: ["trace", "stop", "canary"],
    unknown: (name) => {
      throw new Error(`Unknown argument ${name}`);
    },
  });
  const { seeds, seed, jobs, nodes, history, trace, stop, canary } = flags;
  return {
    first: wholeNumber(seed, { name: "--seed", otherwise: 1 }),
    seeds: wholeNumber(seeds, { name: "--seeds", otherwise: seed === undefined ? DEFAULT_SEEDS : 1 }),
    jobs: wholeNumber(jobs, { name: "--jobs", otherwise: navigator.hardwareConcurrency }),
    stop: stop === true,
    trace: trace === true,
    history: typeof history === "string" ? history : undefined,
    overrides: {
      ...(nodes === undefined ? {} : { servers: wholeNumber(nodes, { name: "--nodes", otherwise: 3 }) }),
      ...(canary === true ? CANARY : {}),
    },
  };
}

function wholeNumber(value: unknown, { name, otherwise }: { name: string; otherwise: number }): number {
  if (value === undefined) return otherwise;
  if (typeof value !== "string" || !/^[0-9]{1,9}$/.test(value)) throw new Error(`${name} wants a whole number`);
  return Number(value);
}

if (import.meta.main) {
  let options: ReturnType<typeof readOptions>;
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`${error instanceof Error ? error.message : error}\n`));
    Deno.exit(64);
  }
  const report = new Report(options.seeds, print);
  if (options.trace) report.add(await traceOne(options.first, options, options.history));
  else await runAll(options, report);
  report.finish();
  Deno.exit(report.failed > 0 ? 1 : 0);
}
