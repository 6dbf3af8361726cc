/** What is refused in the text protocol for the lack of a right is in ACL LOG: the key or the command, the user, the protocol; no value. */

import { assert, assertEquals } from "@std/assert";
import { ACL_LOG_LENGTH_MAX } from "../../../../lib/access/acl_log.ts";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { gateOf } from "../../../support/gate.ts";
import { removeUser, rightsOf, setUser } from "../../../support/users.ts";
import { Stage } from "./users_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);

/** Count, reason, context, object and user of each entry, the newest first. */
function shown(stage: Stage): readonly unknown[][] {
  return gateOf(stage.node, stage.clock).aclLog.newest(ACL_LOG_LENGTH_MAX).map((entry) => {
    const { count, reason, context, object, username } = entry;
    return [count, reason, context, object, username];
  });
}

Deno.test("keys and commands that a user may not use are told, and who has not logged in is left out", async () => {
  const stage = new Stage();
  await stage.do(setUser("root", { hash: HASH }));
  const change = { revoked: NO_RIGHTS, granted: rightsOf("both:p:") };
  await stage.doAsRoot(setUser("alice", { hash: HASH, change }));
  const client = stage.connect();
  for (const line of ["PUT q secret-value", "GET q", "SNAPSHOT", `AUTH alice wrong-${PASSWORD}`]) {
    await client.slowly(line);
  }
  assertEquals(shown(stage), []);
  assertEquals(await client.slowly(`AUTH alice ${PASSWORD}`), "Logged in.\n");
  for (const line of ["PUT p:1 v", "GET p:1"]) await client.ask(line);
  assertEquals(shown(stage), []);
  for (const line of ["PUT q secret-value", "GET q", "GET r STALE", "DELETE s", "SNAPSHOT", "MEMBER REMOVE 1"]) {
    const reply = await client.slowly(line);
    assert(reply.startsWith("Error: Not permitted."), `${line}: ${reply}`);
  }
  assertEquals(shown(stage), [
    [1, "command", "text", "member|remove", "alice"],
    [1, "command", "text", "snapshot", "alice"],
    [1, "key", "text", "s", "alice"],
    [1, "key", "text", "r", "alice"],
    [2, "key", "text", "q", "alice"],
  ]);
  const { aclLog } = gateOf(stage.node, stage.clock);
  const entries = aclLog.newest(ACL_LOG_LENGTH_MAX);
  assert(!JSON.stringify(entries).includes("secret-value"));
  assertEquals(entries[0]?.clientInfo, `addr=${client.link.remote} user=alice`);
  const flood = Array.from({ length: 2 * ACL_LOG_LENGTH_MAX }, (_, at) => `GET q${at}`);
  for (const line of flood) await client.ask(line);
  assertEquals(aclLog.newest(Infinity).length, ACL_LOG_LENGTH_MAX, "bounded as for Redis clients");
  stage.node.holding = true;
  client.session.receive("GET late\n");
  stage.node.holding = false;
  await stage.doAsRoot(removeUser("alice"));
  stage.node.release();
  await client.take();
  assertEquals(shown(stage)[0]?.[3], "q255", "a login that is gone is no missing right");
});
