/** Planted bugs of the writes that followers pass on to the leader. */

import { type Mutation, slip } from "./mutation.ts";

const FORWARDED_WRITES = "lib/node/writes/forwarded_writes.ts";
const TESTS = ["tests/unit/node/forward_chains_test.ts", "tests/unit/node/order_of_writes_test.ts"];

/** In the order of their numbers. */
export const FORWARDING_SLIPS: readonly Mutation[] = [
  {
    id: "M32",
    what: "Writes that were passed on are done again when their frame comes a second time",
    patches: [{
      file: FORWARDED_WRITES,
      find: "if (known !== undefined && id <= known.lastId) return undefined;",
      replace: "if (known !== undefined && id + known.lastId < 0) return undefined;",
    }],
  },
  {
    ...slip("M340", "Writes are taken behind a frame that never came", {
      file: FORWARDED_WRITES,
      find: "isWhole: after === 0 }",
      replace: "isWhole: id > 0 }",
    }),
    tests: TESTS,
  },
  {
    ...slip("M341", "A leader goes on with a chain of which it has refused something", {
      file: FORWARDED_WRITES,
      find: "if (isForAnotherLeader(outcome)) chain.isWhole = false;",
      replace: "if (isForAnotherLeader(outcome) && at < 0) chain.isWhole = false;",
    }),
    tests: TESTS,
  },
  {
    ...slip("M342", "A leader goes on with a chain that it began in an earlier term", {
      file: FORWARDED_WRITES,
      find: "&& term === known.term",
      replace: "&& term >= known.term",
    }),
    tests: TESTS,
  },
  {
    ...slip("M343", "Frames follow one of which something was refused, so that the chain never ends under load", {
      file: "lib/node/writes/flights.ts",
      find: "if (isForAnotherLeader(outcome)) this.#isWhole = false;",
      replace: "if (isForAnotherLeader(outcome) && id < 0) this.#isWhole = false;",
    }),
    tests: TESTS,
  },
  {
    ...slip(
      "M344",
      "What waits behind a proposal that was refused while handing over is proposed after it was given up",
      {
        file: "lib/node/writes/proposals.ts",
        find: 'if (reason !== "Overloaded") this.#refuseQueued(reason);',
        replace: 'if (reason === "TooLarge") this.#refuseQueued(reason);',
      },
    ),
    tests: TESTS,
  },
  {
    ...slip(
      "M345",
      "A node that leads again proposes new writes before it knows what became of those of its earlier term",
      {
        file: "lib/node/writes/submissions.ts",
        find: "flights.isEmpty && !proposals.hasOlder;",
        replace: "flights.isEmpty && proposals.size >= 0;",
      },
    ),
    tests: TESTS,
  },
];
