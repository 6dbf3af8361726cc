/** Planted bugs of what keeps one client from taking what others need: logins under abuse, rates, shares of a turn. */

import { type Mutation, slip } from "./mutation.ts";

const TIMING_TESTS: readonly string[] = ["tests/unit/access/timing_test.ts"];

/** The same, with the tests that look at it. */
function lookedAt(tests: readonly string[], mutation: Mutation): Mutation {
  return { ...mutation, tests };
}

const TIMES: readonly Mutation[] = [
  slip("M750", "Who guesses learns from the time whether there is such a user", {
    file: "lib/access/passwords.ts",
    find: "const [, , , , salt",
    replace: "if (hash === undefined) return false;\n  const [, , , , salt",
  }),
  slip("M751", "A pass is compared up to the first difference", {
    file: "lib/access/node_pass.ts",
    find: 'if (!timingSafeEqual(expected, Buffer.from(mac, "hex")))',
    replace:
      'const given = Buffer.from(mac, "hex");\n    if (!timingSafeEqual(expected, expected) || !expected.every((byte, at) => byte === given[at]))',
  }),
  slip("M752", "The proof of a peer is compared up to the first difference", {
    file: "lib/transport/credentials.ts",
    find: "timingSafeEqual(left, right);",
    replace: "timingSafeEqual(left, left) && left.every((byte, at) => byte === right[at]);",
  }),
  slip("M753", "The tag of a frame is compared up to the first difference", {
    file: "lib/transport/seal.ts",
    find: "return timingSafeEqual(this.#tagOf(frame), tag);",
    replace:
      "const right = this.#tagOf(frame);\n    return timingSafeEqual(right, right) && right.every((byte, at) => byte === tag[at]);",
  }),
  slip("M754", "The token of pages is compared up to the first difference", {
    file: "lib/http/token.ts",
    find: "difference |= sent.charCodeAt(at) ^ token.charCodeAt(at);",
    replace:
      "{\n    difference |= sent.charCodeAt(at) ^ token.charCodeAt(at);\n    if (difference !== 0) return false;\n  }",
  }),
].map((mutation) => lookedAt(TIMING_TESTS, mutation));

const LINES: readonly Mutation[] = [
  slip("M755", "Whoever guesses at many passwords is worked for before everybody who comes later", {
    file: "lib/access/hash_queue.ts",
    find: "const line = this.#waiting.get(who) ?? [];\n    this.#waiting.set(who, line);",
    replace: 'who = "";\n    const line = this.#waiting.get(who) ?? [];\n    this.#waiting.set(who, line);',
  }),
  slip("M756", "Who guesses at one user keeps every other user of that address waiting", {
    file: "lib/access/gate.ts",
    find: 'const pair = `${address} ${isUserName(claim.name) ? claim.name : ""}`;',
    replace: "const pair = address;",
  }),
];

/** Every one. */
export const ABUSE_SLIPS: readonly Mutation[] = [...TIMES, ...LINES];
