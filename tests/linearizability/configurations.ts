/** Which configurations a search has reached: what was ordered, the state, and which unknown operations were used for it. */

import type { RankSet } from "./rank_set.ts";

/**
 * Remembers configurations. An unknown operation never has to be used, so a configuration is worth a visit only if none
 * was reached with the same order and state, and the same unknown operations used or fewer.
 */
export class Configurations {
  /** For what was ordered and the state: the sets of used operations, none of which contains another. */
  readonly #reached = new Map<string, string | string[]>();

  /** Whether this is worth a visit; remembers it then. `name` stands for all but the used operations. */
  add(name: string, used: RankSet): boolean {
    const words = used.words();
    const before = this.#reached.get(name);
    if (before === undefined) {
      this.#reached.set(name, words);
      return true;
    }
    const sets = typeof before === "string" ? [before] : before;
    if (sets.some((set) => isWithin(set, words))) return false;
    this.#reached.set(name, [...sets.filter((set) => !isWithin(words, set)), words]);
    return true;
  }
}

/** Whether one set has no member that the other has not. A set is a text of words of bits, without empty words at its end. */
function isWithin(one: string, other: string): boolean {
  if (one.length > other.length) return false;
  for (let at = 0; at < one.length; at++) {
    if ((one.charCodeAt(at) & ~other.charCodeAt(at)) !== 0) return false;
  }
  return true;
}
