/** The audit log of real nodes: each login, what administers, and what was refused, in every protocol; and never a secret. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import { Connection } from "../support/resp/connection.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

const PASSWORD = "correct-horse";
const WRONG = "wrong-horse-battery";
const VALUE = "a-value-that-is-nobodys-business";
const SECRETS = [PASSWORD, WRONG, VALUE, "another-one", "scrypt"];

interface Line {
  readonly time: string;
  readonly node: number;
  readonly event: string;
  readonly user: string;
  readonly from: string;
  readonly protocol: string;
  readonly command: string;
  readonly subject?: string;
  readonly allowed: boolean;
  readonly outcome?: string;
}

function linesOf(path: string): readonly Line[] {
  const text = Deno.readTextFileSync(path);
  for (const secret of SECRETS) assertEquals(text.includes(secret), false, `${path} holds ${secret}`);
  return text.split("\n").filter((line) => line !== "").map((line) => JSON.parse(line));
}

/** The text or number of a reply. */
async function answerTo(connection: Connection, ...words: readonly string[]): Promise<string> {
  const reply = await connection.ask(words);
  return "text" in reply ? reply.text : "value" in reply ? String(reply.value) : reply.type;
}

/** Without time and place, which is checked here. */
function shortOf({ time, node, from, ...rest }: Line): string {
  assertMatch(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  assertEquals([node, from], [0, rest.protocol === "none" ? "" : "127.0.0.1"]);
  const { event, user, protocol, command, subject = "-", allowed, outcome = "-", ...more } = rest;
  assertEquals(more, {});
  return [event, user === "" ? "-" : user, protocol, command, subject, allowed, outcome].join(" ");
}

/** The lines, in any order, once they are there: the file is written outside of the event loop. */
async function expectLines(path: string, wanted: readonly string[]): Promise<void> {
  const sorted = [...wanted].sort();
  let found: readonly string[] = [];
  await waitFor(() => {
    found = linesOf(path).map(shortOf).sort();
    return found.length >= sorted.length || undefined;
  }, { what: "the lines are there" }).catch(() => {});
  assertEquals(found, sorted);
}

async function http(cluster: ProcessCluster, line: string, options: { login?: string; body?: string } = {}) {
  const [method = "", path = ""] = line.split(" ");
  const headers = options.login === undefined ? {} : { authorization: `Basic ${btoa(options.login)}` };
  const reply = await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}${path}`, {
    ...{ method, headers },
    ...(options.body === undefined ? {} : { body: options.body }),
  });
  await reply.body?.cancel();
  return reply.status;
}

/** What a client of the text protocol does; the lines of it. */
async function speakText(port: number): Promise<readonly string[]> {
  using text = await TextClient.connect(port);
  assertStringIncludes(await text.ask(`PUT k ${VALUE}`), "Authentication required");
  assertStringIncludes(await text.ask("GET k"), "Authentication required");
  assertStringIncludes(await text.ask(`AUTH root ${WRONG}`), "Wrong user");
  // What was typed for a name may be a password.
  assertStringIncludes(await text.ask(`AUTH ${PASSWORD} ${PASSWORD}`), "Wrong user");
  assertEquals(await text.ask(`AUTH root ${PASSWORD}`), "Logged in.");
  assertMatch(await text.ask("SNAPSHOT"), /^Snapshot/);
  assertMatch(await text.ask("MEMBER REMOVE 7"), /^Error/);
  return [
    "refused - text put k false -",
    "refused - text get k false -",
    "login root text login - false WrongPassword",
    "login - text login - false UnknownUser",
    "login root text login - true LoggedIn",
    "admin root text snapshot - true Done",
    "admin root text member|remove 7 true Failed",
  ];
}

/** The same of a client of Redis; the lines of it. */
async function speakRedis(port: number): Promise<readonly string[]> {
  using redis = await Connection.open(`127.0.0.1:${port}`);
  for (const words of [["SET", "a\nb", VALUE], ["ACL", "SETUSER", "eve", `>${WRONG}`]]) {
    assertMatch(await answerTo(redis, ...words), /NOAUTH/);
  }
  assertMatch(await answerTo(redis, "AUTH", "root", WRONG), /WRONGPASS/);
  assertEquals(await answerTo(redis, "AUTH", "root", PASSWORD), "OK");
  assertEquals(await answerTo(redis, "SET", "a\nb", VALUE), "OK");
  assertEquals(await answerTo(redis, "ACL", "SETUSER", "alice", ">another-one"), "OK");
  assertEquals(await answerTo(redis, "ACL", "DELUSER", "alice"), "1");
  assertEquals(await answerTo(redis, "MULTI"), "OK");
  await answerTo(redis, "CONFIG", "RESETSTAT");
  await answerTo(redis, "EXEC");
  return [
    "refused - redis set a\\x0ab false -",
    "refused - redis acl - false -",
    "login root redis login - false WrongPassword",
    "login root redis login - true LoggedIn",
    "admin root redis acl|setuser alice true Done",
    "admin root redis acl|deluser alice true Done",
    "admin root redis config|resetstat - true Done",
  ];
}

/** The same over HTTP; the lines of it. */
async function speakHttp(cluster: ProcessCluster): Promise<readonly string[]> {
  assertEquals(await http(cluster, "PUT /v1/kv/k%C3%A4se", { body: VALUE }), 401);
  assertEquals(await http(cluster, "GET /v1/kv/k"), 401);
  assertEquals(await http(cluster, "GET /v1/kv/k", { login: `root:${WRONG}` }), 401);
  assertEquals(await http(cluster, `PUT /v1/kv/k`, { login: `root:${PASSWORD}`, body: VALUE }), 201);
  assertEquals(await http(cluster, "GET /v1/kv/k", { login: `root:${PASSWORD}` }), 200);
  assertEquals(await http(cluster, "GET /v1/backup", { login: `root:${PASSWORD}` }), 200);
  assertEquals(await http(cluster, "DELETE /v1/users/root", { login: `root:${PASSWORD}` }), 409);
  return [
    "refused - http putKey k\\xc3\\xa4se false -",
    "refused - http getKey k false -",
    "login root http login - false WrongPassword",
    "admin root http getBackup - true Done",
    "admin root http removeUser root true Failed",
  ];
}

/** What a user without rights is refused in each protocol, where it is judged before it begins and where it is applied or shown. */
async function lackRights(cluster: ProcessCluster): Promise<readonly string[]> {
  const { clientPort: port } = cluster.node(0);
  using redis = await Connection.open(`127.0.0.1:${port}`);
  assertEquals(await answerTo(redis, "AUTH", "root", PASSWORD), "OK");
  assertEquals(await answerTo(redis, "ACL", "SETUSER", "bob", ">another-one"), "OK");
  assertEquals(await answerTo(redis, "AUTH", "bob", "another-one"), "OK");
  for (const words of [["SET", "k", VALUE], ["GET", "k"], ["SAVE"], ["ACL", "DELUSER", "root"]]) {
    assertMatch(await answerTo(redis, ...words), /^NOPERM/);
  }
  using text = await TextClient.connect(port);
  assertEquals(await text.ask("AUTH bob another-one"), "Logged in.");
  for (const line of [`PUT k ${VALUE}`, "GET k", "GET k STALE", "SNAPSHOT"]) {
    assertMatch(await text.ask(line), /^Error: Not permitted/);
  }
  const login = "bob:another-one";
  assertEquals(await http(cluster, "PUT /v1/kv/k", { login, body: VALUE }), 403);
  assertEquals(await http(cluster, "GET /v1/kv/k", { login }), 403);
  assertEquals(await http(cluster, "GET /v1/backup", { login }), 403);
  return [
    "login root redis login - true LoggedIn",
    "admin root redis acl|setuser bob true Done",
    "login bob redis login - true LoggedIn",
    "refused bob redis set k false -",
    "refused bob redis get k false -",
    "refused bob redis save - false -",
    "refused bob redis acl|deluser root false -",
    "login bob text login - true LoggedIn",
    "refused bob text put k false -",
    "refused bob text get k false -",
    "refused bob text get k false -",
    "refused bob text snapshot - false -",
    "refused bob http putKey k false -",
    "refused bob http getKey k false -",
    "refused bob http getBackup - false -",
  ];
}

/** A young cluster refuses users, and that would be recorded as well. */
async function untilUsersMayBe(cluster: ProcessCluster): Promise<void> {
  const leader = await cluster.waitForLeader();
  const level = `Level: ${SPOKEN_VERSIONS.newest}`;
  await waitFor(async () => (await cluster.block(leader, "CLUSTER")).includes(level) || undefined, {
    what: "the level rises",
  });
}

Deno.test("logins, what administers and what is refused are lines, in each protocol; keys are named, values and passwords never", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const path = `${directory}/audit.log`;
  await withCluster({ nodes: 1, flags: ["--audit-log", path] }, async (cluster) => {
    await untilUsersMayBe(cluster);
    const port = cluster.node(0).clientPort;
    // As long as there are no users nobody is refused, and what administers is recorded all the same.
    assertEquals(await cluster.ask(0, `PUT open ${VALUE}`), "open added successfully.");
    assertMatch(await cluster.ask(0, "SNAPSHOT"), /^Snapshot/);
    const environment = { KVSTORE_NEW_PASSWORD: PASSWORD };
    const added = await runProgram(["user", "--connect", `127.0.0.1:${port}`, "add", "root"], { environment });
    assertEquals(added.code, 0, added.stderr);
    const wanted = [
      "admin - text snapshot - true Done",
      "admin - http setUser root true Done",
    ];
    await expectLines(path, wanted);

    wanted.push(...await speakText(port));
    await expectLines(path, wanted);
    wanted.push(...await speakRedis(port));
    await expectLines(path, wanted);
    wanted.push(...await speakHttp(cluster));
    await expectLines(path, wanted);
    wanted.push(...await lackRights(cluster));
    await expectLines(path, wanted);
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const metrics = await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}/metrics`, {
      headers: { authorization: `Basic ${btoa(`root:${PASSWORD}`)}` },
    });
    assertMatch(await metrics.text(), new RegExp(`^kvstore_audit_lines_total ${wanted.length}$`, "m"));
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a stranger who is refused ten thousand times displaces nothing: a hundred lines a second, and the others are counted", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const path = `${directory}/audit.log`;
  await withCluster({ nodes: 1, flags: ["--audit-log", path] }, async (cluster) => {
    const port = cluster.node(0).clientPort;
    const environment = { KVSTORE_NEW_PASSWORD: PASSWORD };
    await runProgram(["user", "--connect", `127.0.0.1:${port}`, "add", "root"], { environment });
    using redis = await Connection.open(`127.0.0.1:${port}`);
    const startedAt = performance.now();
    for (let round = 0; round < 10; round++) {
      await redis.exchange(Array.from({ length: 1_000 }, () => ["GET", "k"]));
    }
    const seconds = Math.ceil((performance.now() - startedAt) / 1_000) + 1;
    assertEquals(await answerTo(redis, "AUTH", "root", PASSWORD), "OK");
    await waitFor(() => linesOf(path).some(({ event }) => event === "login") || undefined, {
      what: "the login is there",
    });
    const lines = linesOf(path);
    const refused = lines.filter(({ event }) => event === "refused").length;
    assert(refused >= 100 && refused <= 100 * seconds, `${refused} lines in ${seconds} s`);
    const leftOut = lines.reduce((sum, line) => sum + ("left_out" in line ? Number(line.left_out) : 0), 0);
    assertEquals(refused + leftOut, 10_000);
  });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("what a follower passes on stands in the files of both nodes, under the name of who asked", async () => {
  await using cluster = new ProcessCluster({ nodes: 3 });
  const pathOf = (id: number) => `${cluster.root}/audit-${id}.log`;
  for (const { id } of cluster.nodes) cluster.launch(id, ["--audit-log", pathOf(id)]);
  const leader = await cluster.waitForLeader();
  const [follower = -1, other = -1] = cluster.others(leader);
  const connect = ["--connect", `127.0.0.1:${cluster.node(follower).clientPort}`];
  const added = await runProgram(["user", ...connect, "add", "root"], {
    environment: { KVSTORE_NEW_PASSWORD: PASSWORD },
  });
  assertEquals(added.code, 0, added.stderr);
  const environment = { KVSTORE_USER: "root", KVSTORE_PASSWORD: PASSWORD };
  const drained = await runProgram(["member", ...connect, "drain", String(other), "--yes"], { environment });
  assertEquals(drained.code, 0, drained.stderr);
  for (const id of [leader, follower]) {
    const isThere = () => linesOf(pathOf(id)).find(({ command }) => command === "drainMember");
    const line = await waitFor(isThere, { what: `node ${id} has recorded it` });
    const { event, user, node, subject, allowed, outcome } = line;
    assertEquals([event, user, node, subject, allowed, outcome], ["admin", "root", id, String(other), true, "Done"]);
  }
});

Deno.test("each node of a local cluster has a file of its own, in which the launcher's buttons stand", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const path = `${directory}/audit.log`;
  await withLaunchedCluster(async ({ httpBases }) => {
    const reply = await fetch(`${httpBases[0]}/v1/launcher/nodes/2/restart`, { method: "POST" });
    await reply.body?.cancel();
    await waitFor(() => linesOf(`${path}-0`).some(({ command }) => command === "actOnNode") || undefined, {
      what: "the button is recorded",
    });
    const [line] = linesOf(`${path}-0`).filter(({ command }) => command === "actOnNode");
    assertEquals([line?.event, line?.subject, line?.from], ["admin", "2 restart", "127.0.0.1"]);
    for (const id of [1, 2]) assertEquals(linesOf(`${path}-${id}`).filter(({ event }) => event !== "admin"), []);
  }, { flags: ["--audit-log", path] });
  await Deno.remove(directory, { recursive: true });
});

Deno.test("an audit log that cannot be written keeps a node from starting, in one line, and nothing is made", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const line = ["node", "--data-dir", `${directory}/data`, "--audit-log", `${directory}/none/audit.log`];
  const { code, stderr } = await runProgram(line);
  assertEquals(code, 1, stderr);
  assertMatch(stderr, /^kvstore: Cannot write the audit log .*none\/audit\.log: .*--audit-log names it\n$/);
  assertEquals([...Deno.readDirSync(directory)], []);
  await Deno.remove(directory, { recursive: true });
});
