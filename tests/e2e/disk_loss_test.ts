/** A cluster under load whose disks go and whose processes are killed, with plain directories and with encrypted ones: nothing acknowledged is lost. */

import { assertEquals } from "@std/assert";
import { Buffer } from "node:buffer";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

const FLAGS: readonly string[] = ["--request-timeout-ms", "1000"];
const [FIRST, SECOND] = ["1f".repeat(32), "2e".repeat(32)];
/** Values that `Writers` write begin so. */
const MARKER = "value-of-w-";

async function waitUntilWritten(ledger: Ledger, count: number): Promise<void> {
  const before = ledger.acknowledged.size;
  await waitFor(() => ledger.acknowledged.size >= before + count || undefined, {
    what: `${count} acknowledged writes`,
  });
}

/** Paths below `root` of files that hold `text`. */
function filesWith(text: string, root: string): readonly string[] {
  return Array.from(Deno.readDirSync(root)).flatMap(({ name, isDirectory }) => {
    const path = `${root}/${name}`;
    if (isDirectory) return filesWith(text, path);
    return Buffer.from(Deno.readFileSync(path)).includes(text) ? [path] : [];
  });
}

/** The disk of one node is gone, with all that was on it. */
async function loseDisk(cluster: ProcessCluster): Promise<void> {
  const leader = await cluster.waitForLeader();
  const [lost = -1] = cluster.others(leader);
  await cluster.kill(lost);
  await Deno.remove(cluster.node(lost).directory, { recursive: true });
  await cluster.restart(lost, ["--new-identity"]);
  // It is a member again: killed before, it would have to be told once more that its directory is new.
  await waitFor(async () => (await cluster.ask(lost, "GET w-0-1")).startsWith("value of ") || undefined, {
    what: `node ${lost} is let in`,
  });
}

/** Another master key, while one node is killed and so is the command between two directories; repeated, it is done. */
async function rekeyWithKills(cluster: ProcessCluster, keys: string): Promise<void> {
  const directories = cluster.nodes.map(({ directory }) => directory);
  const [first = ""] = directories.map((directory) => `${directory}/RaftKeys.json`);
  const before = await Deno.readTextFile(first);
  await Deno.writeTextFile(keys, `${SECOND}\n${FIRST}\n`);
  const line = ["rekey", ...directories, "--master-key-file", keys];
  const interrupted = new ServerProcess(programLine(line));
  const killed = cluster.kill(1);
  await waitFor(async () => await Deno.readTextFile(first) !== before || undefined, { what: "one is rekeyed" });
  await interrupted.end("SIGKILL");
  await killed;
  const { code, stderr } = await runProgram(line);
  assertEquals([code, stderr], [0, ""]);
  await Deno.writeTextFile(keys, `${SECOND}\n`);
  await cluster.restart(1);
}

/** Has clients write while `body` does its worst, and checks on every node all that they were told. */
async function underLoad(cluster: ProcessCluster, body: () => Promise<void>): Promise<void> {
  const ledger = new Ledger();
  const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, pauseMs: 5 });
  try {
    await waitUntilWritten(ledger, 150);
    await body();
    await waitUntilWritten(ledger, 150);
  } finally {
    await writers.stop();
  }
  await cluster.waitUntilEqual();
  for (const port of cluster.ports) assertEquals(await ledger.check(port), [], "broken promises");
}

/** Nodes in whose files the marker stands. */
function nodesWithMarker(cluster: ProcessCluster): number {
  return cluster.nodes.filter(({ directory }) => filesWith(MARKER, directory).length > 0).length;
}

Deno.test("a disk is lost and replaced under load, and nothing acknowledged is lost", () =>
  withCluster({ flags: FLAGS }, async (cluster) => {
    await underLoad(cluster, () => loseDisk(cluster));
    assertEquals(nodesWithMarker(cluster), 3);
  }));

Deno.test("encrypted directories are rekeyed under load, a disk is lost, and every node is killed -9: nothing acknowledged is lost, and nothing of it can be read", async () => {
  const keys = await Deno.makeTempFile({ prefix: "kvstore-e2e-" });
  await Deno.writeTextFile(keys, `${FIRST}\n`);
  await withCluster({ flags: [...FLAGS, "--master-key-file", keys] }, async (cluster) => {
    await underLoad(cluster, async () => {
      await rekeyWithKills(cluster, keys);
      await loseDisk(cluster);
      await Promise.all(cluster.nodes.map(({ id }) => cluster.kill(id)));
      await Promise.all(cluster.nodes.map(({ id }) => cluster.restart(id)));
    });
    assertEquals(nodesWithMarker(cluster), 0);
  });
  await Deno.remove(keys);
});
