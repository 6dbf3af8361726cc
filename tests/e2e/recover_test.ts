/** The majority of a cluster is lost for ever: what the directories that are left tell, and what a new cluster has of them. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeCommand } from "../../lib/kv/commands.ts";
import { EventClient } from "../support/event_client.ts";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { findFreePorts } from "../support/ports.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askOnce } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

/** A follower, so that the others go on without it. */
async function chooseSurvivor(cluster: ProcessCluster): Promise<number> {
  return cluster.others(await cluster.waitForLeader())[0] ?? 0;
}

async function waitUntilWritten(ledger: Ledger, count: number): Promise<void> {
  const from = ledger.acknowledged.size;
  await waitFor(() => ledger.acknowledged.size >= from + count || undefined, { what: `${count} acknowledged writes` });
}

function urlOf(cluster: ProcessCluster, id: number, path: string): string {
  return `http://127.0.0.1:${cluster.node(id).httpPort}${path}`;
}

/** Writes a key over HTTP; the status, and the revision that its entity tag tells. */
async function put(cluster: ProcessCluster, id: number, key: string, headers: Readonly<Record<string, string>> = {}) {
  const response = await fetch(urlOf(cluster, id, `/v1/kv/${key}`), { method: "PUT", body: "value", headers });
  await response.body?.cancel();
  return { status: response.status, revision: Number(response.headers.get("ETag")?.replaceAll('"', "") ?? 0) };
}

async function tagOf(cluster: ProcessCluster, id: number, key: string): Promise<string> {
  const response = await fetch(urlOf(cluster, id, `/v1/kv/${key}`));
  await response.body?.cancel();
  return response.headers.get("ETag") ?? "";
}

/** What all the puts in the log of a stopped node come to. */
async function putsInLog(directory: string): Promise<ReadonlyMap<string, string>> {
  const { stdout } = await runProgram(["inspect", directory, "--entries", "1000000"]);
  const held = new Map<string, string>();
  for (const entry of JSON.parse(stdout).entries) {
    const command = entry.type === "Command" ? decodeCommand(entry.command)?.command : undefined;
    if (command?.type === "Put") held.set(command.key, command.value);
  }
  return held;
}

/** Under load: the survivor dies, the others go on and acknowledge what it does not have, then they die, and are gone. */
async function lose(cluster: ProcessCluster, survivor: number): Promise<{ lostRevision: number; lost: string }> {
  const ledger = new Ledger();
  const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, prefix: "late" });
  try {
    await waitUntilWritten(ledger, 100);
    await cluster.kill(survivor);
    await waitUntilWritten(ledger, 100);
    const leader = await cluster.waitForLeader({ among: cluster.others(survivor) });
    const { status, revision } = await put(cluster, leader, "only-on-the-lost");
    assertEquals(status, 201);
    await Promise.all(cluster.others(survivor).map((id) => cluster.kill(id)));
    const [lost = 0] = cluster.others(survivor);
    for (const id of cluster.others(survivor)) {
      await Deno.rename(cluster.node(id).directory, `${cluster.root}/lost-${id}`);
    }
    return { lostRevision: revision, lost: `${cluster.root}/lost-${lost}` };
  } finally {
    await writers.stop();
  }
}

Deno.test("recover inspect: two of three directories hold every acknowledged write, one may not, and a running node is refused", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 20; at++) await cluster.ask(leader, `PUT key-${at} value`);
    await cluster.waitUntilEqual();
    const running = await runProgram(["recover", "inspect", cluster.node(0).directory]);
    assertEquals([running.code, running.stdout], [1, ""]);
    assertMatch(running.stderr, /^kvstore: Cannot inspect .*: a node is running on it; stop the node first\n$/);
    const clusterId = (await cluster.status(leader)).get("Cluster ID") ?? "";
    for (const { id } of cluster.nodes) await cluster.kill(id);
    const [one = "", two = "", three = ""] = cluster.nodes.map(({ directory }) => directory);
    const all = await runProgram(["recover", "inspect", one, two, three]);
    assertEquals([all.code, all.stderr], [0, ""]);
    for (const [id, directory] of [one, two, three].entries()) {
      assertStringIncludes(all.stdout, `${directory}: node ${id} of cluster ${clusterId}\n`);
    }
    assertMatch(
      all.stdout,
      /^ {2}term [1-9]\d*, last entry \d+ of term \d+, no snapshot, log 1 to \d+, digest [0-9a-f]{8}$/m,
    );
    assertMatch(all.stdout, /^ {2}voters 0 1 2$/m);
    assertStringIncludes(all.stdout, "Of the voters 0 1 2 there are 0 1 2, a majority: no acknowledged write is lost.");
    const alone = await runProgram(["recover", "inspect", two]);
    assertMatch(alone.stdout, /^Newest: .*node-1, with entry \d+ of term \d+\.$/m);
    assertMatch(
      alone.stdout,
      /^Of the voters 0 1 2 there is 1, no majority: acknowledged writes .* all behind entry \d+,/m,
    );
    const { stdout } = await runProgram(["recover", "inspect", "--json", three, one]);
    const survey = JSON.parse(stdout);
    assertEquals([survey.voters, survey.present, survey.isMajority], [[0, 1, 2], [0, 2], true]);
    const other = await runProgram(["recover", "inspect", one, cluster.root]);
    assertEquals(other.code, 1);
    assertMatch(other.stderr, /^kvstore: .* is not a data directory: it holds no RaftNode<id>\.json\n$/);
  }));

Deno.test("two of three directories are lost: the new cluster has all that the survivor had, nothing of before matches, and no old node joins", () =>
  withCluster({ flags: ["--request-timeout-ms", "1000"] }, async (cluster) => {
    const survivor = await chooseSurvivor(cluster);
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, pauseMs: 5 });
    await waitUntilWritten(ledger, 300).finally(() => writers.stop());
    await put(cluster, survivor, "tagged");
    await cluster.waitUntilEqual();
    const oldTag = await tagOf(cluster, survivor, "tagged");
    const oldId = (await cluster.status(survivor)).get("Cluster ID") ?? "";
    const { lostRevision, lost } = await lose(cluster, survivor);
    const { directory } = cluster.node(survivor);
    const held = await putsInLog(directory);
    assert(!held.has("only-on-the-lost"));

    const force = ["recover", "force", directory];
    const declined = await runProgram(force, { input: "something else\n" });
    assertEquals([declined.code, declined.stderr.split("\n").length], [1, 2]);
    assertMatch(declined.stderr, /^kvstore: Not recovered: that is not its name, and nothing was changed/);
    assertEquals((await runProgram(force)).code, 1, "nobody answers");
    assertEquals(await putsInLog(directory), held);
    const done = await runProgram(force, { input: `${oldId}\n` });
    assertEquals([done.code, done.stderr], [0, ""]);
    assertStringIncludes(done.stdout, `node ${survivor} is its only voter; nobody else is a member`);
    assertMatch(
      done.stdout,
      /Every revision rises by \d+, that is by the last entry and --revision-step 1000000000000;/,
    );
    const newId = /is the cluster ([0-9a-f]{32})\.$/m.exec(done.stdout)?.[1] ?? "";
    assert(newId !== "" && newId !== oldId, done.stdout);
    const again = await runProgram(force);
    assertEquals([again.code, again.stdout.startsWith("Nothing to do: ")], [0, true], again.stdout);

    // The flags still name the lost nodes.
    await cluster.restart(survivor);
    await cluster.waitForLeader({ among: [survivor] });
    assertEquals((await cluster.status(survivor)).get("Cluster ID"), newId);
    assertEquals(await ledger.check(cluster.node(survivor).clientPort), [], "broken promises");
    for (const [key, value] of held) {
      assertEquals(await cluster.ask(survivor, `GET ${key}`), `value of ${key}: ${value}`);
    }
    const running = await runProgram([...force, "--yes"]);
    assertEquals(running.code, 1);
    assertMatch(running.stderr, /a node is running on it; stop the node first/);

    const tag = await tagOf(cluster, survivor, "tagged");
    assertGreater(Number(tag.replaceAll('"', "")), lostRevision + 1e12 - 1e6);
    for (const stale of [oldTag, `"${lostRevision}"`]) {
      assertEquals((await put(cluster, survivor, "tagged", { "If-Match": stale })).status, 412);
    }
    const { status, revision } = await put(cluster, survivor, "tagged", { "If-Match": tag });
    assertEquals(status, 200);
    assertGreater(revision, Number(tag.replaceAll('"', "")));
    for (const id of [1, Number(oldTag.replaceAll('"', "")), lostRevision]) {
      const resumed = await fetch(urlOf(cluster, survivor, "/v1/events"), { headers: { "Last-Event-ID": String(id) } });
      assertEquals([resumed.status, (await resumed.json()).code], [410, "compacted"]);
    }
    using events = await EventClient.open({
      port: cluster.node(survivor).httpPort,
      query: "snapshot=1",
      lastEventId: String(lostRevision),
    });
    await events.waitFor("snapshot-end");
    assertEquals(events.events.filter(({ type }) => type !== "progress")[0]?.type, "reset");

    await refusesOldNode(cluster, { survivor, lost, oldId, newId });
    await takesNewcomer(cluster, survivor);
  }));

/** A copy of a lost directory turns up: both sides say why, and neither does anything. */
async function refusesOldNode(
  cluster: ProcessCluster,
  { survivor, lost, oldId, newId }: { survivor: number; lost: string; oldId: string; newId: string },
): Promise<void> {
  const old = Number(lost.slice(-1));
  await Deno.rename(lost, cluster.node(old).directory);
  const { currentTerm } = JSON.parse(
    await Deno.readTextFile(`${cluster.node(survivor).directory}/RaftNode${survivor}.json`),
  );
  await cluster.restart(old);
  const line = `node ${old} belongs to cluster "${oldId}", node ${survivor} to cluster "${newId}"`;
  for (const id of [old, survivor]) await cluster.node(id).process?.line(line);
  assertStringIncludes(await cluster.ask(old, "PUT more here"), "Error: No leader.");
  assertEquals((await put(cluster, survivor, "after")).status, 201);
  const status = await cluster.status(survivor);
  assertEquals([status.get("Role"), status.get("Term")], ["Leader", String(currentTerm)]);
  const { stdout } = await runProgram([
    "recover",
    "inspect",
    "--json",
    `${cluster.node(survivor).directory}/before-recovery`,
  ]);
  assertEquals(JSON.parse(stdout).survivors[0].clusterId, oldId);
  // The log of the new cluster stands behind that of the old one.
  await cluster.kill(survivor);
  await cluster.restart(survivor);
  await cluster.waitForLeader({ among: [survivor] });
  assertEquals(await cluster.ask(survivor, "GET after"), "value of after: value");
}

/** A node that nobody knows joins the new cluster, and gets the data and a vote. */
async function takesNewcomer(cluster: ProcessCluster, survivor: number): Promise<void> {
  const [clientPort = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const seed = cluster.node(survivor);
  const newcomer = new ServerProcess(programLine([
    ...["node", "--join", `127.0.0.1:${seed.clientPort}@${seed.peerPort}`, "--data-dir", `${cluster.root}/newcomer`],
    ...["--port", `${clientPort}`, "--peer-port", `${peerPort}`, "--http-port", `${httpPort}`],
  ]));
  try {
    await waitForVoters(cluster, { asked: survivor, count: 2 });
    assertEquals(await askOnce(clientPort, "GET after"), "value of after: value");
  } finally {
    await newcomer.end("SIGKILL");
  }
}

async function waitForVoters(
  cluster: ProcessCluster,
  { asked, count }: { asked: number; count: number },
): Promise<void> {
  await waitFor(async () => {
    const response = await fetch(urlOf(cluster, asked, "/v1/cluster"));
    const voters = (await response.json()).members.filter((member: { voter: boolean }) => member.voter);
    return voters.length === count || undefined;
  }, { what: `${count} servers are voters` });
}

Deno.test("members that a recovery names join with empty directories as learners, and get the data and a vote", () =>
  withCluster({}, async (cluster) => {
    const survivor = await chooseSurvivor(cluster);
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 20; at++) await cluster.ask(leader, `PUT key-${at} value`);
    await cluster.waitUntilEqual();
    for (const { id } of cluster.nodes) await cluster.kill(id);
    for (const id of cluster.others(survivor)) await Deno.remove(cluster.node(id).directory, { recursive: true });
    const members = cluster.nodes.map(({ id, clientPort, peerPort }) => `${id}=127.0.0.1:${clientPort}@${peerPort}`);
    const { directory } = cluster.node(survivor);
    const done = await runProgram(["recover", "force", directory, "--members", members.join(","), "--yes"]);
    assertEquals([done.code, done.stderr], [0, ""]);
    assertStringIncludes(done.stdout, `nodes ${cluster.others(survivor).join(", ")} are learners`);
    await cluster.restart(survivor);
    await cluster.waitForLeader({ among: [survivor] });
    assertEquals(await cluster.ask(survivor, "PUT alone yes"), "alone added successfully.");
    for (const id of cluster.others(survivor)) await cluster.restart(id, ["--new-identity"]);
    await waitForVoters(cluster, { asked: survivor, count: 3 });
    await cluster.waitUntilEqual();
    await cluster.kill(survivor);
    const other = await cluster.waitForLeader({ among: cluster.others(survivor) });
    for (let at = 0; at < 20; at++) {
      assertEquals(await cluster.ask(other, `GET key-${at}`), `value of key-${at}: value`);
    }
    assertEquals(await cluster.ask(other, "GET alone"), "value of alone: yes");
  }));

Deno.test("recover force refuses what is damaged, what is no data directory, and members that make no sense", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await cluster.ask(leader, "PUT key value");
    for (const { id } of cluster.nodes) await cluster.kill(id);
    const { directory } = cluster.node(leader);
    const force = (...flags: string[]) => runProgram(["recover", "force", directory, "--yes", ...flags]);
    const cases: [flags: string[], line: RegExp][] = [
      [["--members", "0"], /--members has the entry "0"; write id=host:port/],
      [["--members", "0=h:1,0=h:2"], /--members names the id 0 twice/],
      [["--members", "0=h:70000"], /--members has the entry/],
      [["--members", "0=h:1,1=h:2@10001"], /--members names h:10001 twice/],
      [
        ["--members", Array.from({ length: 33 }, (_, id) => `${id}=h:${id + 1}`).join(",")],
        /33 nodes; 32 are the most/,
      ],
      [["--revision-step", "0"], /--revision-step must be a whole number from 1/],
    ];
    for (const [flags, line] of cases) {
      const { code, stderr } = await force(...flags);
      assertEquals(code, 2, stderr);
      assertMatch(stderr, line);
    }
    const elsewhere = await runProgram(["recover", "force", cluster.root, "--yes"]);
    assertEquals(elsewhere.code, 1);
    assertMatch(elsewhere.stderr, /is not a data directory/);
    const file = `${directory}/RaftNode${leader}.json`;
    await Deno.writeTextFile(file, (await Deno.readTextFile(file)).replace('"currentTerm": ', '"currentTerm": 1'));
    const damaged = await force();
    assertEquals([damaged.code, damaged.stdout], [74, ""]);
    assertMatch(damaged.stderr, /RaftNode\d\.json.*offset 0/);
    assert(!Array.from(Deno.readDirSync(directory)).some(({ name }) => name === "before-recovery"));
  }));
