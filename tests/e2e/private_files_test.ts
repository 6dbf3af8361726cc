/** What others than the owner of a node can read of its files: nothing; and of the files with secrets that it is given. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { withCluster } from "../support/process_cluster.ts";
import { findFreeRun } from "../support/ports.ts";
import { programLine, runProgram, spawnLine } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";

const ignore = Deno.build.os === "windows";

/** Everything below `root` with its mode, as `path 600`. */
function modesBelow(root: string, path = ""): readonly string[] {
  return Array.from(Deno.readDirSync(`${root}${path}`)).flatMap(({ name, isDirectory }) => {
    const below = `${path}/${name}`;
    const mode = ((Deno.statSync(`${root}${below}`).mode ?? 0) & 0o777).toString(8);
    return [`${below} ${mode}`, ...(isDirectory ? modesBelow(root, below) : [])];
  });
}

Deno.test({
  name: "the files of a node are its owner's alone, and what an earlier program left open is closed at the start",
  ignore,
  fn: () =>
    withCluster({ nodes: 1 }, async (cluster) => {
      assertEquals(await cluster.ask(0, "PUT k v"), "k added successfully.");
      assertMatch(await cluster.ask(0, "SNAPSHOT"), /^Snapshot /);
      const { directory } = cluster.node(0);
      const modes = modesBelow(cluster.root);
      assert(modes.some((line) => /^\/node-0\/wal\/.* 600$/.test(line)), modes.join("\n"));
      assert(modes.some((line) => /^\/node-0\/snapshots\/.* 600$/.test(line)), modes.join("\n"));
      const open = modes.filter((line) => !/ (600|700)$/.test(line));
      assertEquals(open, [], "nothing is open to others");
      await cluster.kill(0, "SIGTERM");
      for (const name of ["", "/wal", "/snapshots"]) await Deno.chmod(`${directory}${name}`, 0o755);
      await cluster.restart(0);
      for (const name of ["wal", "snapshots"]) {
        await cluster.node(0).process?.line(`${directory}/${name} was open to others than its owner`);
        assertEquals((Deno.statSync(`${directory}/${name}`).mode ?? 0) & 0o777, 0o700);
      }
    }),
});

Deno.test({
  name: "the directory of a local cluster is its owner's alone",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
    const port = findFreeRun([0, 3_000, 10_000]);
    const line = ["cluster", "--nodes", "1", "--port", String(port), "--data-dir", `${directory}/some/data`];
    const process = new ServerProcess(programLine(line), { stdin: "piped" });
    try {
      await process.line("Ctrl-C");
      const modes = modesBelow(directory);
      assert(modes.includes("/some/data 700"), modes.join("\n"));
      assertEquals(modes.filter((found) => !/ (600|700)$/.test(found)), []);
    } finally {
      await process.end("SIGTERM");
      await Deno.remove(directory, { recursive: true });
    }
  },
});

Deno.test({
  name: "a secret that everybody can read is refused in one line that says what to do, and nothing is made",
  ignore,
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
    const path = `${directory}/secret`;
    await Deno.writeTextFile(path, "root:correct-horse-battery");
    await Deno.chmod(path, 0o644);
    const config = `${directory}/kv.json`;
    await Deno.writeTextFile(config, '{"cluster-secret": "what all nodes share"}');
    await Deno.chmod(config, 0o644);
    const cases = [
      [["node", "--bootstrap-user-file", path, "--data-dir", `${directory}/data`], "--bootstrap-user-file"],
      [["cluster", "--bootstrap-user-file", path, "--data-dir", `${directory}/data`], "--bootstrap-user-file"],
      [["node", "--cluster-secret-file", path, "--data-dir", `${directory}/data`], "the cluster secret"],
      [["cluster", "--cluster-secret-file", path, "--data-dir", `${directory}/data`], "the cluster secret"],
      [["cli", "--user", "root", "--password-file", path, "GET", "k"], "--password-file"],
      [["cli", "--token-file", path, "GET", "k"], "--token-file"],
      [["user", "--new-password-file", path, "add", "root"], "--new-password-file"],
    ] as const;
    for (const [args, what] of cases) {
      const { code, stdout, stderr } = await runProgram(args);
      assertEquals([code, stdout], [2, ""], stderr);
      assertEquals(
        stderr,
        `kvstore: Everybody on this machine can read ${what} ${path}: chmod 600 it, or 640 for a group\n`,
      );
      assertEquals([...Deno.readDirSync(directory)].length, 2, "nothing is made");
    }
    const { code, stderr } = await runProgram(["node", "--config", config, "--data-dir", `${directory}/data`]);
    const line =
      `kvstore: Everybody on this machine can read "cluster-secret" in ${config}: chmod 600 it, or 640 for a group\n`;
    assertEquals([code, stderr], [2, line]);
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name:
    "what backups and exports write before they are whole is its owner's alone, and is gone when they are interrupted or fail",
  ignore,
  fn: () =>
    withCluster({ nodes: 1 }, async (cluster) => {
      await cluster.ask(0, "PUT key value");
      const directory = `${cluster.root}/node-other`;
      await Deno.mkdir(directory);
      const connect = ["--connect", `127.0.0.1:${cluster.node(0).clientPort}`];
      const options = { environment: { TMPDIR: directory } };
      cluster.signal(0, "SIGSTOP");
      for (
        const [signal, files, ...command] of [
          ["SIGINT", 2, "export", `${directory}/export.ndjson`],
          ["SIGINT", 1, "export", "-"],
          ["SIGINT", 1, "backup", "-"],
        ] as const
      ) {
        const hanging = spawnLine(programLine([...command, "--timeout-ms", "600000", ...connect]), options);
        const ended = hanging.output();
        await waitFor(() => modesBelow(directory).length === files || undefined, { what: `files of ${command[0]}` });
        assertEquals(modesBelow(directory).filter((line) => !line.endsWith(" 600")), [], command.join(" "));
        hanging.kill(signal);
        assertEquals([(await ended).code, modesBelow(directory)], [130, []], command.join(" "));
      }
      const failed = await runProgram(["export", `${directory}/x`, "--timeout-ms", "300", ...connect], options);
      assert(failed.code !== 0, failed.stdout);
      assertEquals(modesBelow(directory), [], failed.stderr);
      cluster.signal(0, "SIGCONT");
    }),
});
