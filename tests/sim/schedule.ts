/**
 * A run as a line of text: its settings and every fault with its moment. Played again it is the same run for as long as program
 * and simulator stay the same; and when they change, its faults still come when they came, unlike those of a seed.
 */

import { FAULT_SITES } from "../../lib/base/faults.ts";
import { FAULT_CLASS_NAMES, type FaultClass } from "./faults.ts";
import type { Settings } from "./settings.ts";

/** A fault: in ms since faults may come, and the number from which it draws what else it is. */
export type PlannedFault = readonly [atMs: number, name: FaultClass, draw: number];

/** The line of a run. */
export function writeSchedule(settings: Settings): string {
  return JSON.stringify(settings, (_, value) => value instanceof Set ? [...value] : value);
}

/** The settings that a line holds. Throws for one that is none, or that plans what the simulator does not know any more. */
export function readSchedule(line: string): Partial<Settings> & Pick<Settings, "seed"> {
  const { faults, sites, planned, seed, ...more } = JSON.parse(line);
  const isList = [faults, sites, planned].every((list) => Array.isArray(list));
  if (!Number.isInteger(seed) || !isList) throw new Error(`Not a schedule: ${line.slice(0, 60)}`);
  const classes = new Set<string>(FAULT_CLASS_NAMES);
  const unknown = [
    ...faults.filter((name: string) => !classes.has(name)),
    ...sites.filter((name: string) => !(name in FAULT_SITES)),
    ...planned.map(([, name]: PlannedFault) => name).filter((name: string) => !classes.has(name)),
  ];
  if (unknown.length > 0) throw new Error(`The simulator does not know ${unknown.join(", ")} any more`);
  // A line that says nothing of users, of logins, or of what is watched, was written when there was none of that.
  return {
    users: false,
    logins: false,
    watches: false,
    mixesCompression: false,
    ...more,
    seed,
    planned,
    faults: new Set(faults),
    sites: new Set(sites),
  };
}

/** Behind the number of a seed: it was stored when nobody logged in, and goes on to mean that run. */
const NO_LOGINS = "(no logins)";

/** What a line of seeds.txt runs: a seed or a schedule, and behind it a blank and the reason. */
export function readStored(line: string): { readonly seed: number; readonly overrides: Partial<Settings> } {
  if (!line.startsWith("{")) {
    const seed = line.split(" ")[0] ?? "";
    return { seed: Number(seed), overrides: line.startsWith(`${seed} ${NO_LOGINS} `) ? { logins: false } : {} };
  }
  // A schedule has no blank behind a brace; a reason may have braces.
  const overrides = readSchedule(line.slice(0, line.indexOf("} ") + 1));
  return { seed: overrides.seed, overrides };
}
