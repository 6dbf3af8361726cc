/** Planted bugs of the audit log: what stands in it, for how long, and who can displace it. */

import { type Mutation, slip } from "./mutation.ts";

function looked(test: string, mutation: Mutation): Mutation {
  return { ...mutation, tests: [test] };
}

/** All of them. */
export const AUDIT_SLIPS: readonly Mutation[] = [
  looked(
    "tests/unit/observe/audit_test.ts",
    slip("M782", "Strangers fill the audit log as fast as they are refused", {
      file: "lib/observe/audit.ts",
      find: "return ++counts.refusals <= REFUSALS_PER_SECOND_MAX;",
      replace: "return ++counts.refusals <= Number.MAX_SAFE_INTEGER - REFUSALS_PER_SECOND_MAX;",
    }),
  ),
  looked(
    "tests/unit/observe/audit_test.ts",
    slip("M818", "A user fills the audit log by logging in without end", {
      file: "lib/observe/audit.ts",
      find: "return ++counts.logins <= LOGINS_PER_SECOND_MAX;",
      replace: "return ++counts.logins <= Number.MAX_SAFE_INTEGER - LOGINS_PER_SECOND_MAX;",
    }),
  ),
  looked(
    "tests/e2e/audit_test.ts",
    slip("M783", "What was given for a name is recorded, whatever it was", {
      file: "lib/access/gate.ts",
      find: 'user: login?.name ?? (isThere ? name : ""),',
      replace: "user: name,",
    }),
  ),
  looked(
    "tests/unit/observe/audit_test.ts",
    slip("M784", "A subject of other bytes stands in the audit log as it is", {
      file: "lib/observe/audit.ts",
      find: ".replace(NOT_PLAIN, escaped)",
      replace: ".replace(isCut ? NOT_PLAIN : /^$/, escaped)",
    }),
  ),
  looked(
    "tests/unit/observe/audit_file_test.ts",
    slip("M785", "A full file of the audit log takes the place of the last one", {
      file: "lib/observe/audit_file.ts",
      find: "await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);",
      replace: "if (number === 0) await renameIfThere(`${path}.${number}`, `${path}.${number + 1}`);",
    }),
  ),
  looked(
    "tests/unit/observe/audit_file_test.ts",
    slip("M786", "Lines wait for a disk without a bound", {
      file: "lib/observe/audit_file.ts",
      find: "this.#isClosed || this.#queueBytes + bytes.length > AUDIT_QUEUE_BYTES_MAX",
      replace: "this.#isClosed || bytes.length > AUDIT_QUEUE_BYTES_MAX",
    }),
  ),
  looked(
    "tests/unit/observe/audit_file_test.ts",
    slip("M787", "A line that was cut goes on in the next one", {
      file: "lib/observe/audit_file.ts",
      find: "if (last[0] !== LINE_END.charCodeAt(0))",
      replace: "if (last[0] === undefined)",
    }),
  ),
  looked(
    "tests/e2e/audit_test.ts",
    slip("M788", "What EXEC does is not recorded", {
      file: "lib/protocol/resp/audit.ts",
      find: "of client.executed) {",
      replace: "of client.executed.slice(1_000)) {",
    }),
  ),
  looked(
    "tests/e2e/audit_test.ts",
    slip("M789", "A request without a login is refused over HTTP, and nobody hears of it", {
      file: "lib/http/service.ts",
      find: "if (isLoginNeeded(destination)) this.#audit",
      replace: "if (!isLoginNeeded(destination)) this.#audit",
    }),
  ),
];
