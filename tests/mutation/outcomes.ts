/** Planted bugs of what clients are told: on nodes that have too much to do, in contention, by way of the leader, and by HTTP. */

import { type Mutation, slip } from "./mutation.ts";

const SUBMISSIONS = "lib/node/writes/submissions.ts";
const OVERLOAD_TEST = "tests/unit/node/overload_test.ts";
const CONTENTION_TEST = "tests/unit/protocol/resp/contention_test.ts";

/** In the order of their numbers. */
export const OUTCOME_SLIPS: readonly Mutation[] = [
  {
    id: "M300",
    what: "A node that has too much to do refuses a write and does it all the same",
    patches: [{
      file: "lib/node/writes/proposals.ts",
      find: "    if (reason !== undefined) return this.#refuseWrite(write, reason);\n    this.#queue.push(write);",
      replace: "    if (reason !== undefined) this.#refuseWrite(write, reason);\n" +
        '    if (reason !== undefined && reason !== "Overloaded") return;\n' +
        "    const { command, bytes, deadline, growthBytes } = write;\n" +
        "    this.#queue.push(reason === undefined ? write : { command, bytes, deadline, growthBytes, done: () => {} });",
    }],
    tests: [OVERLOAD_TEST],
  },
  {
    id: "M301",
    what: "Writes that ended without a leader take up room forever",
    patches: [{
      file: SUBMISSIONS,
      find: "    for (const { command, finished } of submissions) {\n      this.#waitingBytes -= command.length;\n",
      replace: "    for (const { finished } of submissions) {\n",
    }],
    tests: [OVERLOAD_TEST],
  },
  {
    id: "M302",
    what: "A follower that is behind is sent no entry longer than a message should be",
    patches: [{
      file: "lib/raft/log.ts",
      find: "    const parts = [part];\n",
      replace: "    if (part.bytes > limits.bytesPerMessageMax && at + 1 < this.#runs.length) return undefined;\n" +
        "    const parts = [part];\n",
    }, {
      file: "lib/raft/replication.ts",
      find: "else if (entries !== undefined) peer.sent(entries.lastIndex);",
      replace: "else peer.sent(entries?.lastIndex ?? core.log.lastIndex);",
    }],
    tests: ["tests/unit/node/longest_values_test.ts"],
  },
  {
    id: "M303",
    what: "A write that was passed on to a leader that is gone counts as not done",
    patches: [{
      file: "lib/node/writes/flights.ts",
      find: 'batch[at]?.done({ type: "Unknown" });',
      replace: 'batch[at]?.done({ type: "NotDone", reason: "NoLeader", leaderId: undefined });',
    }],
    tests: [CONTENTION_TEST],
  },
  {
    id: "M304",
    what: "EXEC compares watched keys with what they are and not with what they were",
    patches: [{
      file: "lib/protocol/resp/transaction.ts",
      find: "    const compares = Array.from(this.#watched, ([key, operand]): Compare => {\n",
      replace: "    const compares = Array.from(this.#watched, ([key]): Compare => {\n" +
        "      const operand = node.state.get(key)?.revision.toString() ?? ABSENT;\n",
    }],
    tests: [CONTENTION_TEST],
  },
  slip("M305", "A request that is passed on to the leader does not say so, and is passed on by that again", {
    file: "lib/http/leader_proxy.ts",
    find: "        [FORWARDED]: String(node.id),\n",
    replace: "",
  }),
  slip("M306", "A leader that breaks off in its answer is taken for one that has ended it", {
    file: "lib/http/direct_request.ts",
    find: 'if (count === null) throw new Error("The connection ended before the answer did");',
    replace: "if (count === null) return void (this.#received += END_OF_HEAD.repeat(READ_BYTES));",
  }),
  {
    id: "M307",
    what: "HTTP takes numbers beyond their bounds",
    patches: [{
      file: "lib/http/routes/scan.ts",
      find: "limit < 1 || limit > PAGE_KEYS.most",
      replace: "limit < 1",
    }],
    tests: ["tests/e2e/http_generated_test.ts"],
  },
  slip("M308", "A write that waits when the term ends is proposed in the next term that its node leads", {
    file: "lib/node/writes/proposals.ts",
    find: "    if (this.#queueTerm === currentTerm) return;\n",
    replace: "    if (this.#queueTerm !== undefined) return;\n",
  }),
  slip("M309", "A list of values is made to its end before it is found too long", {
    file: "lib/kv/reply_bounds.ts",
    find: "    if (bytes > REPLY_BYTES_MAX) return REPLY_TOO_LONG;\n",
    replace: "",
  }),
  slip("M319", "A transaction goes on to read what there is no room for", {
    file: "lib/kv/reply_bounds.ts",
    find: "if (this.#isFull && !isWrite) return REPLY_TOO_LONG;",
    replace: "if (this.#isFull && !isWrite && this.#bytes < 0) return REPLY_TOO_LONG;",
  }),
  slip("M320", "The results of a transaction over HTTP are put together however long they are", {
    file: "lib/http/routes/txn.ts",
    find: "    return bytes <= this.#room;\n",
    replace: "    return bytes <= Math.max(this.#room, bytes);\n",
  }),
];
