/** Processor time of all nodes for one SET with very many keys, against a cluster with few. */

import { note } from "../../support/print.ts";
import { fill } from "../loads/kvstore_bench.ts";
import { PacedLoad } from "../loads/redis_benchmark.ts";
import { type Cost, Meter } from "../meter.ts";
import { type CompareOptions, VALUE_BYTES } from "../options.ts";
import { judge, type RowHead, type RowResult, showSpread } from "../row.ts";
import { startSubject, type Subject } from "../servers/subject.ts";
import type { Filled, Scale } from "./filled.ts";

const FEW_KEYS = 10_000;
const BAR = 2;
const CONNECTIONS = 50;
const PIPELINE = 16;

/** The row of a scale. */
export function costOfWriteRow({ suffix, label, isLong }: Scale): RowHead {
  return {
    id: `write-cost${suffix}`,
    title: `Processor time for one SET with ${label} keys, of that with 10 k`,
    isLong,
  };
}

/** Both clusters in turn. */
export async function measureCostOfWrite(
  options: CompareOptions,
  { scale, subject, file }: Filled,
): Promise<readonly RowResult[]> {
  await using small = await startSubject(options);
  await fill(small.address(await small.leader()), FEW_KEYS);
  const many = await loadOf(subject, file.keys);
  const few = await loadOf(small, FEW_KEYS);
  const ours: number[] = [];
  const theirs: number[] = [];
  const costs: Cost[] = [];
  for (let run = 1; run <= options.runs; run++) {
    for (const [load, found] of [[many, ours], [few, theirs]] as const) {
      const cost = await load(options.seconds);
      costs.push(cost);
      found.push(cost.cpuSeconds / Math.max(1, cost.requests ?? 0) * 1_000_000);
    }
    note(`Run ${run} of ${options.runs}: ${ours.at(-1)?.toFixed(1)} us, with few keys ${theirs.at(-1)?.toFixed(1)} us`);
  }
  const micros = { unit: " us", digits: 1 };
  return [judge(costOfWriteRow(scale), {
    bar: { kind: "atMost", value: BAR, of: "median", unit: "", digits: 2 },
    samples: ours.map((cost, at) => cost / (theirs[at] ?? NaN)),
    costs,
    notes: [
      `${file.keys} keys: ${showSpread(ours, micros)}. ${FEW_KEYS} keys: ${showSpread(theirs, micros)}. ` +
      `All nodes together, ${CONNECTIONS} connections, pipeline ${PIPELINE}, keys drawn at random.`,
    ],
  })];
}

async function loadOf(server: Subject, keys: number): Promise<(seconds: number) => Promise<Cost>> {
  const name = `${server.name} with ${keys} keys`;
  const load = { command: "set", connections: CONNECTIONS, pipeline: PIPELINE, keys, valueBytes: VALUE_BYTES } as const;
  const paced = new PacedLoad(server.address(await server.leader()), load);
  return async (seconds) => {
    const meter = new Meter(server);
    const { requests } = await paced.run(seconds);
    return { ...meter.read(requests), name };
  };
}
