/** Rights in the text protocol: every command against every role, and what is lost between a request and its answer. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { LAUNCHER } from "../../../../lib/access/login.ts";
import { connectionTo, makePass, PASS_USER } from "../../../../lib/access/node_pass.ts";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import { TEXT_COMMANDS } from "../../../../lib/protocol/text/commands.ts";
import { TEST_SECRET } from "../../../support/gate.ts";
import { suffices } from "../../../support/rights_table.ts";
import { changeOf, rightsOf, setUser } from "../../../support/users.ts";
import { Stage } from "./users_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const ROLES = { none: [], reader: ["read:p:"], writer: ["write:p:"], both: ["both:p:"], admin: ["admin"] } as const;
const NOT_PERMITTED = /^Error: Not permitted\. /;

/** What each command needs: `r`, `w` as in the table of calls, `A` for administrators, "" for every user. */
const TABLE: Readonly<Record<string, readonly (readonly [line: string, needs: string])[]>> = {
  PUT: [["PUT p:a v", "w"]],
  GET: [["GET p:a", "r"], ["GET p:a STALE", "r"]],
  DELETE: [["DELETE p:a", "w"]],
  STATUS: [["STATUS", ""]],
  METRICS: [["METRICS", ""]],
  LOGSIZE: [["LOGSIZE", ""]],
  SNAPSHOT: [["SNAPSHOT", "A"]],
  LOGS: [["LOGS", "A"], ["LOGS 5", "A"]],
  CLUSTER: [["CLUSTER", ""]],
  MEMBER: [["MEMBER LIST", ""], ["MEMBER REMOVE 2", "A"], ["MEMBER ADD 10.0.0.9:5000", "A"]],
  WATCH: [["WATCH 1", ""]],
  HELP: [["HELP", ""]],
  AUTH: [[`AUTH none ${PASSWORD}`, ""]],
  HISTORY: [["HISTORY", ""]],
  STATS: [["STATS", ""]],
  PING: [["PING", ""]],
  CLEAR: [["CLEAR", ""]],
  EXIT: [["EXIT", ""]],
};

async function stageOfRoles(): Promise<Stage> {
  const stage = new Stage();
  await stage.do(setUser("root", { hash: HASH }));
  for (const [name, words] of Object.entries(ROLES)) {
    await stage.doAsRoot(setUser(name, { hash: HASH, change: { revoked: NO_RIGHTS, granted: rightsOf(...words) } }));
  }
  return stage;
}

async function enter(stage: Stage, name: string) {
  const client = stage.connect();
  assertEquals(await client.slowly(`AUTH ${name} ${PASSWORD}`), "Logged in.\n");
  return client;
}

Deno.test("every command is given by every role, inside and outside of its prefix, and does what the role may", async () => {
  const stage = await stageOfRoles();
  for (const { name } of TEXT_COMMANDS) {
    const rows = TABLE[name];
    assert(rows !== undefined, `${name} has no row: say who may give it`);
    for (const [line, needs] of rows) {
      for (const role of Object.keys(ROLES)) {
        for (const [isInside, said] of [[true, line], [false, line.replaceAll("p:", "q:")]] as const) {
          const client = await enter(stage, role);
          const reply = await client.slowly(said);
          const may = role === "admin" || needs === "" || (needs !== "A" && isInside && suffices(role, needs));
          assertEquals(NOT_PERMITTED.test(reply), !may, `${role}: ${said}: ${reply}`);
          client.session.closed();
        }
      }
    }
  }
});

Deno.test("a refusal names the right and the key, and nothing is done", async () => {
  const stage = await stageOfRoles();
  const reader = await enter(stage, "reader");
  const changes = stage.node.memberChanges.length;
  assertEquals(await reader.ask("PUT p:a v"), 'Error: Not permitted. The right to write "p:a" is missing.\n');
  assertEquals(await reader.ask("GET q"), 'Error: Not permitted. The right to read "q" is missing.\n');
  assertEquals(await reader.ask("MEMBER REMOVE 2"), "Error: Not permitted. The right admin is missing.\n");
  assertEquals([stage.node.machine.get("p:a"), stage.node.memberChanges.length], [undefined, changes]);
});

Deno.test("a right that goes is gone for a read and a write that have begun", async () => {
  const stage = await stageOfRoles();
  const both = await enter(stage, "both");
  assertEquals(await both.ask("PUT p:a v"), "p:a added successfully.\n");
  for (const [line, word] of [["GET p:a", "read"], ["PUT p:a w", "write"]] as const) {
    stage.node.holding = true;
    assertEquals(await both.ask(line), "");
    const changed = stage.doAsRoot(changeOf("both", { revoked: rightsOf("both:p:") }));
    stage.node.waiting.splice(1, 1)[0]?.();
    await changed;
    stage.node.release();
    assertEquals(await both.take(), `Error: Not permitted. The right to ${word} "p:a" is missing.\n`);
    stage.node.holding = false;
    await stage.doAsRoot(changeOf("both", { granted: rightsOf("both:p:") }));
  }
  assertEquals([both.link.finished, stage.node.machine.get("p:a")?.value], [false, "v"]);
});

Deno.test("the launcher administers by its pass, and still opens no key", async () => {
  const stage = await stageOfRoles();
  const { node } = stage;
  const client = stage.connect();
  const pass = makePass(TEST_SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: node.timeMs() });
  assertEquals(await client.ask(`AUTH ${PASS_USER} ${pass}`), "Logged in.\n");
  assertMatch(await client.ask("LOGS"), /^Log Entries\n/);
  assertMatch(await client.ask("GET p:a"), /^Error: Authentication required\./);
});
