/** Nodes that other machines reach: without users they do not start unasked, and serve nobody before they know of one. */

import { assertEquals, assertMatch } from "@std/assert";
import { ProcessCluster } from "../support/process_cluster.ts";
import { findFreePorts } from "../support/ports.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

/** Loopback, by an address that is not known for it: nothing of the test can be reached from elsewhere. */
const WIDE = "::ffff:127.0.0.1";
const SECRET = { KVSTORE_CLUSTER_SECRET: "what all nodes share" };
const REFUSED = "Error: Authentication required. AUTH <user> <password> logs you in.";
const PASSWORD = "correct-horse";
const LINE =
  /^kvstore: --host ::ffff:127\.0\.0\.1 is reachable from other machines, and this node knows of no user: .*--bootstrap-user-file.*--insecure-clients$/m;

/** Starts nodes at WIDE; whoever is on the way may read what they say, as far as this test goes. */
class WideCluster extends ProcessCluster {
  constructor(nodes = 1) {
    super({
      nodes,
      program: (args) => programLine([...args, "--insecure-peers"]),
      wrap: (line) => ["env", ...Object.entries(SECRET).map(([name, value]) => `${name}=${value}`), ...line],
    });
  }
}

async function addRoot(port: number): Promise<void> {
  const environment = { KVSTORE_NEW_PASSWORD: PASSWORD };
  const added = await runProgram(["user", "--connect", `127.0.0.1:${port}`, "add", "root"], { environment });
  assertEquals([added.code, added.stdout], [0, "User root is added.\n"], added.stderr);
}

async function entersWith(port: number): Promise<boolean> {
  using client = await TextClient.connect(port);
  return await client.ask(`AUTH root ${PASSWORD}`) === "Logged in.";
}

/** A directory that is another node's, or half restored, is refused for that: whether there are users is not the question. */
async function refusesOthers(directory: string): Promise<void> {
  const half = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  await Deno.writeTextFile(`${half}/RESTORING`, "");
  for (const [where, why] of [[directory, /it holds RaftNode0\.json/], [half, /restore .* interrupted/]] as const) {
    const ports = ["--port", "--peer-port", "--http-port"];
    const line = findFreePorts(3).flatMap((port, at) => [ports[at] ?? "", String(port)]);
    const args = ["node", "--node-id", "1", "--host", WIDE, "--insecure-peers", "--data-dir", where, ...line];
    const { code, stderr } = await runProgram(args, { environment: SECRET });
    assertEquals(code, 1, stderr);
    assertMatch(stderr, why);
  }
  await Deno.remove(half, { recursive: true });
}

Deno.test("a new node or cluster that others reach, without users: one line, exit 2, nothing made", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  for (const command of ["node", "cluster"]) {
    for (const more of [["--insecure-peers"], ["--insecure-peers", "--insecure-clients=false"]]) {
      const line = [command, "--host", WIDE, "--data-dir", `${directory}/data`, ...more];
      const { code, stdout, stderr } = await runProgram(line, { environment: SECRET });
      assertEquals([code, stdout, stderr.split("\n").length], [2, "", 2], stderr);
      assertMatch(stderr, LINE);
      // What is named is what the command takes.
      assertEquals(stderr.includes("--tls-client-ca"), command === "node");
      assertEquals([...Deno.readDirSync(directory)], []);
    }
  }
  await Deno.remove(directory, { recursive: true });
});

Deno.test("a node of before is refused at an address that others reach, until it is told that this is meant or there is a user", async () => {
  await using cluster = new WideCluster();
  await cluster.start();
  const { clientPort, httpPort } = cluster.node(0);
  await cluster.kill(0, "SIGTERM");
  const refused = cluster.launch(0, ["--host", WIDE]);
  await refused.line("is reachable from other machines");
  assertEquals((await refused.ended).code, 2);
  assertMatch(refused.lines.join("\n"), LINE);
  await refusesOthers(cluster.node(0).directory);
  const open = cluster.launch(0, ["--host", WIDE, "--insecure-clients"]);
  await open.line("Whoever reaches ::ffff:127.0.0.1 may do everything");
  await waitFor(async () => await cluster.ask(0, "PUT k v") === "k added successfully." || undefined, {
    what: "everybody writes",
  });
  await addRoot(clientPort);
  await cluster.kill(0, "SIGTERM");
  const closed = cluster.launch(0, ["--host", WIDE]);
  await closed.line("is ready");
  assertEquals(await cluster.ask(0, "GET k"), REFUSED);
  const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/kv/k`);
  await reply.body?.cancel();
  assertEquals(reply.status, 401);
  await waitFor(async () => await entersWith(clientPort) || undefined, { what: "root comes in" });
  assertEquals(closed.lines.some((line) => /Clients are refused|Whoever reaches/.test(line)), false);
});

Deno.test("a node that joins at an address that others reach serves nobody until it has learned of a user", async () => {
  await using cluster = new WideCluster();
  await cluster.start();
  const seed = cluster.node(0);
  const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const ports = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort].map(String);
  const line = programLine([
    ...["node", "--join", `127.0.0.1:${seed.clientPort}@${seed.peerPort}`, "--node-id", "1", "--host", WIDE],
    ...[...ports, "--data-dir", `${cluster.root}/joined`, "--insecure-peers"],
  ]);
  const starts: ServerProcess[] = [];
  const start = async () => {
    const process = new ServerProcess(line, { environment: SECRET });
    starts.push(process);
    await process.line("Clients are refused until this node learns of a user");
    return process;
  };
  const ask = async (command: string) => {
    using client = await TextClient.connect(port);
    return await client.ask(command);
  };
  try {
    const first = await start();
    await waitFor(
      async () => (await cluster.block(0, "CLUSTER")).some((row) => /^Node 1: .*Follower/.test(row)) || undefined,
      {
        what: "node 1 has joined",
      },
    );
    assertEquals([await ask("GET k"), await ask("STATUS")], [REFUSED, REFUSED]);
    const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/cluster`);
    await reply.body?.cancel();
    assertEquals(reply.status, 401);
    await first.end("SIGTERM");
    // A second start knows no more.
    await start();
    assertEquals(await ask("GET k"), REFUSED);
    await addRoot(seed.clientPort);
    await waitFor(async () => await entersWith(port) || undefined, { what: "root comes in by way of node 1" });
  } finally {
    for (const process of starts) if (process.alive) await process.end("SIGTERM");
  }
});
