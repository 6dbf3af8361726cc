/** Users of real nodes: the first one, logins in every protocol, changes that end them on every node, restarts and the launcher. */

import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { ServerError } from "../../lib/client/errors.ts";
import { withLaunchedCluster } from "../support/launched_cluster.ts";
import { ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import { TextClient } from "../support/text_client.ts";
import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { encodeRequest } from "../support/resp/encode.ts";
import { waitFor } from "../support/wait.ts";
import { AS_ROOT, ROOT_PASSWORD, runAsRoot } from "./support/as_root.ts";

const PASSWORD = "battery-staple";
const REFUSED = "Error: Authentication required. AUTH <user> <password> logs you in.";

function basic(name: string, password: string): Record<string, string> {
  return { authorization: `Basic ${btoa(`${name}:${password}`)}` };
}

/** A connection in the text protocol that has logged in. */
async function logIn(port: number, name: string, password: string): Promise<TextClient> {
  const client = await TextClient.connect(port);
  assertEquals(await client.ask(`AUTH ${name} ${password}`), "Logged in.");
  return client;
}

/** Makes root by way of one node, and alice by way of another. */
async function addUsers(cluster: ProcessCluster, [one, other]: readonly number[]): Promise<void> {
  const portOf = (id = -1) => [cluster.node(id).clientPort];
  const added = await runAsRoot(portOf(one), "user add root", { KVSTORE_NEW_PASSWORD: ROOT_PASSWORD });
  assertEquals([added.code, added.out], [0, "User root is added.\n"], added.err);
  const alice = await runAsRoot(portOf(other), "user add alice admin", { ...AS_ROOT, KVSTORE_NEW_PASSWORD: PASSWORD });
  assertEquals([alice.code, alice.out], [0, "User alice is added.\n"], alice.err);
}

Deno.test("users are made by way of any node, and come in to each in every way", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [first = -1, second = -1] = cluster.others(leader);
    const portOf = (id: number) => cluster.node(id).clientPort;
    await addUsers(cluster, [first, second]);
    for (const [id, { httpPort }] of cluster.nodes.entries()) {
      const isClosed = async () => await cluster.ask(id, "PUT k v") === REFUSED || undefined;
      await waitFor(isClosed, { what: `node ${id} is closed` });
      assertEquals(await fetch(`http://127.0.0.1:${httpPort}/livez`).then((reply) => reply.text()), "ok\n");
    }
    const refused = await runAsRoot([portOf(second)], "user list", {});
    assertEquals(refused.code, 1);
    assertStringIncludes(refused.err, "give --user NAME");
    assertEquals((await runAsRoot(cluster.ports, "user list")).out, "alice admin\nroot admin\n");
    const servers = cluster.ports.map((port) => `127.0.0.1:${port}`);
    await using client = await connect({ servers, username: "alice", password: PASSWORD, timeoutMs: 60_000 });
    await client.put("greeting", "hello");
    assertEquals((await client.get("greeting"))?.text(), "hello");
    const wrong = connect({ servers, username: "alice", password: "wrong-horse", timeoutMs: 60_000 });
    assertEquals((await assertRejects(() => wrong, ServerError)).code, "WRONGPASS");
    const asAlice = { KVSTORE_USER: "alice", KVSTORE_PASSWORD: PASSWORD };
    const shell = await runAsRoot([portOf(first)], "cli GET greeting", asAlice);
    assertEquals([shell.code, shell.out], [0, "value of greeting: hello\n"], shell.err);
    const load = await runAsRoot(cluster.ports, "bench --requests 200 --connections 5 --json", asAlice);
    assertEquals([load.code, JSON.parse(load.out).result.requests], [0, 200], load.err);
    assertEquals(load.out.includes(PASSWORD), false);
    // A follower passes these on to the leader, for the user who asked.
    const drained = await runAsRoot([portOf(first)], `member drain ${second} --yes`, asAlice);
    assertEquals(drained.code, 0, drained.err);
    using told = await logIn(portOf(second), "alice", PASSWORD);
    assertEquals(await told.ask(`MEMBER UNDRAIN ${second}`), `Member ${second} is drained no more.`);
  }));

Deno.test("rights hold on every node, and what is revoked is gone there once that is acknowledged, for connections that are open", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [follower = -1] = cluster.others(leader);
    await addUsers(cluster, [leader, follower]);
    const added = await runAsRoot(cluster.ports, "user add carol read,write:app:", {
      ...AS_ROOT,
      KVSTORE_NEW_PASSWORD: PASSWORD,
    });
    assertEquals([added.code, added.out], [0, "User carol is added.\n"], added.err);
    const servers = cluster.ports.map((port) => `127.0.0.1:${port}`);
    await using root = await connect({ servers, username: "root", password: ROOT_PASSWORD, timeoutMs: 60_000 });
    for (const key of ["app:a", "app:b", "other"]) await root.put(key, "v");
    const ask = async (id: number, ...words: readonly string[]) => {
      const reply = await redisCommand(cluster.node(id).clientPort, ["AUTH", "carol", PASSWORD], words);
      return reply;
    };
    for (const id of [leader, follower]) {
      assertEquals(await ask(id, "KEYS", "*"), "*2\r\n$5\r\napp:a\r\n$5\r\napp:b\r\n");
      assertEquals(await ask(id, "SET", "app:a", "w"), "+OK\r\n");
      assertEquals(await ask(id, "SET", "other", "w"), '-NOPERM the right to write "other" is missing\r\n');
      assertEquals(await ask(id, "GET", "other"), '-NOPERM the right to read "other" is missing\r\n');
    }
    await using carol = await connect({ servers, username: "carol", password: PASSWORD, timeoutMs: 60_000 });
    await carol.put("app:c", "v");
    assertEquals((await carol.get("app:c"))?.text(), "v");
    assertEquals((await assertRejects(() => carol.put("other", "v"), ServerError)).code, "NOPERM");
    await carol.delete("app:c");
    const inside = await Promise.all(cluster.ports.map((port) => entered(port, "carol", PASSWORD)));
    const streams = await Promise.all(cluster.nodes.map(({ httpPort }) => watchAs("carol", httpPort)));
    const wrong = await runAsRoot(cluster.ports, "user revoke carol read:app:x");
    assertEquals(wrong.code, 1);
    assertStringIncludes(wrong.err, "the user would keep the right");
    const revoked = await runAsRoot([cluster.node(follower).clientPort], "user revoke carol read:app:");
    assertEquals([revoked.code, revoked.out], [0, "User carol may do that no more, on any node.\n"], revoked.err);
    for (const connection of inside) {
      assertEquals(await connection.ask("GET app:a"), 'Error: Not permitted. The right to read "app:a" is missing.');
      connection.close();
    }
    assertEquals(await Promise.all(streams.map(({ end }) => end)), ["ended", "ended", "ended"]);
    assertEquals((await runAsRoot(cluster.ports, "user list")).out, "alice admin\ncarol write:app:\nroot admin\n");
    const granted = await runAsRoot(cluster.ports, "user grant carol read:other");
    assertEquals([granted.code, granted.out], [0, "User carol may now do that as well.\n"], granted.err);
    assertEquals(await ask(follower, "KEYS", "*"), "*1\r\n$5\r\nother\r\n");
    const asCarol = { KVSTORE_USER: "carol", KVSTORE_PASSWORD: PASSWORD };
    const denied = await runAsRoot(cluster.ports, `member drain ${follower} --yes`, asCarol);
    assertEquals(denied.code, 1);
    assertStringIncludes(denied.err, "the right admin is missing");
  }));

/** The reply to the last of some commands of Redis, on a connection of their own. */
async function redisCommand(port: number, ...commands: readonly (readonly string[])[]): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  let reply = "";
  for (const words of commands) {
    await socket.write(stringToBytes(encodeRequest(...words)));
    const bytes = new Uint8Array(4_096);
    reply = bytesToString(bytes, 0, await socket.read(bytes) ?? 0);
  }
  return reply;
}

Deno.test("a new password ends what came in with the old one on every node, the last user stays, and no log has a secret", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await addUsers(cluster, [leader, leader]);
    const inside = await Promise.all(cluster.ports.map((port) => entered(port, "alice", PASSWORD)));
    const streams = await Promise.all(cluster.nodes.map(({ httpPort }) => watchAs("alice", httpPort)));
    const servers = cluster.ports.map((port) => `127.0.0.1:${port}`);
    await using client = await connect({ servers, username: "alice", password: PASSWORD, timeoutMs: 60_000 });
    await client.put("k", "v");
    using root = await entered(cluster.node(0).clientPort, "root", ROOT_PASSWORD);
    const changed = await runAsRoot(cluster.ports, "user passwd alice", {
      ...AS_ROOT,
      KVSTORE_NEW_PASSWORD: "another-one",
    });
    assertEquals(changed.code, 0, changed.err);
    await waitFor(() => inside.every(({ closed }) => closed) || undefined, { what: "the connections of alice end" });
    assertEquals(await Promise.all(streams.map(({ end }) => end)), ["ended", "ended", "ended"]);
    assertEquals((await assertRejects(() => client.get("k"), ServerError)).code, "WRONGPASS");
    assertEquals(await root.ask("GET greeting"), "Error: greeting does not exist.");
    for (const { httpPort } of cluster.nodes) {
      const statuses = [PASSWORD, "another-one"].map(async (password) => {
        const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/greeting`, { headers: basic("alice", password) });
        await reply.body?.cancel();
        return reply.status;
      });
      assertEquals(await Promise.all(statuses), [401, 404]);
    }
    assertEquals((await runAsRoot(cluster.ports, "user remove alice")).code, 0);
    const last = await runAsRoot(cluster.ports, "user remove root");
    assertEquals(last.code, 1);
    assertStringIncludes(last.err, "this is the last user");
    const logs = cluster.nodes.flatMap(({ process }) => process?.lines ?? []).join("\n");
    for (const secret of [ROOT_PASSWORD, PASSWORD, "another-one", "scrypt:"]) {
      assertEquals(logs.includes(secret), false);
    }
  }));

/** A connection that has logged in, on a node that may still have to hear of the user. */
function entered(port: number, name: string, password: string): Promise<TextClient> {
  return waitFor(async () => {
    const client = await TextClient.connect(port);
    if (await client.ask(`AUTH ${name} ${password}`) === "Logged in.") return client;
    client.close();
    return undefined;
  }, { what: `${name} comes in` });
}

/** An open stream of changes, and how it ends. */
async function watchAs(name: string, httpPort: number): Promise<{ readonly end: Promise<string> }> {
  const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/events`, { headers: basic(name, PASSWORD) });
  assertEquals(reply.status, 200);
  return { end: reply.text().then(() => "ended", () => "ended") };
}

Deno.test("a node that is started alone shows nobody what its log holds, and lets users in once it is one of many again", () =>
  withCluster({}, async (cluster) => {
    await cluster.waitForLeader();
    assertEquals((await runAsRoot(cluster.ports, "user add root", { KVSTORE_NEW_PASSWORD: ROOT_PASSWORD })).code, 0);
    for (const id of cluster.nodes.keys()) await cluster.kill(id);
    cluster.launch(0);
    const port = cluster.node(0).clientPort;
    const shown = await waitFor(async () => [await cluster.ask(0, "LOGS 9"), await cluster.ask(0, "STATUS")], {
      what: "node 0 answers",
    });
    assertEquals(shown, [REFUSED, REFUSED]);
    const log = await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}/v1/cluster/log`);
    assertEquals([log.status, (await log.text()).includes("root")], [401, false]);
    using early = await TextClient.connect(port);
    assertEquals(
      await early.ask(`AUTH root ${ROOT_PASSWORD}`),
      "Error: The users are not known here yet. Try again later.",
    );
    cluster.launch(1);
    const client = await entered(port, "root", ROOT_PASSWORD);
    assertMatch((await client.askBlock("LOGS 50")).join("\n"), /SET USER "root"/);
    client.close();
  }));

Deno.test("the first user comes from a file, nobody is let in before, and a second start changes nothing", async () => {
  await using cluster = new ProcessCluster({ nodes: 1 });
  const file = `${cluster.root}/first-user`;
  await Deno.writeTextFile(file, `root:${ROOT_PASSWORD}\n`, { mode: 0o600 });
  const [node] = cluster.nodes;
  assert(node !== undefined);
  cluster.launch(0, ["--bootstrap-user-file", file]);
  const enter = async (password: string) => {
    using client = await TextClient.connect(node.clientPort);
    return await client.ask(`AUTH root ${password}`);
  };
  const early = await waitFor(async () => await cluster.ask(0, "PUT k v"), { what: "the node answers" });
  assertEquals(early, REFUSED);
  await waitFor(async () => await enter(ROOT_PASSWORD) === "Logged in." || undefined, { what: "root comes in" });
  await cluster.kill(0, "SIGTERM");
  await Deno.writeTextFile(file, "root:another-password\n");
  cluster.launch(0, ["--bootstrap-user-file", file]);
  await waitFor(async () => await enter(ROOT_PASSWORD) === "Logged in." || undefined, { what: "root comes in again" });
  assertEquals(await enter("another-password"), "Error: Wrong user or password.");
});

Deno.test("a first user that is none, or on the command line, keeps a node from starting, in one line without the password", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const cases: readonly (readonly [readonly string[], Readonly<Record<string, string>>, RegExp])[] = [
    [["--bootstrap-user=root:secret-word"], {}, /would show the password to every user of this machine/],
    [[], { KVSTORE_BOOTSTRAP_USER: "rootsecret-word" }, /written as name:password/],
    [[], { KVSTORE_BOOTSTRAP_USER: "root:secret" }, /has 6 bytes: it needs 8 to 256/],
    [["--bootstrap-user-file", `${directory}/none`], {}, /Cannot read --bootstrap-user-file/],
  ];
  for (const command of ["node", "cluster"]) {
    for (const [flags, environment, what] of cases) {
      const line = [command, ...flags, "--data-dir", `${directory}/data`];
      const { code, stderr } = await runProgram(line, { environment });
      assertEquals(code, 2, stderr);
      assertMatch(stderr, what);
      assertEquals([stderr.trimEnd().includes("\n"), stderr.includes("secret-word")], [false, false]);
    }
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("the launcher goes on with nodes that have users: it restarts them, and one that joins is told of", () =>
  withLaunchedCluster(async ({ process, ports, httpBases }) => {
    assertEquals((await runAsRoot(ports, "user add root", { KVSTORE_NEW_PASSWORD: ROOT_PASSWORD })).code, 0);
    const restarted = await runAsRoot(ports, "rolling-restart --yes");
    assertEquals(restarted.code, 0, restarted.err);
    assertMatch(restarted.out, /Done: every node has a new process/);
    assertEquals((await runAsRoot(ports, "rolling-restart --yes", {})).code, 1);
    const headers = basic("root", ROOT_PASSWORD);
    const live = await fetch(`${httpBases[0]}/v1/launcher`, { headers });
    assertEquals(live.status, 200);
    await live.body?.cancel();
    assertEquals(process.lines.some((line) => line.includes(ROOT_PASSWORD)), false);
  }));
