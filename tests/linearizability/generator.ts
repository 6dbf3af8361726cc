/** Valid concurrent histories from a seed: clients of one atomic map that logs its writes, with invocations and replies at random times. */

import type { Random } from "../../lib/base/random.ts";
import type { Operation } from "./history.ts";

/** What a generated history looks like. */
export interface HistoryShape {
  readonly operations: number;
  readonly clients: number;
  /** Keys in use at one time. */
  readonly keys: number;
  /** After so many operations for each of these keys others take their place; undefined for never. */
  readonly operationsPerKey?: number;
  /** Share of the writes whose outcome stays unknown, 0 to 1. */
  readonly unknownShare: number;
  /** Values from so few that they repeat; undefined for unique ones. */
  readonly values?: number;
  /** Each step of the simulation takes 0 to this many ns; 1 by default, which makes equal times frequent. */
  readonly stepMaxNs?: number;
}

/** A history that is linearizable and fits its indexes, in the order of the replies. */
export function generateHistory(random: Random, shape: HistoryShape): Operation[] {
  return new AtomicMap(random, shape).run();
}

const GET_SHARE = 0.45;
const DELETE_SHARE = 0.15;
/** The share of the writes whose replies do not say whether the key existed. */
const SILENT_SHARE = 0.3;
/** The share of the steps that write an entry of the log which is no operation. */
const EMPTY_ENTRY_SHARE = 0.02;
/** The share of the steps in which a write whose client has given up takes effect. */
const LATE_SHARE = 0.05;
/** More waiting writes than this, and the oldest will never take effect. */
const LATE_MAX = 100;

/** An operation from its call to its reply. */
interface Open {
  readonly operation: string;
  readonly key: string;
  readonly argument: string | null;
  readonly call: number;
  /** Undefined until it has taken effect. */
  effect: { readonly result: Operation["result"]; readonly index: number } | undefined;
}

class AtomicMap {
  readonly #random: Random;
  readonly #shape: HistoryShape;
  readonly #done: Operation[] = [];
  readonly #clients: (Open | undefined)[];
  readonly #late: Open[] = [];
  readonly #values = new Map<string, string>();
  #started = 0;
  #now = 0;
  #index = 0;

  constructor(random: Random, shape: HistoryShape) {
    this.#random = random;
    this.#shape = shape;
    this.#clients = Array.from({ length: shape.clients }, () => undefined);
  }

  run(): Operation[] {
    while (this.#done.length < this.#shape.operations) {
      this.#now += this.#random.below((this.#shape.stepMaxNs ?? 1) + 1);
      this.#step(this.#random.below(this.#shape.clients));
      if (this.#random.chance(EMPTY_ENTRY_SHARE)) this.#index += 1;
      if (this.#late.length > 0 && this.#random.chance(LATE_SHARE)) this.#finishLate();
    }
    return this.#done;
  }

  #step(client: number): void {
    const open = this.#clients[client];
    if (open === undefined) {
      if (this.#started < this.#shape.operations) this.#clients[client] = this.#call();
    } else if (open.effect !== undefined) {
      this.#done.push(this.#reply(client, open));
      this.#clients[client] = undefined;
    } else if (open.operation !== "get" && this.#random.chance(this.#shape.unknownShare)) {
      this.#done.push({ ...asked(client, open), result: null, return: null, index: null, outcome: "unknown" });
      this.#late.push(open);
      this.#clients[client] = undefined;
    } else {
      open.effect = this.#takeEffect(open);
    }
  }

  #call(): Open {
    const number = this.#started++;
    const { keys, operationsPerKey = Infinity } = this.#shape;
    const generation = Math.floor(number / (keys * operationsPerKey));
    const key = `k${generation * keys + this.#random.below(keys)}`;
    const kind = this.#random.fraction();
    const operation = kind < GET_SHARE ? "get" : kind < GET_SHARE + DELETE_SHARE ? "delete" : "put";
    const { values } = this.#shape;
    const argument = operation === "put" ? `v${values === undefined ? number : this.#random.below(values)}` : null;
    return { operation, key, argument, call: this.#now, effect: undefined };
  }

  #takeEffect({ operation, key, argument }: Open): { readonly result: Operation["result"]; readonly index: number } {
    const found = this.#values.get(key);
    if (operation === "get") return { result: found ?? null, index: this.#index };
    this.#index += 1;
    if (argument === null) this.#values.delete(key);
    else this.#values.set(key, argument);
    if (this.#random.chance(SILENT_SHARE)) return { result: null, index: this.#index };
    return { result: (operation === "put") === (found === undefined), index: this.#index };
  }

  #reply(client: number, open: Open): Operation {
    const { result, index } = open.effect ?? { result: null, index: 0 };
    return { ...asked(client, open), result, return: this.#now, index, outcome: "ok" };
  }

  #finishLate(): void {
    if (this.#late.length > LATE_MAX) this.#late.shift();
    const [open] = this.#late.splice(this.#random.below(this.#late.length), 1);
    if (open !== undefined) this.#takeEffect(open);
  }
}

function asked(client: number, { operation, key, argument, call }: Open) {
  return { client, operation, key, argument, call };
}
