/**
 * The mutation gate: `deno task mutate [--only B4,B5] [--seeds N] [--seed S] [--jobs J] [--minutes M] [--layers L,L]
 * [--all-layers] [--quick] [--sample N [--turn T]] [--keep-going] [--update]`.
 *
 * Plants each bug of the table in a copy of the tree and prints what found it. `--only B4` means B4a, B4b ... too; the
 * layers are simulator, crash and tests; `--minutes` is for the simulator and each bug. `--quick` asks what found a bug
 * the last time first, and then the tests nearest to it; `--sample 10` does so with ten of the bugs that are found
 * soonest, and another turn takes the next ten. Exit code 1 when a bug was found by nothing or could not be planted; 2
 * when seeds or tests fail without the bug too, which `--keep-going` only reports; 64 when it was called wrongly or
 * interrupted.
 */

import { parseArgs } from "@std/cli";
import { fromFileUrl } from "@std/path";
import { note, print } from "../../bench/support/print.ts";
import { hunt, type HuntOptions, type Verdict } from "./hunt.ts";
import { type LayerName, LAYERS } from "./layers.ts";
import type { Mutation } from "./mutation.ts";
import { MUTATIONS } from "./mutations.ts";
import { isFound, readRows, type Row, rowOf, sampleOf, updatePage } from "./report.ts";
import { Workspace } from "./workspace.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const PAGE = `${ROOT}docs/generated/mutations.md`;
const DEFAULT_SEEDS = 5_000;
/** For a sample, whose bugs need few. */
const SAMPLE_SEEDS = 200;
const DEFAULT_JOBS = 2;
const DEFAULT_MINUTES = 30;

interface Options extends Omit<HuntOptions, "signal"> {
  readonly jobs: number;
  readonly update: boolean;
  readonly keepGoing: boolean;
  readonly chosen: readonly Mutation[];
}

function readOptions(args: readonly string[]): Options {
  const flags = parseArgs([...args], {
    string: ["only", "seeds", "seed", "jobs", "minutes", "layers", "sample", "turn"],
    boolean: ["all-layers", "quick", "keep-going", "update"],
    unknown: (name) => {
      throw new Error(`Unknown argument ${name}`);
    },
  });
  const known = readRows(Deno.readTextFileSync(PAGE));
  const size = wholeNumber(flags["sample"], { name: "--sample", otherwise: 0 });
  const turn = wholeNumber(flags["turn"], { name: "--turn", otherwise: 0 });
  return {
    seeds: wholeNumber(flags["seeds"], { name: "--seeds", otherwise: size > 0 ? SAMPLE_SEEDS : DEFAULT_SEEDS }),
    firstSeed: wholeNumber(flags["seed"], { name: "--seed", otherwise: 1 }),
    jobs: wholeNumber(flags["jobs"], { name: "--jobs", otherwise: DEFAULT_JOBS }),
    simulatorMsMax: wholeNumber(flags["minutes"], { name: "--minutes", otherwise: DEFAULT_MINUTES }) * 60_000,
    allLayers: flags["all-layers"] === true,
    update: flags["update"] === true,
    keepGoing: flags["keep-going"] === true,
    layers: layersOf(flags["layers"]),
    quick: flags["quick"] === true || size > 0,
    known,
    chosen: size > 0 ? chooseSample(known, { size, turn }) : chooseFrom(flags["only"]),
  };
}

function wholeNumber(value: unknown, { name, otherwise }: { name: string; otherwise: number }): number {
  if (value === undefined) return otherwise;
  if (typeof value !== "string" || !/^[0-9]{1,9}$/.test(value)) throw new Error(`${name} wants a whole number`);
  return Number(value);
}

function chooseFrom(only: unknown): readonly Mutation[] {
  if (typeof only !== "string") return MUTATIONS;
  const wanted = only.split(",");
  for (const name of wanted) {
    if (!MUTATIONS.some(({ id }) => isNamed(id, name))) throw new Error(`There is no mutation ${name}`);
  }
  return MUTATIONS.filter(({ id }) => wanted.some((name) => isNamed(id, name)));
}

function chooseSample(known: ReadonlyMap<string, Row>, turn: { size: number; turn: number }): readonly Mutation[] {
  const ids = sampleOf(known.values(), turn);
  if (ids.length === 0) throw new Error("The table has no bugs with seconds to take a sample of");
  return MUTATIONS.filter(({ id }) => ids.includes(id));
}

function layersOf(names: unknown): ReadonlySet<LayerName> {
  if (typeof names !== "string") return new Set(LAYERS.values());
  return new Set(
    names.split(",").map((name) => {
      const layer = LAYERS.get(name);
      if (layer === undefined) throw new Error(`There is no layer ${name}: they are ${[...LAYERS.keys()].join(", ")}`);
      return layer;
    }),
  );
}

function isNamed(id: string, name: string): boolean {
  return id === name || id.replace(/[a-z]$/, "") === name;
}

function describeVerdict(verdict: Verdict): string {
  const { mutation, findings, problem, seconds } = verdict;
  const lines = [`${mutation.id}: ${mutation.what} (${seconds.toFixed(0)} s)`];
  if (problem !== undefined) lines.push(`  PROBLEM: ${problem}`);
  if (findings.length === 0 && problem === undefined) {
    lines.push(`  NOT FOUND by the layers asked (the simulator ran ${verdict.seedsTried} seeds)`);
  }
  for (const { layer, check, message, seeds, seed } of findings) {
    const after = seeds === undefined ? "" : ` after ${seeds} seeds (seed ${seed})`;
    lines.push(`  found by the ${layer}${after}: ${check}: ${message}`);
  }
  for (const { seed, check, message } of verdict.unrelated) {
    lines.push(`  ${seed === undefined ? "" : `seed ${seed} `}fails without the bug too: ${check}: ${message}`);
  }
  return lines.join("\n");
}

/** Hunts all chosen mutations on as many copies as there are jobs. */
async function huntAll(control: Workspace, options: Options & HuntOptions): Promise<readonly Verdict[]> {
  const verdicts = new Map<string, Verdict>();
  const waiting = [...options.chosen];
  async function work(): Promise<void> {
    const workspace = await Workspace.copyOf(control.root);
    try {
      for (let mutation = waiting.shift(); mutation !== undefined; mutation = waiting.shift()) {
        const verdict = await hunt(mutation, { workspace, control }, options);
        verdicts.set(mutation.id, verdict);
        print(describeVerdict(verdict));
        // At once: hours of work are not lost with the process.
        if (options.update) writeRow(rowOf(verdict));
      }
    } finally {
      await workspace.remove();
    }
  }
  const workers = Array.from({ length: Math.min(options.jobs, options.chosen.length) }, () => work());
  // All of them end before the caller removes the copy they were made from.
  const ended = await Promise.allSettled(workers);
  for (const result of ended) if (result.status === "rejected") throw result.reason;
  return options.chosen.flatMap(({ id }) => verdicts.get(id) ?? []);
}

async function run(options: Options & HuntOptions): Promise<number> {
  const control = await Workspace.copyOf(ROOT);
  try {
    const verdicts = await huntAll(control, options);
    const missed = verdicts.filter((verdict) => !isFound(verdict)).map(({ mutation }) => mutation.id);
    print(`${verdicts.length - missed.length} of ${verdicts.length} planted bugs found`);
    if (missed.length > 0) print(`not found: ${missed.join(" ")}`);
    const unsound = verdicts.some(({ unrelated }) => unrelated.length > 0);
    if (unsound && !options.keepGoing) return 2;
    return missed.length > 0 ? 1 : 0;
  } finally {
    await control.remove();
  }
}

function writeRow(row: Row): void {
  const page = updatePage(Deno.readTextFileSync(PAGE), [row], MUTATIONS.map(({ id }) => id));
  if (page === undefined) {
    throw new Error("docs/generated/mutations.md has no lines <!-- mutations:begin --> and <!-- mutations:end -->");
  }
  Deno.writeTextFileSync(PAGE, page);
}

if (import.meta.main) {
  const interrupted = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => interrupted.abort(new Error("Interrupted")));
  }
  try {
    Deno.exit(await run({ ...readOptions(Deno.args), signal: interrupted.signal }));
  } catch (error) {
    note(`${error instanceof Error ? error.message : error}`);
    Deno.exit(64);
  }
}
