/** Users in the Redis protocol: nobody gets anything before he has logged in, and nothing once his login is gone. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { COMMANDS, type DescribedCommand } from "../../../../lib/protocol/resp/commands.ts";
import type { StateNode } from "../../../support/state_node.ts";
import { removeUser, setUser } from "../../../support/users.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const NOAUTH = "-NOAUTH Authentication required.\r\n";
const WRONGPASS = "-WRONGPASS invalid username-password pair or user is disabled.\r\n";
/** Commands that anybody may give. */
const OPEN: readonly string[] = ["auth", "hello", "quit", "reset"];

/** Makes users with `PASSWORD`. */
async function addUsers(node: StateNode, ...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const login = node.users.list()[0]?.login ?? 0;
    await new Promise((resolve) => node.submit(setUser(name, { hash: HASH }), resolve, { login }));
  }
}

async function benchWith(...names: readonly string[]): Promise<RespBench> {
  const bench = new RespBench();
  await addUsers(bench.node, ...names);
  return bench;
}

/** What comes for a request that works on a password. */
async function slowly(client: RespClient, ...lines: readonly string[]): Promise<string> {
  let reply = await client.ask(...lines);
  for (let wait = 0; reply === "" && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reply = await client.take();
  }
  return reply;
}

async function loggedIn(bench: RespBench, name: string): Promise<RespClient> {
  const client = bench.connect();
  assertEquals(await slowly(client, `AUTH ${name} ${PASSWORD}`), "+OK\r\n");
  return client;
}

/** The words of a request with as many arguments as it needs. */
function requestOf({ name, arity }: DescribedCommand, prefix = ""): string {
  const count = Math.max(0, Math.abs(arity) - (prefix === "" ? 1 : 2));
  return [prefix, name, ...Array.from({ length: count }, () => "1")].join(" ").trim();
}

Deno.test("every command and subcommand is refused before a login but for a named few, and leaves nothing behind", async () => {
  const bench = await benchWith("root");
  const before = [bench.node.machine.digest, bench.node.memberChanges.length, bench.node.asked.length];
  let refused = 0;
  for (const entry of COMMANDS.values()) {
    const requests = entry.subcommands.size === 0
      ? [requestOf(entry)]
      : Array.from(entry.subcommands.values(), (each) => requestOf(each, entry.name));
    for (const request of requests) {
      if (OPEN.includes(entry.path)) continue;
      const client = bench.connect();
      assertEquals(await client.ask(request), NOAUTH, request);
      refused += 1;
    }
  }
  assert(refused > 100, `${refused} commands`);
  assertEquals([bench.node.machine.digest, bench.node.memberChanges.length, bench.node.asked.length], before);
  const client = bench.connect();
  assertMatch(await client.ask("HELLO 3"), /^-NOAUTH HELLO must be called with the client already authenticated/);
  assertEquals(await client.ask("RESET", "MULTI", "PING", "EXEC"), `+RESET\r\n${NOAUTH.repeat(3)}`);
  assertEquals(await client.ask("QUIT"), "+OK\r\n");
});

Deno.test("a user comes in by AUTH and by HELLO, as default with a password alone, and is told apart", async () => {
  const bench = await benchWith("root", "default");
  const client = bench.connect();
  assertEquals(await slowly(client, `AUTH root wrong-${PASSWORD}`), WRONGPASS);
  assertEquals(await client.ask("GET k"), NOAUTH);
  assertEquals(await slowly(client, `AUTH nobody ${PASSWORD}`), WRONGPASS);
  assertEquals(await slowly(client, `AUTH root ${PASSWORD}`), "+OK\r\n");
  assertEquals(await client.ask("SET k v", "GET k", "ACL WHOAMI"), "+OK\r\n$1\r\nv\r\n$4\r\nroot\r\n");
  assertEquals(await slowly(client, `AUTH root wrong-${PASSWORD}`), WRONGPASS);
  assertEquals(await client.ask("ACL WHOAMI"), "$4\r\nroot\r\n", "a failure leaves the login that was there");
  assertStringIncludes(await client.ask("CLIENT LIST"), "user=root");
  const other = bench.connect();
  assertEquals(await slowly(other, `AUTH ${PASSWORD}`), "+OK\r\n");
  assertEquals(await other.ask("ACL WHOAMI"), "$7\r\ndefault\r\n");
  assertEquals(await other.ask("RESET", "GET k"), `+RESET\r\n${NOAUTH}`);
  const third = bench.connect();
  assertMatch(await slowly(third, `HELLO 3 AUTH root ${PASSWORD} SETNAME me`), /^%7\r\n/);
  assertEquals(await third.ask("ACL WHOAMI", "CLIENT GETNAME"), "$4\r\nroot\r\n$2\r\nme\r\n");
  assertEquals(await slowly(bench.connect(), `HELLO 3 AUTH root wrong-${PASSWORD}`), WRONGPASS);
  assertEquals(await client.ask("AUTH a b c"), "-ERR syntax error\r\n");
});

Deno.test("before the first user any user and password are taken, which end with it as a connection without them does", async () => {
  const bench = new RespBench();
  const clients = [bench.connect(), bench.connect()];
  assertEquals(await clients[0]?.ask("AUTH root anything", "SET k v", "ACL WHOAMI"), "+OK\r\n+OK\r\n$7\r\ndefault\r\n");
  assertMatch(await clients[1]?.ask("HELLO 3 AUTH nobody anything") ?? "", /^%7\r\n/);
  assertMatch(await bench.connect().ask("AUTH anything"), /^-ERR AUTH <password> called without any password/);
  await addUsers(bench.node, "root");
  assertEquals(clients.map((client) => client.link.finished), [true, true]);
  assertEquals(await slowly(bench.connect(), "AUTH root anything"), WRONGPASS);
  assertEquals(await slowly(bench.connect(), `AUTH root ${PASSWORD}`, "GET k"), "+OK\r\n$1\r\nv\r\n");
});

Deno.test("what stands behind AUTH waits for it", async () => {
  const bench = await benchWith("root");
  const client = bench.connect();
  const replies = await slowly(client, `AUTH root ${PASSWORD}`, "SET k v", "GET k", "PING");
  assertEquals(replies, "+OK\r\n+OK\r\n$1\r\nv\r\n+PONG\r\n");
});

Deno.test("a removal and a new password end the connections of that user with their entry, once what has begun is answered", async () => {
  for (
    const change of [
      removeUser("alice"),
      setUser("alice", { hash: HASH.replace(/.$/, (digit) => digit === "0" ? "1" : "0") }),
    ]
  ) {
    const bench = await benchWith("root", "alice");
    const root = await loggedIn(bench, "root");
    const alice = await loggedIn(bench, "alice");
    const login = bench.node.users.find("root")?.login ?? -1;
    assertEquals(await alice.ask("SET k v"), "+OK\r\n");
    bench.node.holding = true;
    alice.session.receive("*2\r\n$3\r\nGET\r\n$1\r\nk\r\n");
    const changed = new Promise((resolve) => bench.node.submit(change, resolve, { login }));
    bench.node.waiting.splice(1, 1)[0]?.();
    await changed;
    assertEquals(alice.link.finished, false, "a read is open");
    bench.node.release();
    assertEquals(await alice.take(), NOAUTH, "which shows nothing");
    assertEquals(alice.link.finished, true);
    bench.node.holding = false;
    assertEquals(await root.ask("GET k"), "$1\r\nv\r\n");
    assertEquals(await slowly(bench.connect(), `AUTH alice ${PASSWORD}`), WRONGPASS);
  }
});

Deno.test("a write of a user who is removed before it is applied is refused, and so is all that acts behind it", async () => {
  const bench = await benchWith("root", "alice");
  const alice = await loggedIn(bench, "alice");
  const login = bench.node.users.find("root")?.login ?? -1;
  bench.node.holding = true;
  assertEquals(await alice.ask("SET k v", "KV.MEMBER REMOVE 2"), "");
  const removed = new Promise((resolve) => bench.node.submit(removeUser("alice"), resolve, { login }));
  bench.node.waiting.reverse();
  bench.node.release();
  await removed;
  bench.node.release();
  assertEquals(await alice.take(), NOAUTH);
  assertEquals([bench.node.machine.get("k"), bench.node.memberChanges.length], [undefined, 0]);
});

Deno.test("what waits behind a write of nobody while the first user is made does not act", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  bench.node.holding = true;
  assertEquals(await client.ask("SET k v", "KV.MEMBER REMOVE 2", "CONFIG RESETSTAT"), "");
  const made = new Promise((resolve) => bench.node.submit(setUser("root", { hash: HASH }), resolve));
  bench.node.waiting.reverse();
  bench.node.release();
  await made;
  bench.node.release();
  assertEquals(await client.take(), NOAUTH.repeat(3));
  assertEquals([bench.node.machine.get("k"), bench.node.memberChanges.length], [undefined, 0]);
});

Deno.test("a transaction is one of its user: what is watched and queued ends with the login", async () => {
  const bench = await benchWith("root", "alice");
  const alice = await loggedIn(bench, "alice");
  assertEquals(
    await alice.ask("WATCH k", "MULTI", "SET k v", "AUTH x y", "EXEC"),
    "+OK\r\n+OK\r\n+QUEUED\r\n+QUEUED\r\n" +
      "*2\r\n+OK\r\n-ERR Command not allowed inside a transaction\r\n",
  );
});

Deno.test("ACL shows and changes the users as far as they go, and nothing of their passwords", async () => {
  const bench = new RespBench();
  const client = bench.connect();
  assertEquals(
    await client.ask("ACL WHOAMI", "ACL USERS", "ACL LIST", "ACL GETUSER root"),
    "$7\r\ndefault\r\n*0\r\n*0\r\n$-1\r\n",
  );
  assertEquals(await slowly(client, `ACL SETUSER root on >${PASSWORD} ~* &* +@all`), "+OK\r\n");
  assertEquals(await client.ask("ACL USERS"), NOAUTH, "from now on everybody has to log in");
  assertEquals(await slowly(client, `AUTH root ${PASSWORD}`), "+OK\r\n");
  assertEquals(
    await client.ask("ACL USERS", "ACL LIST"),
    "*1\r\n$4\r\nroot\r\n*1\r\n$41\r\nuser root on sanitize-payload ~* &* +@all\r\n",
  );
  assertStringIncludes(await client.ask("ACL GETUSER root"), "+@all");
  assertEquals(await slowly(client, `ACL SETUSER alice >${PASSWORD}`), "+OK\r\n");
  const refusals = [
    ["ACL SETUSER bob on", "-ERR a new user needs a password"],
    ["ACL SETUSER bob >short", "-ERR the password has 5 bytes"],
    ["ACL SETUSER b:b >long-enough", "-ERR a name has"],
    ["ACL SETUSER bob >long-enough ~app:*", "-ERR patterns of keys and"],
    ["ACL SETUSER bob #secret-hash", "-ERR Error in ACL SETUSER modifier '#'"],
    ["ACL NOSUCH", "-ERR unknown subcommand 'NOSUCH'"],
  ] as const;
  for (const [line, start] of refusals) {
    const reply = await client.ask(line);
    assertEquals(reply.slice(0, start.length), start, line);
    assertEquals(reply.includes("secret-hash"), false);
  }
  assertEquals(await client.ask("ACL DELUSER alice nobody"), ":1\r\n");
  assertMatch(await client.ask("ACL DELUSER root"), /^-ERR this is the last user/);
  const shown = await client.ask(
    "ACL LIST",
    "ACL GETUSER root",
    "INFO everything",
    "CLIENT LIST",
    "COMMAND DOCS acl|setuser",
  );
  assertEquals([shown.includes(PASSWORD), shown.includes("scrypt")], [false, false]);
});

Deno.test("no password gets into the slow log", async () => {
  const bench = new RespBench({ slowCommandMs: 0 });
  const client = bench.connect();
  for (const line of [`ACL SETUSER root >${PASSWORD}`, `AUTH root ${PASSWORD}`, `HELLO 3 AUTH root ${PASSWORD}`]) {
    await slowly(client, line);
  }
  const shown = await client.ask("SLOWLOG GET");
  assertStringIncludes(shown, "(redacted)");
  assertEquals(shown.includes(PASSWORD), false);
});

Deno.test("a gate that is closed for too many logins says so", async () => {
  const bench = await benchWith("root");
  bench.node.holding = true;
  const clients = Array.from({ length: 33 }, () => bench.connect());
  for (const [at, client] of clients.entries()) await client.ask(`AUTH user${at} ${PASSWORD}`);
  assertEquals(await clients[32]?.take(), "");
  assertEquals(
    await bench.connect().ask(`AUTH more ${PASSWORD}`),
    "-BUSY too many logins are waiting; try again later\r\n",
  );
});

Deno.test("who is gone before the password is judged does not come in", async () => {
  const bench = await benchWith("root", "alice");
  const gone = bench.connect();
  assertEquals(await gone.ask(`AUTH alice ${PASSWORD}`), "");
  gone.session.closed();
  const alice = await loggedIn(bench, "alice");
  gone.link.finished = false;
  const login = bench.node.users.find("root")?.login ?? 0;
  await new Promise((resolve) => bench.node.submit(removeUser("alice"), resolve, { login }));
  assertEquals([alice.link.finished, gone.link.finished], [true, false]);
});
