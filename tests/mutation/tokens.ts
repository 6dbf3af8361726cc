/** Planted bugs of tokens: who comes in with one, for how long, and what is told of it. */

import { type Mutation, slip } from "./mutation.ts";

const TOKENS = "lib/kv/tokens.ts";
const USERS = "lib/kv/users.ts";
const GATE = "lib/access/gate.ts";
const STATE_TESTS: readonly string[] = ["tests/unit/kv/tokens_test.ts"];
const GATE_TESTS: readonly string[] = ["tests/unit/access/tokens_test.ts"];
const HTTP_TESTS: readonly string[] = ["tests/unit/http/tokens_test.ts"];

/** The same, with the tests that look at it. */
function lookedAt(tests: readonly string[], mutation: Mutation): Mutation {
  return { ...mutation, tests };
}

/** In the order of their numbers. */
export const TOKEN_SLIPS: readonly Mutation[] = [
  lookedAt(
    STATE_TESTS,
    slip("M830", "Tokens stay in the state for good when their user gets another password", {
      file: USERS,
      find: "    if (before !== undefined && login !== before.login) this.#tokens?.removeAll(before.login);\n",
      replace: "",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M831", "A revoked token goes on until it expires", {
      file: TOKENS,
      find: "    this.#byId.delete(id);\n",
      replace: "    if (this.#byOwner.get(owner)?.size === 1) this.#byId.delete(id);\n",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M832", "A token makes tokens, which outlive it", {
      file: USERS,
      find: 'if (this.findToken(login) !== undefined) return "PasswordNeeded";',
      replace: 'if (this.findToken(-login) !== undefined) return "PasswordNeeded";',
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M833", "Everybody makes and revokes everybody's tokens", {
      file: USERS,
      find: "return asker === undefined || asker.name === user ? undefined",
      replace: "return asker === undefined || asker.name !== user.toUpperCase() ? undefined",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M834", "A token is good for one entry more than its life", {
      file: TOKENS,
      find: "token.expiresAt <= nowMs) this.#drop(token);",
      replace: "token.expiresAt < nowMs) this.#drop(token);",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M835", "Nobody hears that a token has expired", {
      file: USERS,
      find: "    if (this.#tokens?.expire(nowMs) === true) this.#changed(revision);",
      replace: "    if (this.#tokens?.expire(nowMs) === true && nowMs === 0) this.#changed(revision);",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M836", "A leader makes no entry for tokens that are due", {
      file: "lib/kv/state_machine.ts",
      find: "const parts = [this.#keys, this.#sessions, this.#users];",
      replace: "const parts = [this.#keys, this.#sessions];",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M837", "A forced recovery and a restore forget the tokens", {
      file: "lib/kv/raised_blocks.ts",
      find: 'if (content?.["tokens"] !== undefined) yield block;',
      replace: "",
    }),
  ),
  lookedAt(
    STATE_TESTS,
    slip("M838", "The digest of a state says nothing of its tokens", {
      file: USERS,
      find: "`${token.id} ${token.name} ${token.hash} ${token.expiresAt}`",
      replace: "String(token.id)",
    }),
  ),
  lookedAt(
    GATE_TESTS,
    slip("M839", "A token comes in whatever its secret is", {
      file: "lib/access/tokens.ts",
      find: "return isEqual && hash !== undefined;",
      replace: "return (isEqual || secret.length === hash?.slice(31).length) && hash !== undefined;",
    }),
  ),
  lookedAt(
    GATE_TESTS,
    slip("M840", "A token comes in as any user", {
      file: GATE,
      find: "(name === TOKEN_USER || name === user.name)",
      replace: '(name !== "")',
    }),
  ),
  lookedAt(
    GATE_TESTS,
    slip("M841", "A token whose time is over comes in as long as no entry says so", {
      file: GATE,
      find: "return this.#hasExpired(login.id) ? undefined : login;",
      replace: "return login;",
    }),
  ),
  lookedAt(
    GATE_TESTS,
    slip("M842", "Each token of a user has a rate of its own", {
      file: "lib/access/request_rates.ts",
      find: "const id = this.#node.users.findByLogin(login.id)?.login ?? login.id;",
      replace: "const id = login.id;",
    }),
  ),
  lookedAt(
    HTTP_TESTS,
    slip("M843", "Everybody sees everybody's tokens", {
      file: "lib/http/routes/tokens.ts",
      find: "gate.nameOf(login) === name ? undefined",
      replace: 'gate.nameOf(login) !== "" ? undefined',
    }),
  ),
  lookedAt(
    GATE_TESTS,
    slip("M844", "What was given as a token is recorded as a name", {
      file: GATE,
      find: "subject: login === undefined ? undefined : users.findToken(login.id)?.name,",
      replace: "subject: login === undefined ? undefined : claim.password,",
    }),
  ),
];
