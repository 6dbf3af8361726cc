/**
 * The simulator: `deno task sim [--seeds N] [--seed S] [--jobs J] [--trace] [--stop] [--canary] [--nodes N]`;
 * `deno task sim --seed S --reduce` prints what to add to seeds.txt for a seed that fails, `deno task sim --line N [--trace]` runs
 * a line of that file.
 *
 * Prints what each failing seed found and how to replay it, then what was injected. Exit code 1 when a seed failed.
 */

import { parseArgs } from "@std/cli";
import { writeHistory } from "../linearizability/history.ts";
import { reduce } from "./reduce.ts";
import { Report } from "./report.ts";
import { type RunResult, runSeed } from "./run.ts";
import { readStored } from "./schedule.ts";
import { CANARY, type Settings } from "./settings.ts";

const DEFAULT_SEEDS = 200;
/** To make a failing run smaller: minutes. */
const REDUCING_RUNS_MAX = 400;
/** After so many milliseconds a seed is named on standard error. */
const SLOW_SEED_MS = 30_000;

interface Options {
  readonly first: number;
  readonly seeds: number;
  readonly jobs: number;
  readonly stop: boolean;
  readonly overrides: Partial<Settings>;
  readonly trace: boolean;
  readonly reduce: boolean;
  readonly history: string | undefined;
}

/** Runs one seed and prints every event if that was asked for. */
async function runOne({ first, overrides, trace, history: file }: Options): Promise<RunResult> {
  return await runSeed(first, {
    overrides,
    sink: trace ? print : undefined,
    history: (operations) => {
      if (file !== undefined) Deno.writeTextFileSync(file, writeHistory(operations));
    },
  });
}

/** Prints the line for seeds.txt. The exit code says whether there is one. */
async function reduceOne(options: Options): Promise<number> {
  const reduced = await reduce(await runOne(options), { runsMax: REDUCING_RUNS_MAX, say: warn });
  if (reduced === undefined) {
    warn(`Seed ${options.first} does not fail`);
    return 1;
  }
  const { schedule, result: { violation } } = reduced;
  print(`${schedule} ${violation?.check}: ${violation?.message.split("\n")[0]}`);
  return 0;
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

function readOptions(args: readonly string[]): Options {
  const flags = parseArgs([...args], {
    string: ["seeds", "seed", "jobs", "nodes", "history", "line"],
    boolean: ["trace", "stop", "canary", "reduce"],
    unknown: (name) => {
      throw new Error(`Unknown argument ${name}`);
    },
  });
  const { seeds, seed, jobs, nodes, history, line, trace, stop, canary, reduce } = flags;
  const stored = line === undefined ? undefined : storedIn(wholeNumber(line, { name: "--line", otherwise: 1 }));
  const isOne = seed !== undefined || stored !== undefined;
  return {
    first: stored?.seed ?? wholeNumber(seed, { name: "--seed", otherwise: 1 }),
    seeds: wholeNumber(seeds, { name: "--seeds", otherwise: isOne ? 1 : DEFAULT_SEEDS }),
    jobs: wholeNumber(jobs, { name: "--jobs", otherwise: navigator.hardwareConcurrency }),
    stop: stop === true,
    trace: trace === true,
    reduce: reduce === true,
    history: typeof history === "string" ? history : undefined,
    overrides: {
      ...stored?.overrides,
      ...(nodes === undefined ? {} : { servers: wholeNumber(nodes, { name: "--nodes", otherwise: 3 }) }),
      ...(canary === true ? CANARY : {}),
    },
  };
}

/** What a line of seeds.txt runs; the first is 1. */
function storedIn(line: number): ReturnType<typeof readStored> {
  const text = Deno.readTextFileSync(new URL("./seeds.txt", import.meta.url)).split("\n")[line - 1] ?? "";
  if (!/^[0-9{]/.test(text)) throw new Error(`Line ${line} of tests/sim/seeds.txt holds no seed and no schedule`);
  return readStored(text);
}

function wholeNumber(value: unknown, { name, otherwise }: { name: string; otherwise: number }): number {
  if (value === undefined) return otherwise;
  if (typeof value !== "string" || !/^[0-9]{1,9}$/.test(value)) throw new Error(`${name} wants a whole number`);
  return Number(value);
}

if (import.meta.main) {
  let options: Options;
  try {
    options = readOptions(Deno.args);
  } catch (error) {
    Deno.stderr.writeSync(new TextEncoder().encode(`${error instanceof Error ? error.message : error}\n`));
    Deno.exit(64);
  }
  if (options.reduce) Deno.exit(await reduceOne(options));
  const report = new Report(options.seeds, print);
  if (options.trace) report.add(await runOne(options));
  else await runAll(options, report);
  report.finish();
  Deno.exit(report.failed > 0 ? 1 : 0);
}
