/** Processes killed, paused, and asked to end. */

import type { Random } from "../../../lib/base/random.ts";
import { type Effect, type Fault, release, type Running, type Stage, take } from "./fault.ts";

const DOWN_MS = { least: 50, most: 1_500 } as const;
/** Well below the election timeout. */
const SHORT_PAUSE_MS = { least: 30, most: 300 } as const;
/** Beyond the longest election timeout. */
const LONG_PAUSE_MS = { least: 1_100, most: 2_500 } as const;

/** Faults of this kind. */
export const PROCESS_FAULTS: readonly Fault[] = [
  killing("kill-one", () => 1),
  killing("kill-minority", (nodes) => Math.floor((nodes - 1) / 2)),
  killing("kill-majority", (nodes) => Math.floor(nodes / 2) + 1),
  killing("kill-all", (nodes) => nodes),
  { name: "kill-leader", begin: killLeader },
  pausing("pause-short", SHORT_PAUSE_MS),
  pausing("pause-long", LONG_PAUSE_MS),
  { name: "pause-leader", begin: pauseLeader },
  { name: "hand-over", begin: handOver },
];

function killing(name: string, countOf: (nodes: number) => number): Fault {
  return {
    name,
    begin: (stage, random) => {
      return kill(take(stage.busyProcesses, { stage, random, count: countOf(stage.fleet.ids.length) }), stage, random);
    },
  };
}

async function killLeader(stage: Stage, random: Random): Promise<Running | undefined> {
  // Without a leader there is none to kill: then something else is dealt.
  const first = await stage.fleet.knownLeader();
  if (first === undefined) return undefined;
  return await kill(take(stage.busyProcesses, { stage, random, count: 1, first }), stage, random);
}

async function kill(
  ids: readonly number[] | undefined,
  stage: Stage,
  random: Random,
): Promise<Running | undefined> {
  if (ids === undefined) return undefined;
  const lastsMs = random.between(DOWN_MS.least, DOWN_MS.most);
  const killed = await Promise.all(ids.map((id) => stage.fleet.end(id, "SIGKILL")));
  const effect = (): Effect => killed.every(Boolean) ? "felt" : "not-felt";
  return { detail: nodeNames(ids), lastsMs, end: () => startAgain(ids, stage), effect };
}

async function startAgain(ids: readonly number[], stage: Stage): Promise<void> {
  await Promise.all(ids.map((id) => stage.fleet.restart(id)));
  release(stage.busyProcesses, ids);
}

function pausing(name: string, duration: { readonly least: number; readonly most: number }): Fault {
  return {
    name,
    begin: (stage, random) => {
      const ids = take(stage.busyProcesses, { stage, random, count: 1 });
      return Promise.resolve(pause(ids, { stage, lastsMs: random.between(duration.least, duration.most) }));
    },
  };
}

async function pauseLeader(stage: Stage, random: Random): Promise<Running | undefined> {
  const first = await stage.fleet.knownLeader();
  if (first === undefined) return undefined;
  const ids = take(stage.busyProcesses, { stage, random, count: 1, first });
  return pause(ids, { stage, lastsMs: random.between(LONG_PAUSE_MS.least, LONG_PAUSE_MS.most) });
}

function pause(
  ids: readonly number[] | undefined,
  { stage, lastsMs }: { readonly stage: Stage; readonly lastsMs: number },
): Running | undefined {
  if (ids === undefined) return undefined;
  for (const id of ids) stage.fleet.pause(id, true);
  // A paused process still accepts connections, but answers nothing.
  const answered = new Set<number>();
  const asking = Promise.allSettled(ids.map((id) => stage.fleet.answer(id).then(() => void answered.add(id))));
  let wereSilent = false;
  return {
    detail: `${nodeNames(ids)} for ${lastsMs} ms`,
    lastsMs,
    end: async () => {
      wereSilent = answered.size === 0;
      for (const id of ids) stage.fleet.pause(id, false);
      const asked = await asking;
      wereSilent &&= asked.every(({ status }) => status === "fulfilled");
      release(stage.busyProcesses, ids);
    },
    effect: () => wereSilent ? "felt" : "not-felt",
  };
}

/** The leader is asked to end: it hands over first. The fault begins with the signal and goes on until it runs again. */
async function handOver(stage: Stage, random: Random): Promise<Running | undefined> {
  const first = await stage.fleet.knownLeader();
  if (first === undefined) return undefined;
  const ids = take(stage.busyProcesses, { stage, random, count: 1, first });
  if (ids === undefined) return undefined;
  const ended = stage.fleet.end(first, "SIGTERM");
  let hasEnded = false;
  return {
    detail: nodeNames(ids),
    lastsMs: random.between(DOWN_MS.least, DOWN_MS.most),
    end: async () => {
      hasEnded = await ended;
      await startAgain(ids, stage);
    },
    effect: () => hasEnded ? "felt" : "not-felt",
  };
}

function nodeNames(ids: readonly number[]): string {
  return `${ids.length > 1 ? "nodes" : "node"} ${ids.join(",")}`;
}
