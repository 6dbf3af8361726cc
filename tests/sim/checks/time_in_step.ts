/** The cluster's time follows the dates of a majority: one that is off carries it away neither at once nor later. */

import type { Entry } from "../../../lib/raft/types.ts";
import { READ_AHEAD_MS_MAX } from "../../../lib/kv/state_machine.ts";
import { CORRECTION_MAX } from "../../../lib/node/clock/cluster_clock.ts";
import type { Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimClock } from "../clock.ts";
import type { Reference } from "../reference.ts";
import { EPOCH_MS } from "../../support/memory/memory_server.ts";
import type { SimServer } from "../server.ts";

/** For what the dates say late, by the way of a message. */
const LEEWAY_MS = 1_000;

/** Where this check looks. */
export interface TimeInStepParts {
  readonly reference: Reference;
  readonly servers: readonly SimServer[];
  readonly clock: SimClock;
}

/**
 * No stamp is ahead of the true date by more than what monotonic clocks that ran fast or jumped have added, what each change of
 * leader may add, and what a leader may be drawn away while what it knows of dates is old. A clock that is behind is not looked
 * at: it makes keys go late, never early.
 */
export class TimeInStep implements Check {
  readonly name = "time-in-step";
  readonly #parts: TimeInStepParts;
  readonly #violate: Violate;
  /** What the clocks of lives that have ended had gained. */
  #gainedMs = 0;
  readonly #terms = new Set<number>();

  constructor(parts: TimeInStepParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#gainedMs += server.clock?.gainedMs ?? 0;
  }

  /** See `Check`. */
  committed(entry: Entry): void {
    if (entry.type !== "Command") return;
    this.#terms.add(entry.term);
    const { reference, servers, clock } = this.#parts;
    const ahead = reference.timeAt(entry.index) - (EPOCH_MS + clock.now());
    const living = servers.filter(({ life }) => life.alive);
    const gained = living.reduce((sum, server) => sum + (server.clock?.gainedMs ?? 0), this.#gainedMs);
    const changes = this.#terms.size * (READ_AHEAD_MS_MAX + LEEWAY_MS * CORRECTION_MAX);
    if (ahead <= gained * (1 + CORRECTION_MAX) + changes + LEEWAY_MS) return;
    this.#violate(`entry ${entry.index} is stamped ${Math.round(ahead)} ms ahead of the true date`);
  }
}
