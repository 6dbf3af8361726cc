/** Slips in what takes, proposes and answers several writes or reads together. */

import { type Mutation, slip } from "./mutation.ts";

const RUN = "lib/protocol/resp/write_run.ts";
const TESTS: readonly string[] = [
  "tests/unit/protocol/resp/write_run_test.ts",
  "tests/unit/protocol/resp/read_run_test.ts",
  "tests/unit/protocol/resp/bounds_test.ts",
  "tests/unit/protocol/conversation/conversation_test.ts",
  "tests/unit/protocol/conversation/in_flight_test.ts",
  "tests/unit/node/writes/submitted_run_test.ts",
  "tests/unit/node/pending_test.ts",
  "tests/unit/node/order_of_writes_test.ts",
  "tests/unit/raft/run_test.ts",
];

/** In the order of their numbers. */
export const WRITE_RUN_SLIPS: readonly Mutation[] = [
  slip("M1011", "The writes of a run are nobody's, whoever sent them", {
    file: RUN,
    find: '    const user = login === NO_LOGIN ? "" : `u${login}`;\n',
    replace: '    const user = login === -1 ? `u${login}` : "";\n',
  }),
  slip("M1012", "A request whose last bytes have not come is taken into a run", {
    file: "lib/protocol/resp/bulk_reader.ts",
    find: "return this.at <= this.#end;",
    replace: "return this.at <= this.#end + LINE_END_BYTES;",
  }),
  slip("M1013", "A write of a run that another leader is to do takes its place behind later ones", {
    file: "lib/node/writes/submissions.ts",
    find: "    const { deadline, order } = run;\n",
    replace: "    const { deadline } = run;\n    const order = this.#lastOrder + 1;\n",
  }),
  slip("M1014", "A run that waits while its term ends has the outcome of its first write only", {
    file: "lib/node/writes/submitted_run.ts",
    find: "    for (const part of this.parts) part.done(outcome);\n",
    replace: "    for (const part of this.parts.slice(0, 1)) part.done(outcome);\n",
  }),
  slip("M1015", "The first command of a run stands in the log twice when it carries the leader's time", {
    file: "lib/raft/run.ts",
    find: "{ count: count - 1, body: body.subarray(reader.end) };",
    replace: "{ count, body };",
  }),
  slip("M1016", "A run counts as one request towards those in flight", {
    file: "lib/protocol/conversation/reply_queue.ts",
    find: "    this.#size += requests;\n",
    replace: "    this.#size += 1;\n",
  }),
  slip("M1017", "A run counts as one request towards those of a turn", {
    file: "lib/protocol/resp/take_run.ts",
    find: "turns.takeMore(run.count - 1);",
    replace: "turns.takeMore(0 * run.count);",
  }),
  slip("M1130", "However many connections are open, each has as many requests in flight as one that is alone", {
    file: "lib/protocol/conversation/conversation.ts",
    find: "Math.floor(REQUESTS_IN_FLIGHT_SHARED / connections)",
    replace: "Math.floor(REQUESTS_IN_FLIGHT_SHARED / Math.min(1, connections))",
  }),
  slip("M1131", "With many connections each has its share of the requests in flight, however small", {
    file: "lib/protocol/conversation/conversation.ts",
    find: "Math.max(REQUESTS_IN_FLIGHT_MIN, share)",
    replace: "Math.max(REQUESTS_IN_FLIGHT_MIN - REQUESTS_IN_FLIGHT_MIN, share)",
  }),
  slip("M1181", "A connection has as many long requests in flight as short ones", {
    file: "lib/protocol/conversation/conversation.ts",
    find: "return bytes < REQUESTS_IN_FLIGHT_BYTES_MAX\n",
    replace: "return bytes < Infinity * REQUESTS_IN_FLIGHT_BYTES_MAX\n",
  }),
  slip("M1018", "The buffer of a connection is looked at for bytes that came before those in it", {
    file: "lib/protocol/resp/request_reader.ts",
    find: "    this.#chunk = this.#rest;\n    this.#buffer = undefined;\n",
    replace: "    this.#chunk = this.#rest;\n    this.#buffer = buffer;\n",
  }),
  slip("M1019", "A run counts as one write towards those that may wait", {
    file: "lib/node/writes/write_queue.ts",
    find: "    this.#size += countOf(write);\n",
    replace: "    this.#size += 1;\n",
  }),
  slip("M1020", "Reads that are answered one by one after all hold back what is behind them only until the first is", {
    file: "lib/protocol/conversation/conversation.ts",
    find: "    this.#readsOpen += others.length;\n",
    replace: "    this.#readsOpen += 0 * others.length;\n",
  }),
].map((mutation) => ({ ...mutation, tests: TESTS }));
