/** Items in an order that chance gives. */

import type { Random } from "../../lib/base/random.ts";

/** A new list with the same items. */
export function shuffled<Item>(items: readonly Item[], random: Random): readonly Item[] {
  const left = [...items];
  for (let at = left.length - 1; at > 0; at--) {
    const other = random.below(at + 1);
    const [here, there] = [left[at], left[other]];
    if (here !== undefined && there !== undefined) [left[at], left[other]] = [there, here];
  }
  return left;
}
