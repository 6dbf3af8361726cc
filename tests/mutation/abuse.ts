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
    find: "given.some((other) => timingSafeEqual(mac, other))",
    replace: "given.some((other) => timingSafeEqual(mac, mac) && mac.every((byte, at) => byte === other[at]))",
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
  slip("M937", "Who guesses learns from the time whether there is such a token", {
    file: "lib/access/tokens.ts",
    find: "  const [said, kept] =",
    replace: "  if (hash === undefined) return false;\n  const [said, kept] =",
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
    find: 'return `${address} ${isUserName(name) ? name : ""}`;',
    replace: "return isUserName(name) ? address : `${address} `;",
  }),
];

const RATES = "lib/access/request_rates.ts";
const RATE_TESTS: readonly string[] = ["tests/unit/access/request_rates_test.ts"];
const RESP_TESTS: readonly string[] = ["tests/unit/protocol/resp/rates_test.ts"];
const TEXT_TESTS: readonly string[] = ["tests/unit/protocol/text/users_test.ts"];
const HTTP_TESTS: readonly string[] = ["tests/unit/http/users_test.ts"];

const RATE_SLIPS: readonly Mutation[] = [
  lookedAt(
    RESP_TESTS,
    slip("M757", "Who was silent for an hour may send the requests of an hour at once", {
      file: RATES,
      find: "Math.min(this.requestsPerSecond, this.#tokens + elapsedMs",
      replace: "Math.min(Infinity, this.#tokens + elapsedMs",
    }),
  ),
  lookedAt(
    RATE_TESTS,
    slip("M758", "Something is kept of every user that ever was", {
      file: RATES,
      find: "if (this.#buckets.size < USERS_MAX) return;",
      replace: "if (this.#buckets.size < USERS_MAX * USERS_MAX) return;",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M759", "Each connection has the whole rate of its user", {
      file: RATES,
      find: "let bucket = this.#buckets.get(id);",
      replace: "let bucket: TokenBucket | undefined = undefined as TokenBucket | undefined;",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M760", "A refused command is left out of its transaction without a word", {
      file: "lib/protocol/resp/planner.ts",
      find: 'if (entry?.name !== "EXEC") return rejected(answer(refusal), caller);',
      replace: 'if (entry?.name !== "EXEC") return answer(refusal);',
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M761", "Who has sent too much cannot leave", {
      file: "lib/protocol/resp/planner.ts",
      find: "OPEN[entry?.number ?? UNKNOWN_COMMAND] === true ? undefined : rate.refusal(client.login, now)",
      replace: "OPEN[0] === true ? undefined : rate.refusal(client.login, now)",
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M762", "In the text protocol the user is not counted", {
      file: "lib/protocol/text/interpreter.ts",
      find: "withinRate(request, { rate, login: this.#login,",
      replace: "withinRate(request, { rate, login: undefined,",
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M817", "What the text protocol refuses for another reason may be sent without end", {
      file: "lib/protocol/text/logins.ts",
      find: 'isForAnybody(request) && request.type !== "Refused";',
      replace: "isForAnybody(request);",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M763", "A request that is passed on counts a second time", {
      file: "lib/http/logins.ts",
      find: 'login?.name === "" ? undefined : rate.refusal(login, now)',
      replace: "rate.refusal(login, now)",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M764", "Who has not come in learns of the cluster when he asks too often", {
      file: "lib/http/logins.ts",
      find: "code === NOT_LOGGED_IN.problem.code || code === RATE_LIMITED ||",
      replace: "code === NOT_LOGGED_IN.problem.code ||",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M765", "A refused EXEC leaves its transaction open", {
      file: "lib/protocol/resp/planner.ts",
      find: "caller.transaction.discard();\n      return refuse(`EXECABORT",
      replace: "return refuse(`EXECABORT",
    }),
  ),
];

const TURN_TESTS: readonly string[] = ["tests/unit/net/turn_budget_test.ts"];

const SHARES: readonly Mutation[] = [
  slip("M766", "One connection that pipelines takes the whole turn while others wait", {
    file: "lib/net/turn_budget.ts",
    find: "const share = Math.max(1, Math.floor((this.#requestsMax - this.#taken) / waiting.length));",
    replace: "const share = Math.max(1, this.#requestsMax - this.#taken);",
  }),
  slip("M767", "Who has had nothing of a turn stands behind those who come back", {
    file: "lib/net/turn_budget.ts",
    find: "[...waiting.slice(served), ...this.#waiting]",
    replace: "[...this.#waiting, ...waiting.slice(served)]",
  }),
  slip("M768", "What the others leave of a turn is lost", {
    file: "lib/net/turn_budget.ts",
    find: "while (this.#waiting.length > 0 && this.#taken < this.#requestsMax) this.#goRound();",
    replace: "if (this.#waiting.length > 0) this.#goRound();",
  }),
].map((mutation) => lookedAt(TURN_TESTS, mutation));

const OPENING: readonly Mutation[] = [
  lookedAt(
    ["tests/e2e/fair_share_test.ts"],
    slip("M769", "Of a client that only sends PING as much is done at a time as has come", {
      file: "lib/net/client_connection.ts",
      find: "if (this.#session === undefined) await nextTurn(this.#context.clock);\n      else if",
      replace: "if (nextTurn.length === 0) await nextTurn(this.#context.clock);\n      else if",
    }),
  ),
];

/** Every one. */
export const ABUSE_SLIPS: readonly Mutation[] = [...TIMES, ...LINES, ...RATE_SLIPS, ...SHARES, ...OPENING];
