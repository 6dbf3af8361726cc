/** A seeded source of chance for tests and simulations: the same seed gives the same numbers on every machine. */

import { assert } from "./assert.ts";

/** Pseudo-random numbers from one 32-bit seed (the "sfc32" generator). Not for secrets. */
export class Random {
  #a = 0x9e3779b9;
  #b: number;
  #c = 0x243f6a88;
  #counter = 1;

  constructor(seed: number) {
    this.#b = seed >>> 0;
    // The first outputs of near seeds resemble each other; these rounds part them.
    for (let round = 0; round < 12; round++) this.uint32();
  }

  /** The next number, 0 to 2^32-1. */
  uint32(): number {
    const sum = (this.#a + this.#b + this.#counter) >>> 0;
    this.#counter = (this.#counter + 1) >>> 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) >>> 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) >>> 0;
    return sum;
  }

  /** The next number, 0 (inclusive) to 1 (exclusive). */
  fraction(): number {
    return this.uint32() / 0x1_0000_0000;
  }

  /** A whole number from 0 to `bound` - 1; `bound` is 1 to 2^32. */
  below(bound: number): number {
    assert(bound >= 1, `Cannot draw below ${bound}: the bound must be at least 1`);
    return Math.floor(this.fraction() * bound);
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.below(most - least + 1);
  }

  /** True with the given probability, 0 to 1. */
  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** One of the items; there must be one. */
  pick<T>(items: readonly T[]): T {
    const item = items[this.below(items.length)];
    assert(item !== undefined, "Cannot pick from a list with holes");
    return item;
  }

  /** Another generator whose numbers do not depend on how far this one goes on. */
  fork(): Random {
    return new Random(this.uint32());
  }
}
