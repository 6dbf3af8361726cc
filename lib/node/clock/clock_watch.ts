/** Names the machines whose clock is off, once when it begins and once when it ends. */

import type { NodeId } from "../../raft/types.ts";
import type { NodeLog } from "../options.ts";
import type { DateOffset } from "./machine_dates.ts";

/** A clock further than this from the majority's is off: far more than the ways of messages and what NTP leaves. */
export const CLOCK_OFF_MS_MIN = 1_000;

/** Whether a clock is off. */
export function isOff({ aheadMs }: DateOffset): boolean {
  return Math.abs(aheadMs) >= CLOCK_OFF_MS_MIN;
}

/** How far a clock is off, for people. */
export function describeOffset(aheadMs: number): string {
  return `${(Math.abs(aheadMs) / 1_000).toFixed(3)} s ${aheadMs < 0 ? "behind" : "ahead of"}`;
}

/** Remembers which machines were named. */
export class ClockWatch {
  readonly #log: NodeLog;
  readonly #named = new Set<NodeId>();

  constructor(log: NodeLog) {
    this.#log = log;
  }

  /** Looks at what is known now; of a machine that is missing nothing new is said. */
  look(offsets: readonly DateOffset[]): void {
    for (const offset of offsets) {
      const { id, aheadMs } = offset;
      if (isOff(offset) === this.#named.has(id)) continue;
      if (this.#named.delete(id)) this.#log("info", `The clock of node ${id} agrees with the majority's again`);
      else {
        this.#named.add(id);
        this.#log("warn", `The clock of node ${id} is ${describeOffset(aheadMs)} the majority's: set it right`);
      }
    }
  }
}
