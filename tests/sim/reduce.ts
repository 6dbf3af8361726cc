/** Leaves out of a failing run what it fails without. */

import { type RunResult, runSeed } from "./run.ts";
import { readSchedule, writeSchedule } from "./schedule.ts";
import type { Settings } from "./settings.ts";

/** The shortest phase of faults that is tried. */
const SAFETY_MS_MIN = 1_000;

/** How far to go, and who is told. */
export interface ReduceOptions {
  /** Runs that may be made. */
  readonly runsMax: number;
  readonly say?: (line: string) => void;
}

/** A smaller run that violates the same check. */
export interface Reduced {
  readonly schedule: string;
  readonly result: RunResult;
}

/** Tries with fewer faults, then without each fault site and class, then for a shorter time. Undefined when it does not fail; throws when its schedule fails otherwise. */
export async function reduce(
  first: RunResult,
  { runsMax, say = () => {} }: ReduceOptions,
): Promise<Reduced | undefined> {
  let settings = readSchedule(first.schedule) as Settings;
  let result: RunResult = first;
  let runs = 0;
  const check = first.violation?.check;
  if (check === undefined) return undefined;
  /** Keeps the candidate if it fails as the first run did. */
  async function takes(candidate: Settings): Promise<boolean> {
    if (runs >= runsMax) return false;
    runs += 1;
    const tried = await runSeed(candidate.seed, { overrides: candidate });
    if (tried.violation?.check !== check) return false;
    [settings, result] = [candidate, tried];
    return true;
  }
  if (!await takes(settings)) throw new Error(`Seed ${settings.seed} fails by ${check}, and its schedule does not`);
  await shorten(settings.planned ?? [], (planned) => takes({ ...settings, planned }));
  say(`${settings.planned?.length} faults are left after ${runs} runs`);
  await shorten([...settings.sites], (sites) => takes({ ...settings, sites: new Set(sites) }));
  await shorten([...settings.faults], (faults) => takes({ ...settings, faults: new Set(faults) }));
  for (let ms = SAFETY_MS_MIN; ms < settings.safetyMs; ms *= 2) if (await takes({ ...settings, safetyMs: ms })) break;
  say(`${settings.sites.size} sites and ${settings.faults.size} classes of faults are left after ${runs} runs`);
  if (runs >= runsMax) say("Stopped at the limit of runs: it may be smaller");
  return { schedule: writeSchedule(settings), result };
}

/** Leaves out halves, then quarters and so on down to single ones, as long as `takes` takes what is left. */
async function shorten<T>(whole: readonly T[], takes: (left: readonly T[]) => Promise<boolean>): Promise<void> {
  let list = whole;
  if (list.length > 0 && await takes([])) return;
  for (let size = Math.ceil(list.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < list.length;) {
      const left = [...list.slice(0, at), ...list.slice(at + size)];
      if (await takes(left)) list = left;
      else at += size;
    }
  }
}
