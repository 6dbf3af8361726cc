/** SETs through `redis-cli --pipe`: how long one connection that never waits takes. */

import { note } from "../../support/print.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { judgeRatio, type RowHead, type RowResult, showSpread } from "../row.ts";
import { type Filled, pipeTimeoutMs } from "./filled.ts";

/** The row. */
export const PIPE_ROW: RowHead = { id: "pipe", title: "1 M SETs through redis-cli --pipe" };
const BAR = 0.5;

/** The first run is the one that filled the servers. */
export async function measurePipe(
  { runs }: CompareOptions,
  { subject, redis, file, fillSeconds }: Filled,
): Promise<readonly RowResult[]> {
  const ours = [fillSeconds.subject];
  const theirs = [fillSeconds.redis];
  const costs: Cost[] = [];
  const send = async (server: Filled["subject"], id: number) => {
    const meter = new Meter(server);
    const seconds = await file.send(server.address(id), pipeTimeoutMs(file));
    costs.push(meter.read(file.keys));
    return seconds;
  };
  while (ours.length < Math.max(2, runs)) {
    theirs.push(await send(redis, 0));
    ours.push(await send(subject, await subject.leader()));
    note(`Run ${ours.length} of ${runs}: ${ours.at(-1)?.toFixed(2)} s, Redis ${theirs.at(-1)?.toFixed(2)} s`);
  }
  const seconds = { unit: " s", digits: 2 };
  return [judgeRatio(PIPE_ROW, {
    bar: { ratio: BAR },
    // Rates, as in every other row.
    runs: ours.map((took, at) => ({ subject: 1 / took, redis: 1 / (theirs[at] ?? NaN) })),
    costs,
    notes: [
      `${file.keys} SETs: ${showSpread(ours, seconds)}. Redis: ${showSpread(theirs, seconds)}.`,
      "The first run writes new keys; the others overwrite them.",
    ],
  })];
}
