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
    file: "lib/protocol/resp/statistics/acl_log.ts",
    find: "    if (this.#entries.length > ACL_LOG_LENGTH_MAX) this.#entries.pop();\n",
    replace: "",
  }),
  slip("M865", "Refusals of different users are one entry of ACL LOG", {
    file: "lib/protocol/resp/statistics/acl_log.ts",
    find: "      entry.username === username && at",
    replace: "      at",
  }),
  slip("M866", "A refused EXEC is no part of a MULTI in ACL LOG", {
    file: "lib/protocol/resp/audit.ts",
    find: 'transaction.isOpen || path === "exec" ?',
    replace: "transaction.isOpen ?",
  }),
].map((mutation) => ({ ...mutation, tests: ["tests/unit/protocol/resp/acl_log_test.ts"] }));
