/**
 * `deno task test`: the tests that start no nodes first, on all processors; then the end-to-end tests, two at a time unless the
 * machine is busy, since each brings its own processes and mostly waits for them; then those of them that want the machine for
 * themselves. Ends with the tests that were ignored and why, and one summary.
 *
 * Arguments go to `deno test`. `tests/e2e` is both runs of the end-to-end tests; any other path is one run of what it names.
 */

import { cpus } from "node:os";
import { resolve } from "@std/path";
import { ROOT } from "../support/program.ts";
import { describeResults, readResults, type Results } from "./results.ts";

const RIGHTS = ["--allow-all", "--no-prompt", "--permit-no-files"];
/** Run by tasks of their own: minutes of work, or programs that must be installed. */
const APART = [
  ...["crash", "fuzz", "sim", "clients", "redis-suite", "differential", "browser", "executable"],
  "documents/pages_test.ts",
];
const SIDE_BY_SIDE = ["--parallel", `--ignore=${[...APART, "e2e"].map((folder) => `tests/${folder}`).join(",")}`];
const END_TO_END = "tests/e2e";
/** Of the processors: from here on other programs have the machine. */
const BUSY_SHARE = 0.5;
/** For so long it is looked at: the load of the last minute is also that of the run before. */
const LOOK_MS = 1_000;
/** More would measure each other; a lone processor has enough to do with one. */
const END_TO_END_JOBS = Math.min(2, navigator.hardwareConcurrency);
/** They open thousands of connections, or ask nodes to keep up with the machine. */
const ALONE = ["hanging_disk", "hostile_clients", "http_hostile", "long_values"].map((name) =>
  `${END_TO_END}/${name}_test.ts`
);

/** One run of `deno test`: its arguments, and how many files run at a time on a quiet machine where it is not one for each processor. */
export interface Run {
  readonly args: readonly string[];
  readonly jobs?: number;
}

/** What is run for these arguments, in this order. */
export function planRuns(args: readonly string[]): readonly Run[] {
  const flags = args.filter((arg) => arg !== END_TO_END);
  if (flags.some(isPath)) return [{ args }];
  const endToEnd = [
    { args: ["--parallel", `--ignore=${ALONE.join(",")}`, ...flags, END_TO_END], jobs: END_TO_END_JOBS },
    { args: [...flags, ...ALONE] },
  ];
  return flags.length < args.length ? endToEnd : [{ args: [...SIDE_BY_SIDE, ...flags] }, ...endToEnd];
}

function isPath(arg: string): boolean {
  try {
    Deno.statSync(resolve(ROOT, arg));
    return true;
  } catch {
    return false; // A flag, or its value.
  }
}

/** Whether other programs keep more than `BUSY_SHARE` of the processors busy, while this one waits. */
async function isBusy(): Promise<boolean> {
  const before = processorTimes();
  await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  const after = processorTimes();
  return after.busy - before.busy > BUSY_SHARE * (after.all - before.all);
}

/** What all processors did since the machine started, in ms. */
function processorTimes(): { readonly busy: number; readonly all: number } {
  const times = cpus().map((cpu) => cpu.times);
  const all = times.flatMap((time) => Object.values(time)).reduce((sum, ms) => sum + ms, 0);
  return { all, busy: all - times.reduce((sum, { idle }) => sum + idle, 0) };
}

/** What one run reported, and whether it ended well: a leak or an uncaught error belongs to no test. */
async function runTests({ args, jobs }: Run): Promise<Results & { readonly isOk: boolean }> {
  const report = await Deno.makeTempFile({ prefix: "kvstore-test-", suffix: ".xml" });
  try {
    const { success } = await new Deno.Command(Deno.execPath(), {
      args: ["test", ...RIGHTS, `--junit-path=${report}`, ...args],
      cwd: ROOT,
      env: jobs === undefined ? {} : { DENO_JOBS: String(await isBusy() ? 1 : jobs) },
    }).spawn().status;
    return { ...readResults(await Deno.readTextFile(report)), isOk: success };
  } finally {
    await Deno.remove(report);
  }
}

if (import.meta.main) {
  const started = performance.now();
  const runs = [];
  for (const run of planRuns(Deno.args)) runs.push(await runTests(run));
  const isOk = runs.every((run) => run.isOk);
  const text = describeResults(runs, { isOk, seconds: (performance.now() - started) / 1_000 });
  await Deno.stdout.write(new TextEncoder().encode(`\n${text}\n`));
  Deno.exit(isOk ? 0 : 1);
}
