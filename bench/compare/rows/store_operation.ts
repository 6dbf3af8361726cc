/**
 * The longest single operation of the store with a cut open, as the store's own benchmark measures it: told `--json` and `--keys=N`,
 * it ends with a line of JSON that has `longestWithCutMs`.
 */

import { fromFileUrl } from "@std/path";
import { note } from "../../support/print.ts";
import { V8_FLAGS } from "../../../lib/cluster/own_program.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { judge, type RowGroup, type RowHead, type RowResult } from "../row.ts";
import { unwatch, watch } from "../servers/server.ts";

const PROGRAM = fromFileUrl(new URL("../../store.ts", import.meta.url));
const LOOK_MS = 200;

/** One row: how many keys, and what one operation may take. */
interface StoreRow extends RowHead {
  readonly barMs: number;
  keys(options: CompareOptions): number;
}

const ROWS: readonly StoreRow[] = [
  {
    ...{ id: "store-op", title: "Longest store operation with a cut open, 1 M keys" },
    ...{ barMs: 2, keys: ({ manyKeys }) => manyKeys },
  },
  {
    ...{ id: "store-op-10m", title: "Longest store operation with a cut open, 10 M keys", isLong: true },
    ...{ barMs: 4, keys: ({ hugeKeys }) => hugeKeys },
  },
];

/** A process for each run, so that none finds the heap of another. */
export const storeOperation: RowGroup = {
  rows: ROWS,
  minutesMax: 30,
  async run(options, chosen) {
    const results: RowResult[] = [];
    for (const row of ROWS.filter(({ id }) => chosen.has(id))) results.push(await measure(row, options));
    return results;
  },
};

async function measure(row: StoreRow, options: CompareOptions): Promise<RowResult> {
  const samples: number[] = [];
  const costs: Cost[] = [];
  for (let run = 1; run <= options.runs; run++) {
    samples.push(longestIn(await runProgram(row.keys(options), costs)));
    note(`Run ${run} of ${options.runs}: ${samples.at(-1)?.toFixed(2)} ms`);
  }
  return judge(row, {
    bar: { kind: "atMost", value: row.barMs, of: "median", unit: " ms", digits: 2 },
    samples,
    costs,
    notes: [`${row.keys(options)} keys; the store alone, in a process of its own.`],
  });
}

/** The arguments by which a Deno runs the benchmark of the store. */
export function storeBenchmark(keys: number): string[] {
  return ["run", "--quiet", "-A", V8_FLAGS, PROGRAM, "--json", `--keys=${keys}`];
}

async function runProgram(keys: number, costs: Cost[]): Promise<string> {
  const child = new Deno.Command(Deno.execPath(), { args: storeBenchmark(keys), stdout: "piped", stderr: "inherit" })
    .spawn();
  const owner = { name: "store", ids: [0], pid: () => child.pid, pids: () => [child.pid] };
  watch(owner);
  const meter = new Meter(owner, { sinceStart: true });
  let cost = meter.read();
  // It has ended when its result is there, and has no memory then.
  const timer = setInterval(() => {
    const now = meter.read();
    if (now.rssMebibytes > 0) cost = now;
  }, LOOK_MS);
  try {
    const { code, stdout } = await child.output();
    costs.push(cost);
    if (code !== 0) throw new Error(`The benchmark of the store ended with exit code ${code}`);
    return new TextDecoder().decode(stdout);
  } finally {
    clearInterval(timer);
    unwatch(owner);
  }
}

/** `longestWithCutMs` of the line of JSON that it prints. */
export function longestIn(text: string): number {
  const line = text.split("\n").findLast((one) => one.startsWith("{")) ?? "{}";
  const longest: unknown = JSON.parse(line).longestWithCutMs;
  if (typeof longest === "number" && Number.isFinite(longest)) return longest;
  throw new Error(`The benchmark of the store did not say longestWithCutMs: ${line.slice(0, 200)}`);
}
