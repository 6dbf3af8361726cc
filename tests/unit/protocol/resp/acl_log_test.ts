/** ACL LOG: what was refused, in the fields of Redis, bounded, and without values or passwords. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { NO_RIGHTS } from "../../../../lib/kv/rights.ts";
import {
  ACL_LOG_CLIENT_BYTES_MAX,
  ACL_LOG_GROUPED_MS,
  ACL_LOG_LENGTH_MAX,
  ACL_LOG_OBJECT_BYTES_MAX,
  AclLog,
  type AclLogEntry,
  type Refusal,
} from "../../../../lib/access/acl_log.ts";
import { rightsOf, setUser } from "../../../support/users.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);

/** A server with root, and alice who may read and write below `p:`. */
async function benchOfUsers(): Promise<RespBench> {
  const bench = new RespBench();
  const granted = { revoked: NO_RIGHTS, granted: rightsOf("both:p:") };
  for (const command of [setUser("root", { hash: HASH }), setUser("alice", { hash: HASH, change: granted })]) {
    const login = bench.node.users.find("root")?.login ?? 0;
    await new Promise((resolve) => bench.node.submit(command, resolve, { login }));
  }
  return bench;
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

async function enter(bench: RespBench, name: string): Promise<RespClient> {
  const client = bench.connect();
  assertEquals(await slowly(client, `AUTH ${name} ${PASSWORD}`), "+OK\r\n");
  return client;
}

/** Count, reason, context, object and user of each entry, the newest first. */
function shown({ aclLog }: RespBench): readonly unknown[][] {
  return aclLog.newest(ACL_LOG_LENGTH_MAX).map((entry) => {
    const { count, reason, context, object, username } = entry;
    return [count, reason, context, object, username];
  });
}

Deno.test("an entry has the fields of Redis in their order, as a list and as a map", async () => {
  const bench = await benchOfUsers();
  const [alice, root] = [await enter(bench, "alice"), await enter(bench, "root")];
  await alice.ask("CLIENT SETNAME worker");
  assertEquals(await root.ask("ACL LOG"), "*0\r\n");
  assertMatch(await alice.ask("SET q:1 secret-value"), /^-NOPERM /);
  await bench.clock.advance(1_500);
  const reply = await root.ask("ACL LOG");
  const fields = [
    ...["*1", "*20", "$5", "count", ":1", "$6", "reason", "$3", "key", "$7", "context", "$8", "toplevel"],
    ...["$6", "object", "$3", "q:1", "$8", "username", "$5", "alice", "$11", "age-seconds", "$3", "1.5"],
  ];
  assertEquals(reply.split("\r\n").slice(0, fields.length), fields);
  assertMatch(reply, /client-info\r\n\$\d+\r\nid=\d+ addr=\S+ .* name=worker .* user=alice .*\r\n/);
  assertMatch(
    reply,
    /entry-id\r\n:0\r\n\$17\r\ntimestamp-created\r\n:\d+\r\n\$22\r\ntimestamp-last-updated\r\n:\d+\r\n$/,
  );
  assert(!reply.includes("secret-value"));
  await root.ask("HELLO 3");
  const third = await root.ask("ACL LOG 1");
  assertMatch(third, /^\*1\r\n%10\r\n\$5\r\ncount\r\n:1\r\n/);
  assertStringIncludes(third, "age-seconds\r\n,1.5\r\n");
});

Deno.test("commands are told by their names, keys by theirs, and what belongs to a MULTI so", async () => {
  const bench = await benchOfUsers();
  const alice = await enter(bench, "alice");
  await alice.ask("SAVE");
  await alice.ask("ACL SETUSER bob >password-of-bob");
  await alice.ask("FLUSHALL");
  await alice.ask("GET q:1");
  await alice.ask("MULTI", "SET q:2 v", "EXEC");
  await alice.ask("MULTI", "CONFIG GET *", "DISCARD");
  await alice.ask("KV.GET q:3 STALE");
  await alice.ask("SET p:1 v", "NOSUCH", "GET p:1");
  assertEquals(shown(bench), [
    [1, "key", "toplevel", "q:3", "alice"],
    [1, "command", "multi", "config|get", "alice"],
    [1, "key", "multi", "q:2", "alice"],
    [1, "key", "toplevel", "q:1", "alice"],
    [1, "command", "toplevel", "flushall", "alice"],
    [1, "command", "toplevel", "acl|setuser", "alice"],
    [1, "command", "toplevel", "save", "alice"],
  ]);
});

Deno.test("failed logins are told without what was given for a password, or for a name that nobody has", async () => {
  const bench = await benchOfUsers();
  const client = bench.connect();
  assertMatch(await client.ask("GET p:1"), /^-NOAUTH /);
  for (
    const line of [`AUTH alice wrong-${PASSWORD}`, `hello 3 AUTH alice wrong-${PASSWORD}`, `AUTH ${PASSWORD}`]
  ) assertMatch(await slowly(client, line), /^-WRONGPASS /);
  assertMatch(await slowly(client, `AUTH ${PASSWORD} alice`), /^-WRONGPASS /);
  assertEquals(shown(bench), [
    [1, "auth", "toplevel", "AUTH", ""],
    [1, "auth", "toplevel", "AUTH", "default"],
    [1, "auth", "toplevel", "hello", "alice"],
    [1, "auth", "toplevel", "AUTH", "alice"],
  ]);
  assert(!JSON.stringify(bench.aclLog.newest(ACL_LOG_LENGTH_MAX)).includes(PASSWORD));
  const open = new RespBench();
  assertEquals(await open.connect().ask("AUTH nobody x"), "+OK\r\n", "before there is a user");
  assertEquals(shown(open), []);
});

Deno.test("ACL LOG takes a count or RESET, and neither more nor anything else", async () => {
  const bench = await benchOfUsers();
  const [alice, root] = [await enter(bench, "alice"), await enter(bench, "root")];
  for (let key = 0; key < 12; key++) await alice.ask(`GET q:${key}`);
  const count = async (line: string) => Number(/^\*(\d+)/.exec(await root.ask(line))?.[1]);
  assertEquals(
    [await count("ACL LOG"), await count("ACL LOG 3"), await count("ACL LOG 100"), await count("ACL LOG 0")],
    [10, 3, 12, 0],
  );
  assertEquals([await count("ACL LOG -5"), await count("ACL LOG 99999999999999999")], [0, 12]);
  assertEquals(await root.ask("ACL LOG x"), "-ERR value is not an integer or out of range\r\n");
  assertMatch(await root.ask("ACL LOG 1 2"), /^-ERR wrong number of arguments for 'acl\|log' command/);
  assertEquals(await alice.ask("ACL LOG"), "-NOPERM the right admin is missing\r\n");
  assertEquals([await root.ask("ACL LOG reset"), await root.ask("ACL LOG")], ["+OK\r\n", "*0\r\n"]);
});

function refusal(change: Partial<Refusal> = {}): Refusal {
  const subject = { reason: "key", context: "toplevel", object: "k", username: "alice" } as const;
  return { ...subject, clientInfo: "id=1", at: 0, timeMs: 7, ...change };
}

function idsOf(entries: readonly AclLogEntry[]): readonly number[] {
  return entries.map(({ id }) => id);
}

Deno.test("equal refusals are counted together while they come within a minute of the last, and stand first again", () => {
  const log = new AclLog();
  log.add(refusal());
  log.add(refusal({ object: "other" }));
  log.add(refusal({ at: ACL_LOG_GROUPED_MS, timeMs: 8, clientInfo: "id=2" }));
  const [first] = log.newest(1);
  assertEquals([first?.count, first?.clientInfo, first?.createdMs, first?.updatedMs], [2, "id=2", 7, 8]);
  assertEquals(idsOf(log.newest(9)), [0, 1]);
  log.add(refusal({ at: 2 * ACL_LOG_GROUPED_MS }));
  assertEquals(log.newest(1)[0]?.count, 3, "of the last, not of the first");
  log.add(refusal({ at: 3 * ACL_LOG_GROUPED_MS + 1 }));
  assertEquals([log.newest(1)[0]?.count, idsOf(log.newest(9))], [1, [2, 0, 1]]);
  const at = 3 * ACL_LOG_GROUPED_MS + 1;
  for (const change of [{ reason: "command" }, { context: "multi" }, { object: "l" }, { username: "bob" }] as const) {
    log.add(refusal({ ...change, at }));
    assertEquals(log.newest(1)[0]?.count, 1, JSON.stringify(change));
  }
});

Deno.test("the log holds a bounded number of entries of bounded length, and numbers go on after RESET", () => {
  const log = new AclLog();
  for (let entry = 0; entry < ACL_LOG_LENGTH_MAX + 5; entry++) log.add(refusal({ object: `k${entry}` }));
  const entries = log.newest(Infinity);
  assertEquals([entries.length, entries[0]?.id, entries.at(-1)?.id], [ACL_LOG_LENGTH_MAX, ACL_LOG_LENGTH_MAX + 4, 5]);
  log.reset();
  const long = "x".repeat(2 * ACL_LOG_CLIENT_BYTES_MAX);
  log.add(refusal({ object: `${long}1`, clientInfo: long }));
  log.add(refusal({ object: `${long}2`, clientInfo: long }));
  const [entry] = log.newest(9);
  assertEquals(
    [entry?.object.length, entry?.clientInfo.length, entry?.count, entry?.id],
    [ACL_LOG_OBJECT_BYTES_MAX, ACL_LOG_CLIENT_BYTES_MAX, 2, ACL_LOG_LENGTH_MAX + 5],
    "equal in what is kept",
  );
});
