/** Users in the text protocol. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { LAUNCHER } from "../../../../lib/access/login.ts";
import { connectionTo, makePass, PASS_USER } from "../../../../lib/access/node_pass.ts";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { readOpening } from "../../../../lib/protocol/first_bytes.ts";
import { TEXT_COMMANDS } from "../../../../lib/protocol/text/commands.ts";
import { TEST_SECRET } from "../../../support/gate.ts";
import { removeUser, setUser } from "../../../support/users.ts";
import { Stage } from "./users_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const REFUSED = "Error: Authentication required. AUTH <user> <password> logs you in.\n";
/** Commands that anybody may give. */
const OPEN: readonly string[] = ["AUTH", "PING", "HELP", "EXIT"];

/** Makes a user with `PASSWORD`. */
async function addTo(stage: Stage, name: string): Promise<void> {
  await stage.do(setUser(name, { hash: HASH }));
}

Deno.test("every command is refused before a login but for a named few", async () => {
  const stage = new Stage();
  await addTo(stage, "root");
  const before = stage.node.asked.length;
  const lines: Readonly<Record<string, string>> = {
    PUT: "PUT k v",
    GET: "GET k",
    DELETE: "DELETE k",
    MEMBER: "MEMBER REMOVE 1",
  };
  for (const { name } of TEXT_COMMANDS.filter((command) => !OPEN.includes(command.name))) {
    assertEquals(await stage.connect().ask(lines[name] ?? name), REFUSED, name);
  }
  assertEquals(await stage.connect().ask("GET k STALE"), REFUSED);
  assertEquals([stage.node.asked.length, stage.node.memberChanges.length], [before, 0]);
  const client = stage.connect();
  assertEquals(await client.ask("PING"), "+PONG\r\n");
  assertStringIncludes(await client.ask("HELP AUTH"), "AUTH [user] <password>");
  assertEquals(await client.ask("EXIT"), "Goodbye.\n");
});

Deno.test("AUTH and LOGIN log in, with a password alone as default; what is wrong says nothing of what", async () => {
  const stage = new Stage();
  assertMatch(await stage.connect().ask("AUTH root x"), /^Error: There are no users\./);
  await addTo(stage, "root");
  await addTo(stage, "default");
  const client = stage.connect();
  for (const line of [`AUTH root wrong-${PASSWORD}`, `AUTH nobody ${PASSWORD}`]) {
    assertEquals(await client.slowly(line), "Error: Wrong user or password.\n");
  }
  assertEquals(await client.slowly(`AUTH root ${PASSWORD}`), "Logged in.\n");
  assertEquals(await client.ask("PUT k v", "GET k"), "k added successfully.\nvalue of k: v\n");
  assertEquals(await stage.connect().slowly(`login ${PASSWORD}`), "Logged in.\n");
  assertEquals(await client.ask("AUTH a b c"), "Error: Usage: AUTH [user] <password>\n");
});

Deno.test("what a connection or a user sends beyond its rate is refused, but for what needs no login", async () => {
  const stage = new Stage({ userRequestsPerSecond: 5, connectionRequestsPerSecond: 3 });
  const overConnection =
    "Error: Rate limit. A connection may send 3 requests a second; nothing was done, try again in a moment.\n";
  const overUser =
    "Error: Rate limit. A user may send a node 5 requests a second; nothing was done, try again in a moment.\n";
  const open = stage.connect();
  const done = "k added successfully.\n";
  assertEquals(await open.ask(...Array(5).fill("PUT k v")), done.repeat(3) + overConnection.repeat(2));
  assertEquals(await open.ask(...Array(9).fill("PING")), "+PONG\r\n".repeat(9));
  await stage.clock.advance(334);
  assertEquals(await open.ask("PUT k v", "GET k"), done + overConnection);
  const wrong = await stage.connect().ask(...Array(4).fill("BOGUS"));
  assertEquals(wrong.split("\n").map((line) => line.split(".")[0]), [
    ...Array(3).fill("Error: Unknown command 'BOGUS'"),
    "Error: Rate limit",
    "",
  ]);
  await addTo(stage, "root");
  const [one, other] = [stage.connect(), stage.connect()];
  for (const client of [one, other]) assertEquals(await client.slowly(`AUTH root ${PASSWORD}`), "Logged in.\n");
  assertEquals(await one.ask(...Array(3).fill("PUT k v")), done.repeat(3));
  assertEquals(await other.ask(...Array(3).fill("PUT k v")), done.repeat(2) + overUser);
  assertEquals(await other.ask("EXIT"), "Goodbye.\n");
  const launcher = stage.connect();
  const pass = makePass(TEST_SECRET, {
    subject: connectionTo(stage.node.id),
    login: LAUNCHER.id,
    nowMs: stage.node.timeMs(),
  });
  assertEquals(await launcher.slowly(`AUTH ${PASS_USER} ${pass}`), "Logged in.\n");
  const shown = await launcher.ask(...Array(9).fill("MEMBER LIST"));
  assertEquals(shown.includes("Rate limit"), false, shown);
});

Deno.test("no password is kept in the history", async () => {
  const stage = new Stage();
  await addTo(stage, "root");
  const client = stage.connect();
  await client.slowly(`AUTH root ${PASSWORD}`);
  await client.ask(`login root ${PASSWORD}`);
  assertEquals(await client.ask("HISTORY"), "History\n1: HISTORY\n\n");
});

Deno.test("a removal ends the connection once what has begun is answered, and what is read by then is not shown", async () => {
  const stage = new Stage();
  await addTo(stage, "alice");
  const alice = stage.connect();
  await alice.slowly(`AUTH alice ${PASSWORD}`);
  await addTo(stage, "root");
  assertEquals(await alice.ask("PUT k v"), "k added successfully.\n");
  stage.node.holding = true;
  assertEquals(await alice.ask("GET k"), "");
  const removed = stage.do(removeUser("alice"));
  stage.node.waiting.splice(1, 1)[0]?.();
  await removed;
  assertEquals(alice.link.finished, false);
  stage.node.release();
  assertEquals(await alice.take(), REFUSED);
  assertEquals(alice.link.finished, true);
});

Deno.test("a running WATCH of nobody ends when there are users", async () => {
  const stage = new Stage();
  const client = stage.connect();
  assertMatch(await client.ask("WATCH 1"), /^Metrics\n/);
  await stage.clock.advance(1_000);
  assertMatch(await client.take(), /^Metrics\n/);
  await addTo(stage, "root");
  await stage.clock.advance(1_000);
  assertEquals(await client.take(), "Watch ended.\n");
  await stage.clock.advance(5_000);
  assertEquals(await client.take(), "");
});

Deno.test("who is gone before the password is judged does not come in", async () => {
  const stage = new Stage();
  await addTo(stage, "alice");
  const gone = stage.connect();
  assertEquals(await gone.ask(`AUTH alice ${PASSWORD}`), "");
  gone.session.closed();
  const alice = stage.connect();
  await alice.slowly(`AUTH alice ${PASSWORD}`);
  gone.link.finished = false;
  await addTo(stage, "root");
  await stage.do(removeUser("alice"));
  assertEquals([alice.link.finished, gone.link.finished], [true, false]);
});

Deno.test("the launcher looks at a node by a pass, which opens no key", async () => {
  const stage = new Stage();
  await addTo(stage, "root");
  const client = stage.connect();
  const { node } = stage;
  const pass = makePass(TEST_SECRET, { subject: connectionTo(node.id), login: LAUNCHER.id, nowMs: node.timeMs() });
  assertEquals(await client.ask(`AUTH ${PASS_USER} ${pass}`), "Logged in.\n");
  assertMatch(await client.ask("STATUS"), /^Status\n/);
  assertEquals(await client.ask("PUT k v", "GET k", "GET k STALE"), REFUSED.repeat(3));
  const asked = node.asked.length;
  assertEquals(await stage.connect().ask(`AUTH ${PASS_USER} ${pass}`), "Error: Wrong user or password.\n", "at once");
  assertEquals(node.asked.length, asked);
});

Deno.test("AUTH in a line of Redis opens a session of Redis, and LOGIN one of this protocol", () => {
  const languageOf = (line: string) => readOpening(line, false).language;
  assertEquals(languageOf("AUTH root secret\r\n"), "resp");
  assertEquals(languageOf("auth root secret\r\n"), "resp");
  assertEquals(languageOf("AUTH root secret\n"), "text");
  assertEquals(languageOf("LOGIN root secret\r\n"), "text");
});
