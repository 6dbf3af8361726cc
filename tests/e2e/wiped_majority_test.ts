/** Two of three nodes lose their directories and are started as if nothing had happened: what they held must not be replaced. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

const WIPED = [1, 2];
const SURVIVOR = 0;

/** Writes a key and waits until the leader has recorded which directory each node has, in the second configuration of the log. */
async function fill(cluster: ProcessCluster): Promise<void> {
  const leader = await cluster.waitForLeader();
  assertEquals(await cluster.ask(leader, "PUT kept here"), "kept added successfully.");
  await waitFor(async () => {
    const lines = await cluster.block(SURVIVOR, "LOGS 100");
    return lines.filter((line) => line.includes("(configuration")).length > 1 ? true : undefined;
  }, { what: "the identities are recorded" });
  await cluster.waitUntilEqual();
}

/** The directory is put aside; the next start makes a new one. */
function putAside(cluster: ProcessCluster, id: number): void {
  const { directory } = cluster.node(id);
  Deno.renameSync(directory, `${directory}.lost`);
}

async function putBack(cluster: ProcessCluster, id: number): Promise<void> {
  const { directory } = cluster.node(id);
  await Deno.remove(directory, { recursive: true });
  await Deno.rename(`${directory}.lost`, directory);
}

async function lineOf(cluster: ProcessCluster, id: number, text: string): Promise<string> {
  const { process } = cluster.node(id);
  assert(process !== undefined, `node ${id} was started`);
  return await process.line(text);
}

async function clusterIdOf(cluster: ProcessCluster, id: number): Promise<string | undefined> {
  return (await cluster.status(id)).get("Cluster ID");
}

/** What each start writes: the process, the room kept in hand, and how far the log was found to be durable. */
const OF_EACH_START = /^LOCK$|\.tmp$|\.mark$/;

/** Every byte under a directory, by the names of its files. */
function contentsOf(directory: string, name = ""): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  for (const entry of [...Deno.readDirSync(`${directory}/${name}`)].sort((a, b) => a.name < b.name ? -1 : 1)) {
    const path = name === "" ? entry.name : `${name}/${entry.name}`;
    if (entry.isDirectory) { for (const [inner, text] of contentsOf(directory, path)) found.set(inner, text); }
    else if (!OF_EACH_START.test(path)) {
      found.set(path, new TextDecoder("latin1").decode(Deno.readFileSync(`${directory}/${path}`)));
    }
  }
  return found;
}

Deno.test("two of three nodes that were wiped begin no cluster while the third runs, and say what to do", () =>
  withCluster({}, async (cluster) => {
    await fill(cluster);
    const clusterId = await clusterIdOf(cluster, SURVIVOR);
    for (const id of WIPED) await cluster.kill(id);
    for (const id of WIPED) putAside(cluster, id);
    for (const id of WIPED) await cluster.restart(id);
    for (const id of WIPED) {
      const line = await lineOf(cluster, id, "begins no new cluster");
      assertStringIncludes(line, `node ${SURVIVOR} has data`);
      assertStringIncludes(line, "--new-identity");
      await lineOf(cluster, SURVIVOR, `Node ${id} is known with another data directory`);
    }
    for (const id of WIPED) {
      const status = await cluster.status(id);
      const shown = ["Role", "Term", "Leader ID", "Cluster ID"].map((name) => status.get(name));
      assertEquals(shown, ["Follower", "0", "none", "none"]);
      assertStringIncludes(status.get("Waits") ?? "", "--new-identity");
      assertStringIncludes(await cluster.ask(id, "PUT lost there"), "Error: No leader.");
      const ready = await fetch(`http://127.0.0.1:${cluster.node(id).httpPort}/readyz`);
      assertEquals(ready.status, 503);
      assertStringIncludes(await ready.text(), `node ${SURVIVOR} has data`);
      const said = cluster.node(id).process?.lines.filter((line) => line.includes("begins no new cluster"));
      assertEquals(said?.length, 1);
    }
    // The directories turn up again.
    for (const id of WIPED) await cluster.kill(id);
    for (const id of WIPED) await putBack(cluster, id);
    for (const id of WIPED) await cluster.restart(id);
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, "GET kept"), "value of kept: here");
    for (const { id } of cluster.nodes) assertEquals(await clusterIdOf(cluster, id), clusterId);
  }));

Deno.test("a wiped node that was started without the flag and waits is let in by a start with it, its directory as it is", () =>
  withCluster({}, async (cluster) => {
    await fill(cluster);
    const [wiped = 1] = cluster.others(await cluster.waitForLeader());
    await cluster.kill(wiped);
    putAside(cluster, wiped);
    await cluster.restart(wiped);
    await lineOf(cluster, wiped, "begins no new cluster");
    await cluster.kill(wiped, "SIGTERM");
    await cluster.restart(wiped, ["--new-identity"]);
    await waitFor(async () => {
      const lines = await cluster.block(await cluster.waitForLeader(), "CLUSTER");
      return lines.some((line) => line.startsWith(`Node ${wiped}:`) && /Reachable: yes, Voter: yes/.test(line)) ||
        undefined;
    }, { what: "the node is a voter again" });
    assertEquals(await cluster.ask(wiped, "GET kept"), "value of kept: here");
  }));

Deno.test("a survivor of another cluster that appears later is refused both ways, and nobody loses anything", () =>
  withCluster({}, async (cluster) => {
    await fill(cluster);
    const { directory } = cluster.node(SURVIVOR);
    const oldId = await clusterIdOf(cluster, SURVIVOR);
    // Killed, so that the start finds what it will leave: an orderly stop may write as well.
    for (const { id } of cluster.nodes) await cluster.kill(id);
    for (const id of WIPED) putAside(cluster, id);
    for (const id of WIPED) cluster.launch(id);
    const leader = await cluster.waitForLeader({ among: WIPED });
    const newId = await waitFor(async () => {
      const [one, two] = await Promise.all(WIPED.map((id) => clusterIdOf(cluster, id)));
      return one === two && one !== "none" ? one : undefined;
    }, { what: "the new cluster has an id" });
    assert(newId !== oldId);
    assertEquals(await cluster.ask(leader, "PUT new there"), "new added successfully.");
    const before = contentsOf(directory);
    await cluster.restart(SURVIVOR);
    for (const id of WIPED) {
      await lineOf(
        cluster,
        SURVIVOR,
        `node ${id} belongs to cluster "${newId}", node ${SURVIVOR} to cluster "${oldId}"`,
      );
      await lineOf(
        cluster,
        id,
        `node ${SURVIVOR} belongs to cluster "${oldId}", node ${id} to cluster "${newId}"`,
      );
    }
    assertStringIncludes(await cluster.ask(SURVIVOR, "PUT more here"), "Error: No leader.");
    assertEquals(await cluster.ask(leader, "PUT newer there"), "newer added successfully.");
    assertEquals(await cluster.leader(WIPED), leader);
    await cluster.kill(SURVIVOR);
    const after = contentsOf(directory);
    assertEquals([...after.keys()], [...before.keys()]);
    for (const [name, text] of after) assert(before.get(name) === text, `${name} has changed`);
    // With its own again it has what it had.
    for (const id of WIPED) await cluster.kill(id);
    for (const id of WIPED) await putBack(cluster, id);
    for (const { id } of cluster.nodes) await cluster.restart(id);
    const old = await cluster.waitForLeader();
    assertEquals(await cluster.ask(old, "GET kept"), "value of kept: here");
    assertEquals(await clusterIdOf(cluster, old), oldId);
  }));
