/** Planted bugs of the comparison of states: voices that do not count, digests that cannot be compared, and states that nobody compares. */

import { type Mutation, slip } from "./mutation.ts";

const COMPARISON = "lib/node/self_check/comparison.ts";
const TESTS: readonly string[] = [
  "tests/unit/node/self_check/comparison_test.ts",
  "tests/unit/node/self_check/state_checks_test.ts",
  "tests/unit/node/self_check/self_check_test.ts",
];

/** All of them. */
export const SELF_CHECK_SLIPS: readonly Mutation[] = [
  slip("M951", "Digests of different versions are compared", {
    file: COMPARISON,
    find: 'return digest.slice(0, digest.indexOf(":"));',
    replace: "return digest.slice(0, 0);",
  }),
  slip("M952", "Half of the voters count as a majority", {
    file: COMPARISON,
    find: "return 2 * some.length > all.length;",
    replace: "return 2 * some.length >= all.length;",
  }),
  slip("M953", "A node that differed at an older entry is told of although it agrees at a newer one", {
    file: COMPARISON,
    find: "if (differing.has(id) || agreeing.has(id)) continue;",
    replace: "if (differing.has(id)) continue;",
  }),
  slip("M954", "Nobody compares what was written last", {
    file: "lib/node/self_check/state_checks.ts",
    find: "return timeMs > 0 && lastApplied > this.#lastIndex && nowMs >= this.dueMs;",
    replace: "return timeMs > 0 && lastApplied > this.#lastIndex + 1_000 && nowMs >= this.dueMs;",
  }),
].map((mutation) => ({ ...mutation, tests: TESTS }));
