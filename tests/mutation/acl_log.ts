/** Planted bugs of ACL LOG. */

import { type Mutation, slip } from "./mutation.ts";

/** In the order of their numbers. */
export const ACL_LOG_SLIPS: readonly Mutation[] = [
  slip("M863", "ACL LOG shows what was given for a name, which may be a password", {
    file: "lib/protocol/resp/commands/logins.ts",
    find: 'username: isThere ? name : "",',
    replace: "username: isThere ? name : name.slice(0, 64),",
  }),
  slip("M864", "ACL LOG of strangers fills the memory", {
    file: "lib/access/acl_log.ts",
    find: "    if (this.#entries.length > ACL_LOG_LENGTH_MAX) this.#entries.pop();\n",
    replace: "",
  }),
  slip("M865", "Refusals of different users are one entry of ACL LOG", {
    file: "lib/access/acl_log.ts",
    find: "      entry.username === username && at",
    replace: "      at",
  }),
  slip("M866", "A refused EXEC is no part of a MULTI in ACL LOG", {
    file: "lib/protocol/resp/audit.ts",
    find: 'transaction.isOpen || path === "exec" ?',
    replace: "transaction.isOpen ?",
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/unit/protocol/resp/acl_log_test.ts"] }));

/** Refusals of other protocols are there as well. In the order of their numbers. */
export const OTHER_PROTOCOL_SLIPS: readonly Mutation[] = [
  slip("M938", "ACL LOG shows refusals of other protocols to who has not logged in, which strangers fill it with", {
    file: "lib/access/gate.ts",
    find: "    if (this.rightsOf(login) === undefined) return;\n    const { clock, node } = this.#parts;\n",
    replace: "    const { clock, node } = this.#parts;\n",
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/unit/protocol/text/acl_log_test.ts"] }));

/** What is kept of a request keeps all of it in memory. In the order of their numbers. */
export const KEPT_WORDS_SLIPS: readonly Mutation[] = [
  slip("M990", "ACL LOG keeps refused requests whole in memory", {
    file: "lib/access/acl_log.ts",
    find: "object: ownCopy(object)",
    replace: "object",
  }),
  slip("M991", "The slow log keeps commands whole in memory", {
    file: "lib/protocol/resp/statistics/slow_log.ts",
    find: "ownCopy(word.slice(0, WORD_BYTES_MAX))",
    replace: 'word.slice(0, WORD_BYTES_MAX) + ownCopy("")',
  }),
  slip("M992", "A connection keeps what it sent last", {
    file: "lib/protocol/resp/request_reader.ts",
    find: "if (this.hasInput) return;",
    replace: "if (this.hasInput || this.#at >= 0) return;",
  }),
  slip("M993", "HELLO SETNAME keeps what came with the name", {
    file: "lib/protocol/resp/commands/connection.ts",
    find: "client.name = ownCopy(name)",
    replace: 'client.name = name + ownCopy("")',
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/unit/protocol/resp/kept_words_test.ts"] }));
