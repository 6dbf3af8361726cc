/** New clusters from backups of real ones: what was acknowledged before is there, and the old cluster's nodes are not let in. */

import { assert, assertEquals, assertGreater, assertMatch, assertStringIncludes } from "@std/assert";
import { raisedBlocks } from "../../lib/kv/raised_blocks.ts";
import type { StateMachine } from "../../lib/kv/state_machine.ts";
import { Ledger, type LedgerWrite } from "../support/ledger.ts";
import { snapshotOfVersion } from "../support/other_version.ts";
import { Newcomer } from "../support/newcomer.ts";
import { ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { emptyState, spanOf, stateOf } from "../support/state.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

/** A backup, and what clients knew before it was begun. */
interface Taken {
  readonly path: string;
  readonly before: readonly LedgerWrite[];
}

function urlOf(cluster: ProcessCluster, id: number, path: string): string {
  return `http://127.0.0.1:${cluster.node(id).httpPort}${path}`;
}

async function waitUntilWritten(ledger: Ledger, count: number): Promise<void> {
  const from = ledger.acknowledged.size;
  await waitFor(() => ledger.acknowledged.size >= from + count || undefined, { what: `${count} acknowledged writes` });
}

/** While clients write, before and after. */
async function takeUnderLoad(cluster: ProcessCluster): Promise<Taken> {
  const leader = await cluster.waitForLeader();
  const url = urlOf(cluster, leader, "/v1/kv/");
  for (const path of ["brief?ttl=1ms", "long?ttl=1d"]) {
    await (await fetch(url + path, { method: "PUT", body: "x" })).text();
  }
  const ledger = new Ledger();
  const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, pauseMs: 5 });
  try {
    await waitUntilWritten(ledger, 300);
    const before = [...ledger.acknowledged.values()];
    const path = `${cluster.root}/backup.snap`;
    // Through a follower, which may not have applied yet what was acknowledged.
    const asked = cluster.node(cluster.others(leader)[0] ?? leader).clientPort;
    const taken = await runProgram(["backup", path, "--connect", `127.0.0.1:${asked}`]);
    assertEquals([taken.code, taken.stderr], [0, ""]);
    await waitUntilWritten(ledger, 100);
    return { path, before };
  } finally {
    await writers.stop();
  }
}

/** What the log of a stopped node comes to at an index. */
async function replay(directory: string, index: number): Promise<StateMachine> {
  const { stdout } = await runProgram(["inspect", directory, "--entries", "1000000"]);
  const state = emptyState();
  for (const entry of JSON.parse(stdout).entries) {
    if (entry.index > index) break;
    if (entry.type === "Command") state.apply(entry.index, spanOf(entry.command));
    else state.skip(entry.index);
  }
  assertEquals(state.lastApplied, index);
  return state;
}

/** The digest of the state with raised revisions. */
function raisedDigest(state: StateMachine, by: number): string | undefined {
  const cut = state.cut();
  const blocks = Array.from(
    raisedBlocks(cut, { by, keepsSessions: true, keepsDeadlines: true }),
    (block) => block.slice(),
  );
  cut.close();
  return stateOf(blocks)?.digest;
}

async function factsOf(path: string) {
  const { code, stdout, stderr } = await runProgram(["verify", "--json", path]);
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

/** The snapshot of a directory, which is the file of a backup as well. */
function snapshotOf(directory: string): string {
  const [snapshot] = [...Deno.readDirSync(`${directory}/snapshots`)].filter(({ name }) => name.endsWith(".snap"));
  return `${directory}/snapshots/${snapshot?.name}`;
}

/** Every key of a node, with its value. */
async function keysOf(cluster: ProcessCluster, id: number): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>();
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: { items: { key: string; value: string }[]; cursor: string | null } = await (await fetch(
      urlOf(cluster, id, `/v1/kv?limit=1000&cursor=${encodeURIComponent(cursor)}`),
    )).json();
    for (const { key, value } of page.items) found.set(key, value);
    cursor = page.cursor;
  }
  return found;
}

Deno.test("a backup under load holds the state at its index, and the cluster that is restored from it everything acknowledged before", () =>
  withCluster({}, async (old) => {
    const { path, before } = await takeUnderLoad(old);
    const oldId = (await old.status(0)).get("Cluster ID") ?? "";
    for (const { id } of old.nodes) await old.kill(id);
    const facts = await factsOf(path);
    const state = await replay(old.node(0).directory, facts.index);
    assertEquals([facts.clusterId, facts.digest, facts.keys], [oldId, state.digest, state.size]);
    for (const { key, value } of before) assertEquals(state.get(key)?.value, value ?? undefined, key);
    await withRestored(old, path, async (cluster, newId) => {
      const { index, digest } = await factsOf(snapshotOf(cluster.node(0).directory));
      const raisedBy = facts.index + 1e12;
      assertEquals([index, digest], [facts.index + raisedBy, raisedDigest(state, raisedBy)]);
      await cluster.start();
      assertEquals((await cluster.status(0)).get("Cluster ID"), newId);
      const kept = [...state.records("")].map(([key, record]) => [key, record.value] as const);
      // The deadline of one has passed.
      assertEquals(await keysOf(cluster, 0), new Map(kept.filter(([key]) => key !== "brief").sort(byKey)));
      const written = await fetch(urlOf(cluster, 0, "/v1/kv/after"), { method: "PUT", body: "value" });
      assertEquals(written.status, 201);
      assertGreater(Number(written.headers.get("ETag")?.replaceAll('"', "")), index);
      await refusesOldNode(cluster, { old, oldId, newId });
      await using newcomer = new Newcomer(cluster, { seed: 0 });
      newcomer.start();
      await newcomer.isMember();
      const [first] = before;
      assert(first !== undefined);
      await newcomer.reads(first.key, String(first.value));
      await newcomer.reads("after", "value");
    });
  }));

function byKey([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return left < right ? -1 : 1;
}

/** A cluster of one, restored and not started. */
async function withRestored(
  old: ProcessCluster,
  path: string,
  body: (cluster: ProcessCluster, newId: string) => Promise<void>,
): Promise<void> {
  await using cluster = new ProcessCluster({ nodes: 1 });
  const { directory } = cluster.node(0);
  const done = await runProgram(["restore", path, "--data-dir", directory]);
  assertEquals([done.code, done.stderr], [0, ""]);
  const newId = /of the new cluster ([0-9a-f]{32})\.$/m.exec(done.stdout)?.[1] ?? "";
  assert(newId !== "" && !(await Deno.readTextFile(`${old.node(0).directory}/RaftNode0.json`)).includes(newId));
  assertMatch(done.stdout, /^Start node 0; other nodes join it with empty directories and --join\.$/m);
  try {
    await body(cluster, newId);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error} (${cluster.keepLogs()})`, { cause: error });
  }
}

/** A node of the old cluster that is told of the new one: both say why, and neither does anything. */
async function refusesOldNode(
  cluster: ProcessCluster,
  { old, oldId, newId }: { old: ProcessCluster; oldId: string; newId: string },
): Promise<void> {
  const { clientPort, peerPort, httpPort, directory } = old.node(1);
  const { clientPort: seedPort, peerPort: seedPeerPort } = cluster.node(0);
  const stray = new ServerProcess(programLine([
    ...["node", "--node-id", "1", "--port", `${clientPort}`, "--peer-port", `${peerPort}`, "--data-dir", directory],
    ...["--http-port", `${httpPort}`, "--peers", `0=127.0.0.1:${seedPort}@${seedPeerPort}`],
  ]));
  try {
    await stray.line(`cluster "${oldId}"`);
    await stray.line(`cluster "${newId}"`);
    assertEquals(await cluster.ask(0, "PUT undisturbed yes"), "undisturbed added successfully.");
  } finally {
    await stray.end("SIGKILL");
  }
}

Deno.test("all nodes of a new cluster are restored from one file, and one that does not fit is refused", () =>
  withCluster({ nodes: 1 }, async (old) => {
    const { path, before } = await takeUnderLoad(old);
    await using cluster = new ProcessCluster({ nodes: 3 });
    const members = cluster.nodes.map(({ id, clientPort, peerPort }) => `${id}=127.0.0.1:${clientPort}@${peerPort}`);
    const restore = (id: number, ...flags: string[]) =>
      runProgram([
        ...["restore", path, "--json", "--data-dir", cluster.node(id).directory, "--node-id", `${id}`],
        ...["--members", members.join(","), ...flags],
      ]);
    const first = await restore(0);
    assertEquals([first.code, first.stderr], [0, ""]);
    const { clusterId, voters, revision, backup } = JSON.parse(first.stdout);
    assertEquals([voters, revision], [[0, 1, 2], 2 * backup.index + 1e12]);
    const other = await restore(1, "--restored-cluster", clusterId, "--drop-sessions");
    assertEquals([other.code, other.stdout], [1, ""]);
    assertMatch(
      other.stderr,
      /^kvstore: Cannot restore into .* is the id of a restore of another file, or with other /,
    );
    for (const id of [1, 2]) assertEquals((await restore(id, "--restored-cluster", clusterId)).code, 0);
    const leader = await cluster.start();
    for (const { id } of cluster.nodes) assertEquals((await cluster.status(id)).get("Cluster ID"), clusterId);
    for (const { key, value } of before.slice(0, 50)) {
      assertEquals(await cluster.ask(leader, `GET ${key}`), `value of ${key}: ${value}`);
    }
    assertEquals(await cluster.ask(leader, "PUT after value"), "after added successfully.");
    await cluster.kill(leader);
    const next = await cluster.waitForLeader({ among: cluster.others(leader) });
    assertEquals(await cluster.ask(next, "GET after"), "value of after: value");
    const again = await restore(leader, "--restored-cluster", clusterId);
    assertEquals(again.code, 1);
    assertMatch(again.stderr, /^kvstore: Cannot restore into .*: it is not empty, it holds /);
  }));

Deno.test("restore refuses a damaged file, one of another version, a directory in use, and flags that make no sense, in one line each", () =>
  withCluster({ nodes: 1 }, async (old) => {
    const { path } = await takeUnderLoad(old);
    const bytes = await Deno.readFile(path);
    const directory = `${old.root}/restored`;
    const refuses = async (args: readonly string[], { code, line }: { code: number; line: RegExp }) => {
      const refused = await runProgram(["restore", ...args]);
      assertEquals([refused.code, refused.stdout, refused.stderr.split("\n").length], [code, "", 2], refused.stderr);
      assertMatch(refused.stderr, line);
    };
    const damaged = bytes.slice();
    damaged[300] = (damaged[300] ?? 0) ^ 4;
    const [damagedPath, newerPath] = [`${old.root}/damaged.snap`, `${old.root}/newer.snap`];
    await Deno.writeFile(damagedPath, damaged);
    await Deno.writeFile(newerPath, snapshotOfVersion(bytes, 9));
    await refuses([damagedPath, "--data-dir", directory], {
      code: 74,
      line: /^kvstore: Damaged data in .*damaged\.snap at /,
    });
    await refuses([newerPath, "--data-dir", directory], {
      code: 77,
      line: /its format version is 9, and this program/,
    });
    await refuses([path, "--data-dir", old.node(0).directory], { code: 1, line: /it is not empty, it holds LOCK$/m });
    await refuses([path], { code: 2, line: /restore needs --data-dir DIR/ });
    await refuses([], { code: 2, line: /restore takes one file/ });
    await refuses([`${old.root}/none`, "--data-dir", directory], { code: 1, line: /none/ });
    const given = [path, "--data-dir", directory];
    await refuses([...given, "--members", "1=h:1"], { code: 1, line: /--members does not name node 0$/m });
    await refuses([...given, "--restored-cluster", "0".repeat(32)], { code: 2, line: /goes with --members/ });
    await refuses([...given, "--restored-cluster", "x"], { code: 2, line: /is the id of 32 digits/ });
    await refuses([...given, "--revision-step", "4503599627370496"], {
      code: 1,
      line: /give a smaller --revision-step/,
    });
    assertEquals([...Deno.readDirSync(old.root)].filter(({ name }) => name === "restored"), []);
    assertStringIncludes(await old.ask(0, "GET long"), "value of long: x");
  }));
