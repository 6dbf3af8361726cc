/** What a fault is, and what it works on. */

import type { Random } from "../../../lib/base/random.ts";
import type { Fleet } from "../fleet.ts";
import type { LogBook } from "../log_book.ts";

/** What faults share. */
export interface Stage {
  readonly fleet: Fleet;
  readonly book: LogBook;
  /** Nodes whose process something is being done to, and nodes whose disk is ill: one fault of a kind at a time. */
  readonly busyProcesses: Set<number>;
  readonly busyDisks: Set<number>;
}

/** Whether a fault has had an effect. One that is `pending` is given some more time before its end, others are not. */
export type Effect = "felt" | "not-felt" | "pending";

/** A fault that has begun. */
export interface Running {
  /** On what, for the log of the run. */
  readonly detail: string;
  readonly lastsMs: number;
  /** Ends it; what it held is free again when this resolves. */
  end(): Promise<void>;
  /** What it has done so far: asked before its end, and once more after it. */
  effect(): Effect;
}

/** A kind of fault. */
export interface Fault {
  readonly name: string;
  /** Begins one now; undefined when that is not possible at present. */
  begin(stage: Stage, random: Random): Promise<Running | undefined>;
}

/** Takes `count` free nodes out of `held`, at random but `first` before all others; undefined when there are not enough. */
export function take(
  held: Set<number>,
  { stage, random, count, first }: {
    readonly stage: Stage;
    readonly random: Random;
    readonly count: number;
    readonly first?: number;
  },
): readonly number[] | undefined {
  const free = stage.fleet.ids.filter((id) => !held.has(id));
  if (free.length < count || (first !== undefined && !free.includes(first))) return undefined;
  const taken = [...(first === undefined ? [] : [first]), ...shuffled(free.filter((id) => id !== first), random)]
    .slice(0, count);
  for (const id of taken) held.add(id);
  return taken;
}

/** Gives nodes back. */
export function release(held: Set<number>, ids: readonly number[]): void {
  for (const id of ids) held.delete(id);
}

/** The items in a random order. */
export function shuffled<T>(items: readonly T[], random: Random): T[] {
  const rest = [...items];
  const order: T[] = [];
  while (rest.length > 0) order.push(...rest.splice(random.below(rest.length), 1));
  return order;
}
