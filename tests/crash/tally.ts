/** Counts what became of damaged logs, and stops at the first that went wrong. */

import type { Verdict } from "./damage.ts";

/** How often each verdict was given. */
export interface Tally {
  whole: number;
  shorter: number;
  refused: number;
  unprovable: number;
}

/** Nothing yet. */
export function emptyTally(): Tally {
  return { whole: 0, shorter: 0, refused: 0, unprovable: 0 };
}

/** Counts `verdict`. Throws when it is wrong, saying what the damage was. */
export function tally(tally: Tally, verdict: Verdict, damage: string): void {
  if (verdict.type === "Wrong") throw new Error(`${damage}: ${verdict.what}`);
  if (verdict.type === "Whole") tally.whole += 1;
  else if (verdict.type === "Shorter") tally.shorter += 1;
  else if (verdict.type === "Refused") tally.refused += 1;
  else tally.unprovable += 1;
}
