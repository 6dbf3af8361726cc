/** Resident memory of each node some time after its last reply, against that of Redis with the same keys. */

import { residentBytes } from "../../../tests/support/process_usage.ts";
import { delay } from "../../../tests/support/wait.ts";
import { Meter } from "../meter.ts";
import { type CompareOptions, KEY_BYTES, VALUE_BYTES } from "../options.ts";
import { judge, type RowHead, type RowResult, showSpread } from "../row.ts";
import { pidsOf } from "../servers/server.ts";
import type { Filled, Scale } from "./filled.ts";

const MEBIBYTE = 1_048_576;
const REST_MS = 10_000;
const TIMES_REDIS = 1.5;
/** What a process takes before its first key. */
const BASE_MEBIBYTES = 64;

/** The row of a scale. */
export function memoryRow({ suffix, label, isLong }: Scale): RowHead {
  return { id: `memory${suffix}`, title: `Resident memory of each node with ${label} keys`, isLong };
}

/** Right after the keys were written. */
export async function measureMemory(
  _options: CompareOptions,
  { scale, subject, redis, file }: Filled,
): Promise<readonly RowResult[]> {
  await delay(REST_MS);
  const unit = " MiB";
  const [reference = NaN] = pidsOf(redis).map((pid) => residentBytes(pid) / MEBIBYTE);
  const pids = pidsOf(subject);
  if (pids.length < subject.ids.length) throw new Error("A node has ended");
  const value = TIMES_REDIS * reference + (scale.isLong ? 0 : BASE_MEBIBYTES);
  return [judge(memoryRow(scale), {
    bar: { kind: "atMost", value, of: "worst", unit, digits: 0 },
    samples: pids.map((pid) => residentBytes(pid) / MEBIBYTE),
    costs: [subject, redis].map((server) => new Meter(server, { sinceStart: true }).read()),
    notes: [
      `${file.keys} keys of ${KEY_BYTES} bytes with values of ${VALUE_BYTES} through one pipelined connection; ` +
      `one sample for each node, ${REST_MS / 1_000} s after the last reply.`,
      `The most until then: ${showSpread(pids.map((pid) => residentBytes(pid, "most") / MEBIBYTE), { unit })}.`,
      `Redis: ${reference.toFixed(0)} MiB; the bar is ${TIMES_REDIS} times that` +
      `${scale.isLong ? "" : ` and ${BASE_MEBIBYTES} MiB`}.`,
    ],
  })];
}
