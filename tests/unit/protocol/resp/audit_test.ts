/** Which commands of Redis clients belong in the audit log, and what a line says of them. */

import { assertEquals } from "@std/assert";
import { AUDITED, PATHS } from "../../../../lib/protocol/resp/commands.ts";
import { isRightsError } from "../../../../lib/protocol/resp/errors.ts";

Deno.test("what changes more than keys and its own connection is recorded, what only looks is not", () => {
  const audited = PATHS.filter((_path, number) => AUDITED[number] === true);
  assertEquals(audited, [
    ...["client|kill", "save", "bgsave", "config|set", "config|resetstat", "config|rewrite"],
    ...["slowlog|reset", "latency|reset"],
    ...["kv.member|add", "kv.member|promote", "kv.member|drain", "kv.member|undrain", "kv.member|remove"],
    ...["acl|log", "acl|setuser", "acl|deluser"],
  ]);
});

Deno.test("a missing right is known by the code of the error", () => {
  for (const error of ["NOAUTH Authentication required.", "NOPERM this user has no permissions"]) {
    assertEquals(isRightsError({ error }), true);
  }
  for (const error of ["ERR NOAUTH", "NOAUTHENTICATION x", "WRONGPASS invalid", "WRONGTYPE x", "ERR x"]) {
    assertEquals(isRightsError({ error }), false);
  }
});
