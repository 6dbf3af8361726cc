/** The dates of the members' machines, as they said themselves: each may be wrong, a majority is believed. */

import type { Clock } from "../../base/clock.ts";
import { hasQuorum, isVoter } from "../../raft/quorum.ts";
import type { Configuration, NodeId } from "../../raft/types.ts";
import type { NodePorts } from "../options.ts";

/** What a machine said is counted for so long. */
const DATE_MS_MAX = 5_000;

interface Said {
  /** The date less the monotonic clock of this node when it was heard. */
  readonly difference: number;
  readonly at: number;
}

/** By how much a machine's date lies ahead of what the majority says; behind where it is negative. */
export interface DateOffset {
  readonly id: NodeId;
  readonly aheadMs: number;
}

/** What the members say the date is. Dates are in milliseconds since 1970; a date may jump. */
export class MachineDates {
  readonly #self: NodeId;
  readonly #clock: Clock;
  readonly #ports: Pick<NodePorts, "wallClockMs">;
  readonly #said = new Map<NodeId, Said>();

  /** Knows its own machine only. */
  constructor(self: NodeId, ports: Pick<NodePorts, "clock" | "wallClockMs">) {
    this.#self = self;
    this.#clock = ports.clock;
    this.#ports = ports;
  }

  /** The date of this machine. */
  own(): number {
    return Math.floor(this.#ports.wallClockMs());
  }

  /** A member has just said its date. */
  heard(id: NodeId, dateMs: number): void {
    const at = this.#clock.now();
    this.#said.set(id, { difference: dateMs - at, at });
  }

  /** What was said before says nothing any more: this process did not run for a while. */
  forget(): void {
    this.#said.clear();
  }

  /**
   * The lower median of the dates of the voters that have said theirs of late; undefined unless they are a majority. The lower
   * one: a key may go late for a wrong clock, but not early.
   */
  majorityDate(configuration: Configuration): number | undefined {
    if (!hasQuorum(configuration, (id) => this.#dateOf(id) !== undefined)) return undefined;
    const dates: number[] = [];
    for (const id of [this.#self, ...this.#said.keys()]) {
      const date = isVoter(configuration, id) ? this.#dateOf(id) : undefined;
      if (date !== undefined) dates.push(date);
    }
    dates.sort((left, right) => left - right);
    return dates[(dates.length - 1) >> 1];
  }

  /** How far each machine that has said its date of late is from `dateMs`. */
  offsets({ members }: Configuration, dateMs: number): readonly DateOffset[] {
    return members.flatMap(({ id }) => {
      const date = this.#dateOf(id);
      return date === undefined ? [] : [{ id, aheadMs: Math.round(date - dateMs) }];
    });
  }

  #dateOf(id: NodeId): number | undefined {
    if (id === this.#self) return this.#ports.wallClockMs();
    const said = this.#said.get(id);
    const now = this.#clock.now();
    return said === undefined || now - said.at > DATE_MS_MAX ? undefined : said.difference + now;
  }
}
