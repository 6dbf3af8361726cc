/** Clients whose certificate names a user, in the text and in the Redis protocol. What TLS has proved comes by the link. */

import { assertEquals, assertMatch } from "@std/assert";
import type { CertifiedClient } from "../../../lib/base/certified_client.ts";
import { hashPassword } from "../../../lib/access/passwords.ts";
import type { Command } from "../../../lib/kv/commands.ts";
import { NO_RIGHTS } from "../../../lib/kv/rights.ts";
import { hashOf, removeUser, rightsOf, setUser } from "../../support/users.ts";
import { RespBench, type RespClient } from "./resp/session_support.ts";
import { Stage } from "./text/users_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const NOAUTH = "-NOAUTH Authentication required.\r\n";
const REFUSED = "Error: Authentication required. AUTH <user> <password> logs you in.\n";

function certify<Client extends { readonly link: object }>(client: Client, name: string): Client {
  const certified: CertifiedClient = { name, login: undefined };
  Object.assign(client.link, { certified });
  return client;
}

function makeUser(name: string, ...words: readonly string[]): Command {
  return setUser(name, { hash: HASH, change: { revoked: NO_RIGHTS, granted: rightsOf(...words) } });
}

/** A server with root, and alice and bob who have keys of their own. */
async function benchOfUsers(): Promise<RespBench> {
  const bench = new RespBench();
  for (const command of [setUser("root", { hash: HASH }), makeUser("alice", "both:a:"), makeUser("bob", "both:b:")]) {
    await asRoot(bench, command);
  }
  return bench;
}

function asRoot(bench: RespBench, command: Command): Promise<unknown> {
  const login = bench.node.users.find("root")?.login ?? 0;
  return new Promise((resolve) => bench.node.submit(command, resolve, { login }));
}

/** What comes for a request that works on a password. */
async function slowly(client: RespClient, line: string): Promise<string> {
  let reply = await client.ask(line);
  for (let wait = 0; reply === "" && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reply = await client.take();
  }
  return reply;
}

Deno.test("a certified client is its user from the first command on, may do what he may, and AUTH makes it another", async () => {
  const bench = await benchOfUsers();
  const client = certify(bench.connect(), "alice");
  assertEquals(await client.ask("SET a:1 v", "ACL WHOAMI"), "+OK\r\n$5\r\nalice\r\n");
  assertEquals(await client.ask("SET b:1 v"), '-NOPERM the right to write "b:1" is missing\r\n');
  assertMatch(await certify(bench.connect(), "alice").ask("HELLO 3"), /^%7\r\n/);
  assertEquals(await slowly(client, `AUTH bob ${PASSWORD}`), "+OK\r\n");
  assertEquals(await client.ask("SET b:1 v", "ACL WHOAMI"), "+OK\r\n$3\r\nbob\r\n");
  assertMatch(await slowly(client, "AUTH bob wrong"), /^-WRONGPASS/);
  assertEquals(await client.ask("ACL WHOAMI"), "$3\r\nbob\r\n");
  assertEquals(await client.ask("RESET", "ACL WHOAMI"), "+RESET\r\n$5\r\nalice\r\n");
});

Deno.test("a name that no user has logs nobody in, until there is one", async () => {
  const bench = await benchOfUsers();
  const client = certify(bench.connect(), "carol");
  assertEquals(await client.ask("GET a:1", "ACL WHOAMI"), NOAUTH.repeat(2));
  await asRoot(bench, makeUser("carol"));
  assertEquals(await client.ask("ACL WHOAMI"), "$5\r\ncarol\r\n");
  const open = new RespBench();
  const early = certify(open.connect(), "root");
  assertEquals(await early.ask("SET k v", "ACL WHOAMI"), "+OK\r\n$7\r\ndefault\r\n", "without users");
  await asRoot(open, setUser("root", { hash: HASH }));
  assertEquals(await early.ask("ACL WHOAMI"), "$4\r\nroot\r\n");
});

Deno.test("a removal and a new password end the connections of a certified client; who is made again has his own rights alone", async () => {
  const bench = await benchOfUsers();
  for (const change of [removeUser("alice"), setUser("bob", { hash: hashOf(3) })]) {
    const name = change.type === "RemoveUser" ? "alice" : "bob";
    const client = certify(bench.connect(), name);
    assertMatch(await client.ask("ACL WHOAMI"), new RegExp(name));
    await asRoot(bench, change);
    await client.take();
    assertEquals(client.link.finished, true, name);
  }
  assertEquals(await certify(bench.connect(), "bob").ask("ACL WHOAMI"), "$3\r\nbob\r\n");
  assertEquals(await certify(bench.connect(), "alice").ask("GET a:1"), NOAUTH);
  await asRoot(bench, makeUser("alice"));
  assertMatch(await certify(bench.connect(), "alice").ask("GET a:1"), /^-NOPERM/);
});

Deno.test("the same holds in the text protocol", async () => {
  const stage = new Stage();
  await stage.do(setUser("root", { hash: HASH }));
  await stage.doAsRoot(makeUser("alice", "both:a:"));
  const client = certify(stage.connect(), "alice");
  assertEquals(await client.ask("PUT a:1 v", "GET a:1"), "a:1 added successfully.\nvalue of a:1: v\n");
  assertEquals(await client.ask("GET b:1"), 'Error: Not permitted. The right to read "b:1" is missing.\n');
  assertEquals(await certify(stage.connect(), "carol").ask("GET a:1"), REFUSED);
  assertEquals(await stage.connect().ask("GET a:1"), REFUSED, "without a certificate");
  await stage.doAsRoot(removeUser("alice"));
  await client.take();
  assertEquals(client.link.finished, true);
});
