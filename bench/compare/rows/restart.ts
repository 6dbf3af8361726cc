/** How long a node that was killed takes to answer again, against Redis with the same keys in its append-only file. */

import { note } from "../../support/print.ts";
import { type Cost, Meter } from "../meter.ts";
import type { CompareOptions } from "../options.ts";
import { untilAnswered } from "../until_answered.ts";
import { judge, type RowHead, type RowResult, showSpread } from "../row.ts";
import type { Subject } from "../servers/subject.ts";
import { keyOf } from "../loads/redis_pipe.ts";
import type { Filled, Scale } from "./filled.ts";

const TIMEOUT_MS = 300_000;

/** The row of a scale. */
export function restartRow({ suffix, label, isLong }: Scale): RowHead {
  return { id: `restart${suffix}`, title: `Restart of a node with ${label} keys until it answers, of Redis's`, isLong };
}

/** A follower and Redis in turn. */
export async function measureRestart(
  { runs }: CompareOptions,
  { scale, subject, redis }: Filled,
): Promise<readonly RowResult[]> {
  const leader = await subject.leader();
  const follower = subject.ids.find((other) => other !== leader) ?? leader;
  const ours: number[] = [];
  const theirs: number[] = [];
  const costs: Cost[] = [];
  for (let run = 1; run <= runs; run++) {
    ours.push(await restart(subject, { id: follower, costs }));
    theirs.push(await restart(redis, { id: 0, costs }));
    await subject.settle();
    note(`Restart ${run} of ${runs}: ${ours.at(-1)?.toFixed(2)} s, Redis ${theirs.at(-1)?.toFixed(2)} s`);
  }
  const seconds = { unit: " s", digits: 2 };
  return [judge(restartRow(scale), {
    bar: { kind: "atMost", value: 1, of: "median", unit: "", digits: 2 },
    samples: ours.map((took, at) => took / (theirs[at] ?? NaN)),
    costs,
    notes: [
      `A follower: ${showSpread(ours, seconds)}. Redis: ${showSpread(theirs, seconds)}.`,
      "From the start of the process (after kill -9) to the reply of its first GET, without load.",
    ],
  })];
}

async function restart(
  server: Subject,
  { id, costs }: { readonly id: number; readonly costs: Cost[] },
): Promise<number> {
  await server.kill(id, "SIGKILL");
  const since = performance.now();
  server.start(id);
  const took = await untilAnswered(server.address(id), { words: ["GET", keyOf(1)], since, timeoutMs: TIMEOUT_MS });
  // Alone: the other nodes do other things meanwhile.
  const node = { name: server.name, ids: [id], pid: () => server.pid(id) };
  costs.push(new Meter(node, { sinceStart: true }).read());
  return took / 1_000;
}
