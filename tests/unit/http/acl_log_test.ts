/** What is refused over HTTP for the lack of a right is in ACL LOG: the key or the operation, the user, the protocol; no value. */

import { assert, assertEquals } from "@std/assert";
import { ACL_LOG_LENGTH_MAX } from "../../../lib/access/acl_log.ts";
import { PASSWORD, Stage } from "./support/web_login_stage.ts";

Deno.test("keys and operations that a user may not use are told, and who has not logged in is left out", async () => {
  const stage = await Stage.open();
  const alice = { authorization: `Basic ${btoa(`alice:${PASSWORD}`)}` };
  const shown = () =>
    stage.gate.aclLog.newest(ACL_LOG_LENGTH_MAX).map(({ count, reason, context, object, username, clientInfo }) =>
      [count, reason, context, object, username, clientInfo].join(" ")
    );
  for (const headers of [{}, { authorization: `Basic ${btoa(`alice:wrong-${PASSWORD}`)}` }]) {
    assertEquals((await stage.ask("GET /v1/kv/q", headers)).status, 401);
  }
  assertEquals((await stage.ask("GET /v1/kv/p:1", alice)).status, 404);
  assertEquals((await stage.ask("GET /v1/kv/q", { ...alice, host: "elsewhere.example" })).code, "bad_host");
  assertEquals(shown(), []);
  const body = "secret-value";
  assertEquals((await stage.ask("PUT /v1/kv/p%3A1", alice, { body })).status, 403);
  for (const line of ["GET /v1/kv/q", "GET /v1/kv/q?level=stale"]) {
    assertEquals((await stage.ask(line, alice)).status, 403, line);
  }
  assertEquals((await stage.ask("POST /v1/snapshot", alice)).status, 403);
  const txn = JSON.stringify({ then: [{ put: { key: "t", value: body } }] });
  assertEquals(
    (await stage.ask("POST /v1/txn", { ...alice, "content-type": "application/json" }, { body: txn })).status,
    403,
  );
  const cookie = await stage.logIn("alice");
  assertEquals((await stage.ask("GET /v1/kv/r", { cookie })).status, 403);
  const where = "addr=127.0.0.1:1 user=alice";
  assertEquals(shown(), [
    `1 key http r alice ${where}`,
    `1 key http t alice ${where}`,
    `1 command http takeSnapshot alice ${where}`,
    `2 key http q alice ${where}`,
    `1 key http p:1 alice ${where}`,
  ]);
  assert(!JSON.stringify(stage.gate.aclLog.newest(ACL_LOG_LENGTH_MAX)).includes(body));
});
