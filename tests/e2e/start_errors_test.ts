import { assert, assertEquals, assertMatch } from "@std/assert";
import { SNAPSHOT_FORMAT } from "../../lib/kv/snapshot_cut.ts";
import { DenoDisk } from "../../lib/storage/deno_disk.ts";
import { LEVEL_RECORD_VERSION } from "../../lib/storage/wal_format.ts";
import { recordOfVersion, recordsIn, snapshotOfState } from "../support/other_version.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";
import { hashTree } from "./support/tree.ts";

const MARKER = "marker-in-the-middle";

interface Refusal {
  readonly code: number;
  readonly line: RegExp;
  readonly directory: string;
  readonly clientPort?: number;
  readonly peerPort?: number;
  readonly httpPort?: number;
}

/** Starts a node that must refuse with one line, and compares the directory before and after. */
async function refuses(refusal: Refusal): Promise<void> {
  const [clientPort = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const before = await treeOf(refusal.directory);
  const result = await runProgram([
    "node",
    ...["--node-id", "0", "--port", String(refusal.clientPort ?? clientPort)],
    ...["--peer-port", String(refusal.peerPort ?? peerPort), "--http-port", String(refusal.httpPort ?? httpPort)],
    ...["--data-dir", refusal.directory, "--log-level", "warn"],
  ]);
  assertEquals(result.stdout, "");
  assertEquals(result.stderr.split("\n").length, 2, `one line on stderr: ${result.stderr}`);
  assertMatch(result.stderr, refusal.line);
  assertEquals(result.code, refusal.code, result.stderr);
  assertEquals(await treeOf(refusal.directory), before, "the directory is unchanged");
}

async function treeOf(directory: string): Promise<unknown> {
  try {
    return await hashTree(directory);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound || error instanceof Deno.errors.NotADirectory) return "no directory";
    throw error;
  }
}

/** A directory of a cluster of one that has stopped cleanly after `MARKER` and many more writes. */
async function withStoppedNode(body: (cluster: ProcessCluster, directory: string) => Promise<void>): Promise<void> {
  await withCluster({ nodes: 1 }, async (cluster) => {
    for (const key of ["first", MARKER, "last"]) {
      assertEquals(await cluster.ask(0, `PUT ${key} 1`), `${key} added successfully.`);
    }
    await cluster.kill(0, "SIGTERM");
    await body(cluster, cluster.node(0).directory);
  });
}

/** Waits until a running node has made its reserve and writes nothing any more. */
async function isIdle(directory: string): Promise<void> {
  let before: unknown;
  await waitFor(async () => {
    const now = JSON.stringify(await treeOf(directory));
    const idle = now === before;
    before = now;
    return idle ? true : undefined;
  }, { what: "the node is idle", everyMs: 300 });
}

function flip(path: string, at: (bytes: Uint8Array) => number): void {
  const bytes = Deno.readFileSync(path);
  const offset = at(bytes);
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x01;
  Deno.writeFileSync(path, bytes);
}

function positionOf(bytes: Uint8Array, text: string): number {
  const position = new TextDecoder("latin1").decode(bytes).indexOf(text);
  assert(position >= 0, `"${text}" is in the file`);
  return position;
}

Deno.test("a port in use: exit 1, one line with the port and the flag that changes it", async () => {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const [port = 0] = findFreePorts(1);
  using _taken = Deno.listen({ hostname: "127.0.0.1", port });
  await refuses({ code: 1, line: new RegExp(`\\b${port}\\b.*--port`), directory, clientPort: port });
  await refuses({ code: 1, line: new RegExp(`\\b${port}\\b.*--peer-port`), directory, peerPort: port });
  await refuses({ code: 1, line: new RegExp(`\\b${port}\\b.*--http-port`), directory, httpPort: port });
  Deno.removeSync(directory, { recursive: true });
});

Deno.test("a directory that another node has open: exit 1 within a moment, and that node goes on", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const { directory } = cluster.node(0);
    await isIdle(directory);
    await refuses({ code: 1, line: new RegExp(`${directory}`), directory });
    assertEquals(await cluster.ask(0, "PUT still here"), "still added successfully.");
  }));

Deno.test("a damaged RaftNode0.json: exit 74, the file is named", () =>
  withStoppedNode(async (_cluster, directory) => {
    const file = `${directory}/RaftNode0.json`;
    flip(file, (bytes) => positionOf(bytes, "currentTerm") + 3);
    await refuses({ code: 74, line: /RaftNode0\.json/, directory });
    Deno.writeFileSync(file, Deno.readFileSync(file).subarray(0, 20));
    await refuses({ code: 74, line: /RaftNode0\.json/, directory });
    Deno.removeSync(file);
    await refuses({ code: 74, line: /RaftNode/, directory });
  }));

Deno.test("a log damaged in the middle: exit 74, file and offset are named, inspect says the same", () =>
  withStoppedNode(async (_cluster, directory) => {
    const [name = ""] = [...Deno.readDirSync(`${directory}/wal`)].map((entry) => entry.name)
      .filter((entry) => entry.endsWith(".wal")).sort();
    const file = `${directory}/wal/${name}`;
    flip(file, (bytes) => positionOf(bytes, MARKER));
    await refuses({ code: 74, line: new RegExp(`${name}.*\\b\\d+`), directory });
    const before = await hashTree(directory);
    const inspected = await runProgram(["inspect", directory]);
    assertEquals(inspected.code, 74);
    assert(JSON.parse(inspected.stdout).damages.length > 0, "inspect lists the damage");
    assertEquals(await hashTree(directory), before);
  }));

/** Puts a file of another version into the directory of a stopped node. Tells the line that must say so. */
interface Foreign {
  readonly name: string;
  readonly put: (directory: string) => RegExp;
}

function onlyIn(directory: string, end: string): string {
  const names = [...Deno.readDirSync(directory)].map(({ name }) => name).filter((name) => name.endsWith(end));
  assertEquals(names.length, 1, names.join());
  return `${directory}/${names[0]}`;
}

const FOREIGN: readonly Foreign[] = [
  {
    name: "the state in a snapshot",
    put: (directory) => {
      const path = onlyIn(`${directory}/snapshots`, ".snap");
      const version = SNAPSHOT_FORMAT - 1;
      const file = new DenoDisk().open(path, "read");
      const changed = snapshotOfState(file, (block) => JSON.stringify({ ...JSON.parse(block), format: version }));
      file.close();
      Deno.writeFileSync(path, changed);
      return new RegExp(
        `Cannot read ${path}: .* of the state in it is ${version}, .* reads version ${SNAPSHOT_FORMAT}$`,
        "m",
      );
    },
  },
  {
    name: "a record of the log",
    put: (directory) => {
      const path = onlyIn(`${directory}/wal`, ".wal");
      const bytes = Deno.readFileSync(path);
      const [offset = 0, version] = [recordsIn(bytes).at(-1), LEVEL_RECORD_VERSION + 1];
      Deno.writeFileSync(path, recordOfVersion(bytes, { offset, version }));
      return new RegExp(
        `Cannot read ${path}: .* record at offset ${offset} is ${version}, .* reads version ${LEVEL_RECORD_VERSION}$`,
        "m",
      );
    },
  },
];

for (const { name, put } of FOREIGN) {
  Deno.test(`another version of ${name}: exit 77 and one line with both versions, inspect and launcher too`, () =>
    withStoppedNode(async (cluster, directory) => {
      await cluster.restart(0);
      // Before it has committed an entry of its new term there is nothing that a snapshot could hold.
      await cluster.waitForLeader();
      assertEquals(await cluster.ask(0, `GET ${MARKER}`), `value of ${MARKER}: 1`);
      assertMatch(await cluster.ask(0, "SNAPSHOT"), /^Snapshot created/);
      await cluster.kill(0, "SIGTERM");
      const line = put(directory);
      await refuses({ code: 77, line, directory });
      const before = await hashTree(directory);
      const inspected = await runProgram(["inspect", directory]);
      assertEquals([inspected.code, JSON.parse(inspected.stdout).otherVersions.length], [77, 1]);
      assertMatch(inspected.stderr, line);
      assertEquals(await hashTree(directory), before);
      await launcherGivesUp(directory, line);
    }));
}

/** A launcher starts the node once, and ends with its exit code. */
async function launcherGivesUp(nodeDirectory: string, line: RegExp): Promise<void> {
  const parent = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  Deno.renameSync(nodeDirectory, `${parent}/node-0`);
  const [port = 0] = findFreePorts(1);
  const before = await hashTree(`${parent}/node-0`);
  const result = await runProgram(["cluster", "--nodes", "1", "--port", String(port), "--data-dir", parent]);
  assertEquals(result.code, 77, result.stderr);
  const said = result.stdout + result.stderr;
  assertMatch(said.replaceAll(parent, nodeDirectory.replace(/\/node-0$/, "")), line);
  assertMatch(said, /exited with code 77 and is not started again: its data is of another format version/);
  assertEquals(await hashTree(`${parent}/node-0`), before);
  Deno.renameSync(`${parent}/node-0`, nodeDirectory);
  Deno.removeSync(parent, { recursive: true });
}

Deno.test("a data directory that cannot be made or written: exit 1, the path is named", async () => {
  const parent = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  Deno.writeTextFileSync(`${parent}/file`, "not a directory\n");
  await refuses({ code: 1, line: /file\/data/, directory: `${parent}/file/data` });
  assertEquals(Deno.readTextFileSync(`${parent}/file`), "not a directory\n");
  // No user may create anything here, root neither.
  await refuses({ code: 1, line: /\/proc\/kvstore-data/, directory: "/proc/kvstore-data" });
  Deno.removeSync(parent, { recursive: true });
});

Deno.test("a directory of another node id: exit 1, both ids are named", () =>
  withStoppedNode(async (_cluster, directory) => {
    const [clientPort = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    const before = await hashTree(directory);
    const result = await runProgram([
      "node",
      ...["--node-id", "1", "--port", String(clientPort), "--peer-port", String(peerPort)],
      ...["--http-port", String(httpPort), "--data-dir", directory, "--log-level", "warn"],
    ]);
    assertEquals(result.code, 1, result.stderr);
    assertEquals(result.stderr.split("\n").length, 2, result.stderr);
    assertMatch(result.stderr, /node 0|RaftNode0/i);
    assertEquals(await hashTree(directory), before);
  }));
