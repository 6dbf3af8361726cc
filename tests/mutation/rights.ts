/** Planted bugs of rights: what is judged by the wrong key, too late, in part, or not at all. */

import { type Mutation, slip } from "./mutation.ts";

const JUDGE = "lib/kv/judge.ts";
const RIGHTS = "lib/kv/rights.ts";
const USERS = "lib/kv/users.ts";
const ORDERED = "lib/kv/calls/ordered.ts";
const STATE_TESTS: readonly string[] = ["tests/unit/kv/rights_test.ts"];
const RESP_TESTS: readonly string[] = ["tests/unit/protocol/resp/rights_test.ts"];
const TEXT_TESTS: readonly string[] = ["tests/unit/protocol/text/rights_test.ts"];
const HTTP_TESTS: readonly string[] = ["tests/unit/http/rights_test.ts"];

/** The same, with the tests that look at it. */
function lookedAt(tests: readonly string[], mutation: Mutation): Mutation {
  return { ...mutation, tests };
}

const STATE_SLIPS: readonly Mutation[] = [
  slip("M820", "Who may read nothing gets the kept answer of one who may read everything", {
    file: "lib/kv/session_commands.ts",
    find: "writeCount(shown.length) + shown",
    replace: "writeCount(shown.length).slice(0, 0) + shown",
  }),
  slip("M821", "Whether a key is there is told by its cursor to who may not read it", {
    file: ORDERED,
    find: 'readable: keysFrom(context, "")',
    replace: "readable: context.keys.keys()",
  }),
  slip("M825", "RANDOMKEY of who may read a part depends on the other keys", {
    file: ORDERED,
    find: "keys.randomPlace(random, prefix)",
    replace: 'keys.randomPlace(random, prefix?.slice(0, 0) ?? "")',
  }),
  slip("M822", "A cursor is known by the scans of those who may read more", {
    file: "lib/kv/scan_cursor.ts",
    find: "known !== undefined && isShown(shown, known)",
    replace: "known !== undefined && isShown(shown === undefined ? shown : undefined, known)",
  }),
  slip("M730", "Of a transaction no right is asked for the branch that may not be taken", {
    file: JUDGE,
    find: "calls: [...command.then, ...command.otherwise] }, rights);",
    replace: "calls: command.then }, rights);",
  }),
  slip("M731", "Comparisons tell of keys that may not be read", {
    file: JUDGE,
    find:
      '    const missing = missingUse(rights, { right: "read", prefix: key });\n    if (missing !== undefined) return missing;',
    replace: "    if (key.length < 0) return undefined;",
  }),
  slip("M732", "A prefix counts wherever it stands in a key", {
    file: RIGHTS,
    find: "grant[right] && prefix.startsWith(grant.prefix));\n}\n\n/** That right",
    replace: "grant[right] && prefix.includes(grant.prefix));\n}\n\n/** That right",
  }),
  slip("M733", "What is revoked stays, and it is said to be gone", {
    file: RIGHTS,
    find: "left = without;",
    replace: "left = without.length < 0 ? without : left;",
  }),
  slip("M734", "A right that a shorter prefix gives as well is said to be revoked", {
    file: RIGHTS,
    find: 'if (isWider) return "WiderRight";',
    replace: 'if (isWider && grants.length < 0) return "WiderRight";',
  }),
  slip("M735", "What names no key needs no right", {
    file: JUDGE,
    find: 'named.length === 0 ? [""] : named',
    replace: "named",
  }),
  slip("M736", "Of many keys one is judged", {
    file: JUDGE,
    find: "for (const key of writes) {",
    replace: "for (const key of writes.slice(0, 1)) {",
  }),
  slip("M737", "The most frequent write is judged by the login alone", {
    file: "lib/kv/plain_put.ts",
    find: "if (rights === undefined || rights.isAdmin) return",
    replace: "if (rights === undefined || rights.isAdmin || rights.grants.length > 0) return",
  }),
  slip("M738", "A counter is judged by the login alone", {
    file: "lib/kv/state_machine.ts",
    find: "this.#users.rightsOf(this.#plainCounter.login)?.isAdmin === true",
    replace: "this.#users.rightsOf(this.#plainCounter.login) !== undefined",
  }),
  slip("M739", "Lists go on behind what may be read", {
    file: ORDERED,
    find: "      if (!key.startsWith(prefix)) break;\n      yield key;",
    replace: "      if (key < prefix) break;\n      yield key;",
  }),
  slip("M740", "The last administrator gives that up, and nobody can change the users", {
    file: USERS,
    find: 'return before !== undefined && this.#isLastAdmin(before) ? "LastAdmin" : rights;',
    replace: "return rights;",
  }),
  slip("M741", "What a session keeps is shown to one who may read less", {
    file: "lib/kv/session_commands.ts",
    find: "shown !== undefined && dependsOnShown(command)",
    replace: "shown !== undefined && dependsOnShown(command) && shown.length < 0",
  }),
  slip("M742", "A snapshot makes everybody an administrator", {
    file: "lib/kv/snapshot_cut.ts",
    find: "...isPlainAdmin(rights) ? [] : [writeRights(rights)]",
    replace: '...isPlainAdmin(rights) || writeRights(rights) !== "" ? [] : [writeRights(rights)]',
  }),
];

const PROTOCOL_SLIPS: readonly Mutation[] = [
  lookedAt(
    RESP_TESTS,
    slip("M823", "Of one ACL SETUSER a pattern that a later rule takes away is given", {
      file: "lib/protocol/resp/acl_rules.ts",
      find: 'if (what !== "Categories") this.#patterns = [];',
      replace: "",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M824", "Of one ACL SETUSER a category that a later rule takes away is given", {
      file: "lib/protocol/resp/acl_rules.ts",
      find: "    this.isAdmin = false;\n    this.#all = false;",
      replace: "    this.#all = false;",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M743", "EXEC of reads alone is not judged", {
      file: "lib/protocol/resp/transaction.ts",
      find: "judge: (rights) => missingForParts({ compares, calls }, rights),",
      replace: "judge: (rights) => missingForParts({ compares, calls: [] }, rights),",
    }),
  ),
  lookedAt(
    RESP_TESTS,
    slip("M744", "What was queued is done when the right for it is gone", {
      file: "lib/protocol/resp/planner.ts",
      find: "      if (refusal !== undefined) return refusal;\n",
      replace: "      if (refusal !== undefined && number < 0) return refusal;\n",
    }),
  ),
  lookedAt(
    TEXT_TESTS,
    slip("M745", "A stale read in the text protocol needs no right", {
      file: "lib/protocol/text/logins.ts",
      find: 'if (request.type === "StaleRead") {',
      replace: 'if (request.type === "StaleRead" && request.key === "") {',
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M746", "A watcher goes on when a right for what he sees is gone", {
      file: "lib/access/gate.ts",
      find: " || visitor.holds?.() === false",
      replace: "",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M747", "A watcher sees every change in the range around what he may read", {
      file: "lib/http/event_stream/filter.ts",
      find: " &&\n    (filter.shown === undefined || filter.shown.some((prefix) => key.startsWith(prefix)))",
      replace: "",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M748", "An operation over HTTP that does not say for whom it is is for every user", {
      file: "lib/http/service.ts",
      find: "route.isForUsers === true || gate.isAdmin(login)",
      replace: "route.isForUsers !== false || gate.isAdmin(login)",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M749", "Who loses admin while the leader is asked still moves leadership", {
      file: "lib/access/user_node.ts",
      find: "throw new NotLoggedInError();\n    this.#checkAdmin();\n  }\n}",
      replace: "throw new NotLoggedInError();\n  }\n}",
    }),
  ),
];

/** In the order of their numbers. */
export const RIGHT_SLIPS: readonly Mutation[] = [
  ...STATE_SLIPS.map((mutation) => lookedAt(STATE_TESTS, mutation)),
  ...PROTOCOL_SLIPS,
];
