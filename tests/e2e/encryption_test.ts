/** Encrypted directories of real nodes: brought to it by a rolling restart, under another key while they run, and refused without one. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { findFreeRun } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { TextClient } from "../support/text_client.ts";

const [FIRST, SECOND] = ["1f".repeat(32), "2e".repeat(32)];
const MARKER = "marker-of-the-encryption-test";

/** Paths below `root` of files that hold `text`. */
function filesWith(text: string, root: string): readonly string[] {
  return Array.from(Deno.readDirSync(root)).flatMap(({ name, isDirectory }) => {
    const path = `${root}/${name}`;
    if (isDirectory) return filesWith(text, path);
    return Buffer.from(Deno.readFileSync(path)).includes(text) ? [path] : [];
  });
}

async function keyFile(cluster: ProcessCluster, keys: readonly string[]): Promise<string> {
  const path = `${cluster.node(0).directory}/../keys`;
  await Deno.writeTextFile(path, `${keys.join("\n")}\n`, { mode: 0o600 });
  return path;
}

/** Puts the same key so many times, in one conversation with the leader. */
async function putMany(cluster: ProcessCluster, count: number): Promise<void> {
  using connection = await TextClient.connect(cluster.node(await cluster.waitForLeader()).clientPort);
  for (let at = 0; at < count; at++) assertMatch(await connection.ask(`PUT many-${MARKER} ${at}`), /successfully/);
}

/** The task of a node may start no programs; the executable may. */
function withEveryRight(args: readonly string[]): readonly string[] {
  const line = programLine(args);
  return line[1] === "run" ? [line[0] ?? "", "run", "--quiet", "--allow-all", "main.ts", ...args] : line;
}

async function encryptionOf(directory: string) {
  const { code, stdout } = await runProgram(["disk", directory, "--json"]);
  assertEquals(code, 0);
  return JSON.parse(stdout).encryption;
}

Deno.test("a running cluster is encrypted by a rolling restart, and rekeyed while it runs", () =>
  withCluster({ nodes: 3, flags: ["--snapshot-entries", "100"] }, async (cluster) => {
    const directories = cluster.nodes.map(({ directory }) => directory);
    const leader = await cluster.waitForLeader();
    assertMatch(await cluster.ask(leader, `PUT key-${MARKER} value-${MARKER}`), /added/);
    await cluster.waitUntilEqual();
    assert(directories.every((directory) => filesWith(MARKER, directory).length > 0), "it is plain");
    const keys = await keyFile(cluster, [FIRST]);
    for (const { id } of cluster.nodes) {
      await cluster.kill(id, "SIGTERM");
      await cluster.restart(id, ["--master-key-file", keys]);
    }
    for (const { directory } of cluster.nodes) {
      assertEquals((await encryptionOf(directory)).plainFiles, ["wal/00000000000000000001.wal"]);
    }
    // The log keeps --snapshot-entries behind a snapshot, and there are two of those.
    for (let round = 0; round < 3; round++) {
      await putMany(cluster, 120);
      await cluster.waitUntilEqual();
      for (const { id } of cluster.nodes) assertMatch(await cluster.ask(id, "SNAPSHOT"), /^Snapshot /);
    }
    for (const directory of directories) {
      assertEquals(filesWith(MARKER, directory), []);
      assertEquals((await encryptionOf(directory)).plainFiles, []);
    }
    await keyFile(cluster, [SECOND, FIRST]);
    const rekeyed = await runProgram(["rekey", ...directories, "--master-key-file", keys]);
    assertEquals([rekeyed.code, rekeyed.stderr], [0, ""]);
    assertEquals(rekeyed.stdout.match(/ now\.\n/g)?.length, 3, rekeyed.stdout);
    await keyFile(cluster, [SECOND]);
    assertMatch(await cluster.ask(await cluster.waitForLeader(), `PUT last-${MARKER} x`), /added/);
    for (const { id } of cluster.nodes) {
      await cluster.kill(id);
      await cluster.restart(id, ["--master-key-file", keys]);
    }
    await cluster.waitForLeader();
    assertStringIncludes(await cluster.ask(1, `GET key-${MARKER}`), `value-${MARKER}`);
    assertStringIncludes(await cluster.ask(2, `GET last-${MARKER}`), "x");
  }));

Deno.test("without its master key a node ends with one line, and inspect reads the directory with it", () =>
  withCluster({ nodes: 1, program: withEveryRight }, async (cluster) => {
    await cluster.kill(0);
    const keys = await keyFile(cluster, [FIRST]);
    await cluster.restart(0, ["--master-key-file", keys]);
    assertMatch(await cluster.ask(0, `PUT ${MARKER} x`), /added/);
    await cluster.kill(0);
    const { directory } = cluster.node(0);
    for (const flags of [[], ["--master-key-command", "/bin/echo " + SECOND], ["--master-key-command", "/bin/false"]]) {
      const process = new ServerProcess(cluster.commandLine(0, flags));
      assertEquals((await process.ended).code, 1);
      const [line, ...others] = process.lines;
      assertEquals(others, []);
      assertMatch(line ?? "", flags[1] === "/bin/false" ? /ended with exit code 1$/ : /under master key [0-9a-f]{16}/);
      assert(!process.lines.join().includes(SECOND));
      const refused = new ServerProcess(withEveryRight(["inspect", directory, ...flags]));
      assertEquals((await refused.ended).code, 1);
      assertEquals(refused.lines.length, 1);
    }
    const flags = ["--master-key-command", "/bin/cat " + keys];
    const { code, stdout } = await runProgram(["inspect", directory, "--entries", "100", "--master-key-file", keys]);
    assertEquals(code, 0, stdout);
    assertStringIncludes(stdout, MARKER);
    assertEquals(JSON.parse(stdout).encryption.masterKeyId.length, 16);
    assert(!stdout.includes(FIRST));
    await cluster.restart(0, flags);
    await cluster.waitForLeader();
    assertStringIncludes(await cluster.ask(0, `GET ${MARKER}`), "x");
  }));

Deno.test("a backup is encrypted where a key is given, and a directory that is restored from it too", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    assertMatch(await cluster.ask(0, `PUT ${MARKER} ${MARKER}`), /added/);
    const { directory, clientPort } = cluster.node(0);
    const keys = await keyFile(cluster, [FIRST]);
    const folder = `${directory}/../backups`;
    await Deno.mkdir(folder);
    const [path, restored] = [`${folder}/one.snap`, `${directory}-restored`];
    const run = async (args: readonly string[], flags: readonly string[] = ["--master-key-file", keys]) => {
      const { code, stdout, stderr } = await runProgram([...args, ...flags]);
      return { code, said: stdout + stderr };
    };
    assertEquals((await run(["backup", path, "--connect", `127.0.0.1:${clientPort}`])).code, 0);
    assertEquals(filesWith(MARKER, folder), []);
    const { code, said } = await run(["verify", path], []);
    assertEquals(code, 1);
    assertMatch(said, /^kvstore: Cannot read .*: it is encrypted under master key [0-9a-f]{16}; give [^\n]*\n$/);
    assertMatch((await run(["verify", path])).said, /is whole: .*1 key/s);
    assertEquals((await run(["restore", path, "--data-dir", restored])).code, 0);
    assertEquals(filesWith(MARKER, restored), []);
    assertEquals((await encryptionOf(restored)).plainFiles, []);
    assertEquals((await run(["inspect", restored])).code, 0);
  }));

Deno.test("kvstore cluster hands the key on to its nodes, where no list of processes shows it", async () => {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const port = findFreeRun([0, 3_000, 10_000]);
  const line = ["cluster", "--nodes", "1", "--port", String(port), "--data-dir", root];
  const process = new ServerProcess(programLine(line), { stdin: "piped", environment: { KVSTORE_MASTER_KEY: FIRST } });
  try {
    await process.line("KVStore is ready");
    assertEquals((await encryptionOf(`${root}/node-0`)).plainFiles, []);
    if (Deno.build.os === "linux") {
      const shown = Array.from(Deno.readDirSync("/proc")).flatMap(({ name }) => {
        try {
          return /^\d+$/.test(name) ? [Deno.readTextFileSync(`/proc/${name}/cmdline`)] : [];
        } catch {
          return []; // It has ended meanwhile.
        }
      });
      assertEquals(shown.filter((text) => text.includes(FIRST)), []);
    }
    assertEquals(process.lines.filter((text) => text.includes(FIRST)), []);
  } finally {
    await process.end("SIGTERM");
    await Deno.remove(root, { recursive: true });
  }
});
