/** Rights in the Redis protocol: every command against every role, what acts late, and what ACL tells and takes. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hashPassword } from "../../../../lib/access/passwords.ts";
import { NO_RIGHTS, writeRights } from "../../../../lib/kv/rights.ts";
import { COMMANDS } from "../../../../lib/protocol/resp/commands.ts";
import { NEEDS, suffices } from "../../../support/rights_table.ts";
import { changeOf, rightsOf, setUser } from "../../../support/users.ts";
import { RespBench, type RespClient } from "./session_support.ts";

const PASSWORD = "correct-horse";
const HASH = await hashPassword(PASSWORD);
const ROLES = { none: [], reader: ["read:p:"], writer: ["write:p:"], both: ["both:p:"], admin: ["admin"] } as const;
type Role = keyof typeof ROLES;

/** The users of the roles, with root above them. */
async function benchOfRoles(): Promise<RespBench> {
  const bench = new RespBench();
  await submit(bench, setUser("root", { hash: HASH }));
  for (const [name, words] of Object.entries(ROLES)) {
    await submit(bench, setUser(name, { hash: HASH, change: { revoked: NO_RIGHTS, granted: rightsOf(...words) } }));
  }
  return bench;
}

async function submit(bench: RespBench, command: ReturnType<typeof setUser>): Promise<void> {
  const login = bench.node.users.find("root")?.login ?? 0;
  const outcome = await new Promise((resolve) => bench.node.submit(command, resolve, { login }));
  assertStringIncludes(JSON.stringify(outcome), '"Reply"');
}

/** What comes for requests, the last of which may work on a password. */
async function slowly(client: RespClient, ...lines: readonly string[]): Promise<string> {
  let reply = await client.ask(...lines);
  for (let wait = 0; reply === "" && wait < 1_000; wait++) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    reply = await client.take();
  }
  return reply;
}

async function enter(bench: RespBench, role: Role | "root"): Promise<RespClient> {
  const client = bench.connect();
  assertEquals(await slowly(client, `AUTH ${role} ${PASSWORD}`), "+OK\r\n");
  return client;
}

/** Everything that is no call: the requests, split by `; `, and who may give the last. `r`, `w` as in the table of calls, `s` to write something. */
const OTHERS: Readonly<Record<string, readonly (readonly [lines: string, needs: string])[]>> = {
  ...forUsers(
    "ping",
    "echo x",
    "hello 3",
    "quit",
    "reset",
    "select 0",
    "readonly",
    "readwrite",
    "asking",
    "info",
    "time",
    "role",
  ),
  ...forUsers(
    "client|id",
    "client|getname",
    "client|setname x",
    "client|setinfo LIB-NAME x",
    "client|info",
    "client|reply ON",
  ),
  ...forUsers("client|no-touch ON", "wait 0 0", "lastsave", "multi", "unwatch"),
  ...forUsers("command|count", "command|list", "command|info", "command|docs", "command|getkeys GET k", "command"),
  ...forUsers("cluster|slots", "cluster|shards", "cluster|nodes", "cluster|info", "cluster|myid", "cluster|keyslot k"),
  ...forUsers("kv.member|list", "acl|whoami", "acl|cat"),
  ...forUsers(...["client", "config", "slowlog", "latency", "command", "session", "cluster", "kv.member", "acl"]
    .map((name) => `${name}|help`)),
  ...forAdmins(
    "client|list",
    "client|kill ID 99999",
    "client|no-evict ON",
    "save",
    "bgsave",
    "config|get *",
    "config|set a b",
  ),
  ...forAdmins("config|resetstat", "config|rewrite", "slowlog|get", "slowlog|len", "slowlog|reset", "latency|latest"),
  ...forAdmins("latency|history x", "latency|reset", "latency|histogram", "latency|doctor"),
  ...forAdmins(
    "kv.member|add 10.0.0.9:5000",
    "kv.member|promote 1",
    "kv.member|drain 1",
    "kv.member|undrain 1",
    "kv.member|remove 2",
  ),
  ...forAdmins(
    "acl|users",
    "acl|list",
    "acl|getuser none",
    "acl|log",
    "acl|setuser none on",
    "acl|deluser nobody",
  ),
  auth: [[`AUTH none ${PASSWORD}`, ""]],
  discard: [["MULTI; DISCARD", ""]],
  watch: [["WATCH p:a", "r"]],
  exec: [
    ["MULTI; GET p:a; EXEC", "r"],
    ["MULTI; SET p:a v; EXEC", "w"],
    ["MULTI; SET p:a v; GET p:a; EXEC", "rw"],
    ["MULTI; KEYS *; EXEC", ""],
    ["MULTI; PING; EXEC", ""],
    ["MULTI; DBSIZE; EXEC", "R"],
    ["MULTI; KV.GET p:a STALE; EXEC", "r"],
    ["MULTI; SLOWLOG LEN; EXEC", "A"],
  ],
  "session|open": [["SESSION OPEN", "s"]],
  "session|keepalive": [["SESSION KEEPALIVE 1", "s"]],
  "session|close": [["SESSION CLOSE 1", "s"]],
  once: [["ONCE 1 1 SET p:a v", "w"], ["ONCE 1 1 GET p:a", "r"]],
  txn: [
    ["TXN 0 1 3 SET p:a v 0", "w"],
    ["TXN 1 p:a EXISTS = 0 1 3 SET p:b v 0", "rw"],
    ["TXN 1 p:a EXISTS = 0 0 0", "r"],
    ["TXN 0 1 2 GET p:a 1 3 SET p:a v", "rw"],
    ["TXN 0 1 2 GET p:a 0", "r"],
  ],
  "kv.get": [["KV.GET p:a STALE", "r"]],
};

function forUsers(...forms: readonly string[]): Record<string, [string, string][]> {
  return rowsOf(forms, "");
}

function forAdmins(...forms: readonly string[]): Record<string, [string, string][]> {
  return rowsOf(forms, "A");
}

function rowsOf(forms: readonly string[], needs: string): Record<string, [string, string][]> {
  return Object.fromEntries(forms.map((form) => {
    const [path = ""] = form.split(" ");
    return [path, [[form.replace("|", " "), needs]]];
  }));
}

function may(role: Role, needs: string, isInside: boolean): boolean {
  if (role === "admin") return true;
  if (needs === "A") return false;
  if (needs === "s") return role === "writer" || role === "both";
  return needs === "" || (isInside && suffices(role, needs));
}

Deno.test("each key of reads that came together is judged by itself, and who has not logged in reads none", async () => {
  const bench = await benchOfRoles();
  const root = await enter(bench, "root");
  await root.ask("SET p:1 v", "SET p:2 w", "SET q v");
  const gets = ["GET p:1", "GET q", "GET p:2"];
  assertEquals(await root.ask(...gets), "$1\r\nv\r\n$1\r\nv\r\n$1\r\nw\r\n");
  const reader = await enter(bench, "reader");
  const replies = await reader.ask(...gets);
  assertEquals(replies.replace(/-NOPERM [^\r]*/, "-NOPERM"), "$1\r\nv\r\n-NOPERM\r\n$1\r\nw\r\n");
  assertEquals((await bench.connect().ask(...gets)).match(/-NOAUTH/g)?.length, 3);
});

Deno.test("every command is given by every role, inside and outside of its prefix, and does what the role may", async () => {
  const bench = await benchOfRoles();
  let rows = 0;
  for (const entry of COMMANDS.values()) {
    const hasSubcommands = entry.command !== undefined && entry.subcommands.size > 0;
    const paths = hasSubcommands ? Array.from(entry.subcommands.values(), ({ path }) => path) : [entry.path];
    for (const path of paths) {
      const table = entry.call === undefined ? OTHERS[path] : NEEDS[entry.name];
      assert(table !== undefined, `${path} has no row: say who may give it`);
      for (const [lines, needs] of table) {
        for (const role of Object.keys(ROLES) as Role[]) {
          for (const [isInside, said] of [[true, lines], [false, lines.replaceAll("p:", "q:")]] as const) {
            const client = await enter(bench, role);
            const reply = await slowly(client, ...said.split("; "));
            assertEquals(reply.includes("-NOPERM "), !may(role, needs, isInside), `${role}: ${said}: ${reply}`);
            client.session.closed();
            // A turn takes so many requests.
            await bench.clock.advance(0);
            rows += 1;
          }
        }
      }
    }
  }
  assert(rows > 500, `${rows} rows`);
});

Deno.test("a refusal names the right and the key, and nothing is done", async () => {
  const bench = await benchOfRoles();
  const writer = await enter(bench, "writer");
  assertEquals(await writer.ask("SET q v"), '-NOPERM the right to write "q" is missing\r\n');
  assertEquals(await writer.ask("GET p:a"), '-NOPERM the right to read "p:a" is missing\r\n');
  assertEquals(await writer.ask("SAVE"), "-NOPERM the right admin is missing\r\n");
  assertEquals(await writer.ask("FLUSHALL"), "-NOPERM the right to write every key is missing\r\n");
  assertEquals(
    await writer.ask("MULTI", "SET p:a v", "SET q v", "EXEC"),
    '+OK\r\n+QUEUED\r\n+QUEUED\r\n-NOPERM the right to write "q" is missing\r\n',
  );
  assertEquals([bench.node.machine.get("q"), bench.node.machine.get("p:a")], [undefined, undefined]);
  assertEquals(
    await writer.ask("MULTI", "SAVE", "SET p:a v", "EXEC").then((reply) => reply.split("\r\n").at(-2)),
    "-EXECABORT Transaction discarded because of previous errors.",
  );
});

Deno.test("lists show what may be read, and keep the rest to themselves", async () => {
  const bench = await benchOfRoles();
  const admin = await enter(bench, "admin");
  await admin.ask("MSET p:1 a p:2 b q 1 r 2");
  const reader = await enter(bench, "reader");
  assertEquals(await reader.ask("KEYS *"), "*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
  assertEquals(await reader.ask("SCAN 0"), "*2\r\n$1\r\n0\r\n*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
  assertEquals(await reader.ask("MULTI", "KEYS *", "EXEC"), "+OK\r\n+QUEUED\r\n*1\r\n*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
  assertEquals(await reader.ask("TXN 0 1 2 KEYS * 0"), "*2\r\n:1\r\n*1\r\n*2\r\n$3\r\np:1\r\n$3\r\np:2\r\n");
  assertEquals(await (await enter(bench, "none")).ask("KEYS *", "RANDOMKEY", "PREFIX p:"), "*0\r\n$-1\r\n*0\r\n");
  assertEquals(await admin.ask("DBSIZE"), ":4\r\n");
});

Deno.test("a right that goes is gone for what has begun: what is read, written, watched and queued by then", async () => {
  const bench = await benchOfRoles();
  const { node } = bench;
  const both = await enter(bench, "both");
  assertEquals(await both.ask("SET p:a v"), "+OK\r\n");
  const revoke = changeOf("both", { revoked: rightsOf("both:p:") });
  const login = node.users.find("root")?.login ?? -1;
  for (const [line, word] of [["GET p:a", "read"], ["SET p:a w", "write"], ["WATCH p:a", "read"]] as const) {
    node.holding = true;
    assertEquals(await both.ask(line), "");
    const changed = new Promise((resolve) => node.submit(revoke, resolve, { login }));
    node.waiting.splice(1, 1)[0]?.();
    await changed;
    node.release();
    assertEquals(await both.take(), `-NOPERM the right to ${word} "p:a" is missing\r\n`, line);
    node.holding = false;
    await submit(bench, changeOf("both", { granted: rightsOf("both:p:") }));
  }
  assertEquals([both.link.finished, node.machine.get("p:a")?.value], [false, "v"], "the connection stays");
  const admin = await enter(bench, "admin");
  assertEquals(await admin.ask("MULTI", "SLOWLOG LEN"), "+OK\r\n+QUEUED\r\n");
  await submit(bench, changeOf("admin", { revoked: rightsOf("admin") }));
  assertEquals(await admin.ask("EXEC"), "*1\r\n-NOPERM the right admin is missing\r\n");
  await submit(bench, changeOf("admin", { granted: rightsOf("admin") }));
  node.holding = true;
  assertEquals(await admin.ask("SET p:a x", "KV.MEMBER REMOVE 2"), "");
  const changed = new Promise((resolve) =>
    node.submit(changeOf("admin", { revoked: rightsOf("admin"), granted: rightsOf("write:") }), resolve, { login })
  );
  node.waiting.splice(1, 1)[0]?.();
  await changed;
  node.release();
  assertEquals(await admin.take(), "+OK\r\n-NOPERM the right admin is missing\r\n");
  assertEquals(node.memberChanges.length, 0);
});

Deno.test("ACL gives, takes and tells rights in the words of Redis, and refuses what does not map", async () => {
  const bench = await benchOfRoles();
  const root = await enter(bench, "root");
  const rights = (name: string) => writeRights(bench.node.users.find(name)?.rights ?? rightsOf("admin"));
  const steps: readonly (readonly [line: string, rights: string, listed: string])[] = [
    [`ACL SETUSER u >${PASSWORD}`, "", "&* -@all"],
    ["ACL SETUSER u ~app:* +@read", "r4:app:", "%R~app:* &* -@all +@read"],
    ["ACL SETUSER u %W~app:* +@write", "b4:app:", "~app:* &* -@all +@read +@write"],
    ["ACL SETUSER u resetkeys", "", "&* -@all"],
    ["ACL SETUSER u %RW~a\\*b* %R~c* +@all", "b3:a*br1:c", "~a\\*b* %R~c* &* -@all +@read +@write"],
    ["ACL SETUSER u reset allkeys +@read", "r0:", "%R~* &* -@all +@read"],
    ["ACL SETUSER u ~* +@all", "ar0:", "~* &* +@all"],
    ["ACL SETUSER u -@all", "", "&* -@all"],
    ["ACL SETUSER u +@admin", "a", "~* &* +@all"],
    // What stands before a rule that takes away is not given, as in Redis.
    ["ACL SETUSER u ~a:* +@read resetkeys ~b:*", "r2:b:", "%R~b:* &* -@all +@read"],
    ["ACL SETUSER u ~a:* +@admin +@all -@all +@read", "r2:a:", "%R~a:* &* -@all +@read"],
    ["ACL SETUSER u ~a:* +@all +@admin reset", "", "&* -@all"],
    ["ACL SETUSER u nocommands ON %w~x* +@WRITE", "w1:x", "%W~x* &* -@all +@write"],
  ];
  for (const [line, expected, listed] of steps) {
    assertEquals(await slowly(root, line), "+OK\r\n", line);
    assertEquals(rights("u"), expected, line);
    assertStringIncludes(await root.ask("ACL LIST"), `user u on sanitize-payload ${listed}\r\n`);
  }
  const user = await root.ask("ACL GETUSER u");
  assertStringIncludes(user, "-@all +@write");
  assertStringIncludes(user, "%W~x*");
  const refusals = [
    ["ACL SETUSER u ~app:*", "-ERR patterns of keys and +@read, +@write or +@all belong together"],
    ["ACL SETUSER u ~app:* +@all nocommands", "-ERR patterns of keys and +@read, +@write or +@all belong together"],
    ["ACL SETUSER u +@read", "-ERR patterns of keys and +@read, +@write or +@all belong together"],
    ["ACL SETUSER u %R~a* +@write", "-ERR no such rights: each pattern needs a category"],
    ["ACL SETUSER u ~a*b* +@read", "-ERR Error in ACL SETUSER modifier '~a*b*': a pattern of keys is a prefix"],
    ["ACL SETUSER u ~exact +@read", "-ERR Error in ACL SETUSER modifier '~exact': a pattern of keys is a prefix"],
    ["ACL SETUSER u ~[a]* +@read", "-ERR Error in ACL SETUSER modifier '~[a]*': a pattern"],
    ["ACL SETUSER u nopass", "-ERR Error in ACL SETUSER modifier 'nopass': every user has a password"],
    ["ACL SETUSER u off", "-ERR Error in ACL SETUSER modifier 'off': a user who is to stay out is removed"],
    ["ACL SETUSER u +get", "-ERR Error in ACL SETUSER modifier '+get': only ><password>"],
    ["ACL SETUSER u -@read", "-ERR Error in ACL SETUSER modifier '-@read': only ><password>"],
    ["ACL SETUSER new ~a* +@read", "-ERR a new user needs a password"],
  ] as const;
  for (const [line, start] of refusals) {
    const reply = await slowly(root, line);
    assertEquals(reply.slice(0, start.length), start, line);
    assertEquals(rights("u"), "w1:x", line);
  }
  assertStringIncludes(await root.ask("ACL CAT"), "admin");
  assertStringIncludes(await root.ask("ACL CAT admin"), "acl|setuser");
  assertEquals(await root.ask("ACL CAT nosuch"), "-ERR Unknown category 'nosuch'\r\n");
});

Deno.test("the session of a user is refused to others in every form, and an administrator ends it", async () => {
  const bench = await benchOfRoles();
  const [both, writer, admin] = [await enter(bench, "both"), await enter(bench, "writer"), await enter(bench, "admin")];
  const id = (await both.ask("SESSION OPEN")).slice(1, -2);
  assertEquals(await both.ask(`ONCE ${id} 1 INCR p:n`), ":1\r\n");
  const refused = "-NOTOWNER the session belongs to another user; nothing was done\r\n";
  assertEquals(
    await writer.ask(`ONCE ${id} 2 SET p:n 7`, `SESSION KEEPALIVE ${id}`, `SESSION CLOSE ${id}`),
    refused.repeat(3),
  );
  assertEquals(await admin.ask(`ONCE ${id} 1 INCR p:n`), refused);
  assertEquals(await both.ask(`ONCE ${id} 1 INCR p:n`, `ONCE ${id} 2 INCR p:n`), ":1\r\n:2\r\n");
  assertEquals(await admin.ask(`SESSION CLOSE ${id}`), "+OK\r\n");
});
