/** The keys that a group of clients works on: each lives for a bounded number of operations, then a new one replaces it. */

import type { Random } from "../../lib/base/random.ts";

/** The search for a linearization is exponential in the worst case: few clients, few operations and few open ends a key. */
export const CLIENTS_PER_KEY_MAX = 5;
const OPERATIONS_PER_KEY_MAX = 400;
const UNKNOWN_PER_KEY_MAX = 4;
const KEYS_AT_A_TIME = 10;

/** A key in use. */
export interface LiveKey {
  readonly name: string;
  /** The only client of the group that deletes it: so its deletions follow each other, and can be told apart in the log. */
  readonly owner: number;
  operations: number;
  unknown: number;
}

/** The keys of one group. */
export class KeySpace {
  readonly #prefix: string;
  readonly #live: LiveKey[] = [];
  #made = 0;

  /** Keys that begin with `prefix`. */
  constructor(prefix: string) {
    this.#prefix = prefix;
    while (this.#live.length < KEYS_AT_A_TIME) this.#live.push(this.#make());
  }

  /** A key to work on now. */
  pick(random: Random): LiveKey {
    const at = random.below(this.#live.length);
    const key = this.#live[at];
    if (key !== undefined && key.operations < OPERATIONS_PER_KEY_MAX && key.unknown < UNKNOWN_PER_KEY_MAX) {
      key.operations += 1;
      return key;
    }
    const next = this.#make();
    this.#live[at] = next;
    next.operations += 1;
    return next;
  }

  /** A key that nobody works on again. */
  single(): LiveKey {
    return this.#make();
  }

  #make(): LiveKey {
    this.#made += 1;
    const owner = this.#made % CLIENTS_PER_KEY_MAX;
    return { name: `${this.#prefix}${this.#made}`, owner, operations: 0, unknown: 0 };
  }
}
