/** Backups of real clusters, by the commands: taken, interrupted, verified. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { makeBackup } from "../support/backups.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, type ProgramResult, runProgram, spawnLine } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";

/** `kvstore backup` through one node. */
function backup(cluster: ProcessCluster, id: number, ...args: string[]): Promise<ProgramResult> {
  return runProgram(["backup", ...args, "--connect", `127.0.0.1:${cluster.node(id).clientPort}`]);
}

/** What is in a directory beside those of the nodes. */
function filesIn(cluster: ProcessCluster): readonly string[] {
  return Array.from(Deno.readDirSync(cluster.root), ({ name }) => name).filter((name) => !name.startsWith("node-"));
}

/** `kvstore verify -` with these bytes as its standard input. */
async function verifyStream(bytes: Uint8Array): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = spawnLine(programLine(["verify", "-"]), { stdin: "piped" });
  const writer = child.stdin.getWriter();
  // It may end before it has read all of what is damaged.
  await writer.write(bytes).then(() => writer.close()).catch(() => {});
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

Deno.test("verify tells what is in a backup, and names file and offset of what is wrong, from a file and from standard input", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    for (let at = 0; at < 20; at++) await cluster.ask(leader, `PUT key-${at} value`);
    await cluster.waitUntilEqual();
    const status = await cluster.status(leader);
    const path = `${cluster.root}/backup.snap`;
    assertEquals((await backup(cluster, leader, path)).code, 0);
    const bytes = await Deno.readFile(path);
    const shown = await runProgram(["verify", path]);
    assertEquals([shown.code, shown.stderr], [0, ""]);
    assertMatch(
      shown.stdout,
      /^.*backup\.snap is whole: a backup of cluster [0-9a-f]{32} at revision \d+ \(term \d+, /,
    );
    assertMatch(shown.stdout, /^ {2}20 keys of 210 bytes with their values, 0 with a deadline$/m);
    const { stdout } = await runProgram(["verify", "--json", path]);
    const facts = JSON.parse(stdout);
    assertEquals([facts.file, facts.keys, facts.bytes], [path, 20, bytes.length]);
    assertEquals(facts.clusterId, status.get("Cluster ID"));
    assert(facts.index >= Number(status.get("Last Applied")), stdout);
    const streamed = await verifyStream(bytes);
    assertEquals([streamed.code, streamed.stderr], [0, ""]);
    assertEquals(streamed.stdout.replace("Standard input", path), shown.stdout);

    const damaged = bytes.slice();
    damaged[damaged.length - 40] = (damaged[damaged.length - 40] ?? 0) ^ 1;
    await Deno.writeFile(path, damaged);
    const refused = await runProgram(["verify", path]);
    assertEquals([refused.code, refused.stdout], [74, ""]);
    assertMatch(refused.stderr, /^kvstore: Damaged data in .*backup\.snap at offset \d+: .*\n$/);
    const broken = await verifyStream(bytes.subarray(0, bytes.length - 1));
    assertEquals([broken.code, broken.stdout], [74, ""]);
    assertMatch(broken.stderr, /^kvstore: Damaged data in standard input at offset \d+: the file is cut short\n$/);
    const missing = await runProgram(["verify", `${cluster.root}/nothing`]);
    assertEquals(missing.code, 1);
    assertMatch(missing.stderr, /^kvstore: .*nothing.*\n$/);
    assertEquals((await runProgram(["verify"])).code, 2);
    const directory = await runProgram(["verify", cluster.root]);
    assertEquals([directory.code, directory.stdout], [2, ""]);
    assert(directory.stderr.includes(`${cluster.root} is a directory: give the file of a backup`), directory.stderr);
  }));

Deno.test({
  name: "verify reads a pipe as a stream, and what cannot be read is said so in a line",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
    const [file, pipe] = [`${directory}/backup.snap`, `${directory}/pipe`];
    const inShell = async (script: string, path: string) => {
      const line = ["sh", "-c", script, file, ...programLine(["verify", path])];
      const { code, stdout, stderr } = await spawnLine(line, { stdin: "null" }).output();
      return [code, ...[stdout, stderr].map((bytes) => new TextDecoder().decode(bytes))];
    };
    await Deno.writeFile(file, await makeBackup());
    assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
    const [code, told = "", problem] = await inShell(`cat "$0" > '${pipe}' & exec "$@"`, pipe);
    assertEquals([code, problem], [0, ""]);
    assertMatch(String(told), /^.*pipe is whole: a backup of cluster /);
    const [broken] = await inShell(`head -c 100 "$0" > '${pipe}' & exec "$@"`, pipe);
    assertEquals(broken, 74);
    const [unreadable, nothing, why] = await inShell(`exec "$@" < '${directory}'`, "-");
    assertEquals([unreadable, nothing], [1, ""]);
    assertMatch(String(why), /^kvstore: Cannot read standard input: Is a directory.*\n$/);
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test({
  name: "backup takes the place of a file alone, whatever it is told",
  ignore: Deno.build.os === "windows",
  async fn() {
    const directory = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
    const pipe = `${directory}/pipe`;
    assertEquals((await new Deno.Command("mkfifo", { args: [pipe] }).output()).code, 0);
    for (const path of [pipe, directory]) {
      const { code, stdout, stderr } = await runProgram(["backup", "--force", path]);
      assertEquals([code, stdout], [1, ""]);
      assertEquals(
        stderr,
        `kvstore: ${path} is no file, and stays as it is; name another, or - for standard output\n`,
      );
    }
    assert(Deno.statSync(pipe).isFifo);
    await Deno.remove(directory, { recursive: true });
  },
});

Deno.test("backup through any node holds what was acknowledged before, says what it holds, and overwrites nothing unasked", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const path = `${cluster.root}/backup.snap`;
    for (const { id } of cluster.nodes) {
      await cluster.ask(leader, `PUT key-${id} value`);
      const taken = await backup(cluster, id, path, ...id === 0 ? [] : ["--force"]);
      assertEquals([taken.code, taken.stderr], [0, ""]);
      const line =
        /^Backed up to .*backup\.snap: cluster [0-9a-f]{32} at revision \d+ \(term \d+\), (\d) keys? of \d+ bytes, from /;
      assertEquals(line.exec(taken.stdout)?.[1], String(id + 1), taken.stdout);
      const { stdout } = await runProgram(["verify", "--json", path]);
      assertEquals(JSON.parse(stdout).keys, id + 1);
    }
    assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    const before = await Deno.readFile(path);
    const refused = await backup(cluster, leader, path);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(
      refused.stderr,
      /^kvstore: .*backup\.snap is there already, and stays as it is; --force replaces it\n$/,
    );
    assertEquals(await Deno.readFile(path), before);
    const { stdout } = await backup(cluster, leader, `${cluster.root}/other.snap`, "--json");
    const { file, keys, bytes, from } = JSON.parse(stdout);
    assertEquals([file, keys, bytes], [`${cluster.root}/other.snap`, 3, before.length]);
    assertEquals(from, `127.0.0.1:${cluster.node(leader).httpPort}`);
    assertEquals(filesIn(cluster).toSorted(), ["backup.snap", "other.snap"]);
    // The same, to standard output.
    const line = programLine(["backup", "-", "--connect", `127.0.0.1:${cluster.node(leader).clientPort}`]);
    const piped = await spawnLine(line).output();
    assertMatch(new TextDecoder().decode(piped.stderr), /^Backed up: cluster [0-9a-f]{32} at revision \d+ /);
    const verified = await verifyStream(piped.stdout);
    assertEquals([verified.code, piped.stdout.length], [0, before.length]);
    assertEquals((await backup(cluster, leader, `${cluster.root}/none/x.snap`)).code, 1);
    // Nobody reads it.
    const unread = spawnLine(line);
    await unread.stdout.cancel();
    const said = await new Response(unread.stderr).text();
    assertEquals((await unread.status).code, 1);
    assertMatch(said, /^kvstore: Cannot write to standard output: .*\n$/);
    assertEquals((await backup(cluster, leader)).code, 2);
  }));

Deno.test("a backup that is interrupted leaves no file, and one without a majority is taken as stale alone", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await cluster.ask(leader, "PUT key value");
    await cluster.waitUntilEqual();
    const path = `${cluster.root}/backup.snap`;
    const [follower = 0, other = 0] = cluster.others(leader);
    cluster.signal(follower, "SIGSTOP");
    const hanging = spawnLine(programLine([
      ...["backup", path, "--timeout-ms", "600000", "--connect", `127.0.0.1:${cluster.node(follower).clientPort}`],
    ]));
    const ended = hanging.output();
    await waitFor(() => filesIn(cluster).length > 0 || undefined, { what: "the temporary file is there" });
    assertMatch(filesIn(cluster)[0] ?? "", /^backup\.snap\.[0-9a-f]{8}\.tmp$/);
    hanging.kill("SIGTERM");
    assertEquals([(await ended).code, filesIn(cluster)], [130, []]);
    cluster.signal(follower, "SIGCONT");
    for (const id of [leader, other]) await cluster.kill(id);
    const alone = await backup(cluster, follower, `${cluster.root}/late.snap`, "--timeout-ms", "500");
    assertEquals([alone.code, alone.stdout], [5, ""]);
    assertEquals((await backup(cluster, follower, `${cluster.root}/late.snap`, "--stale")).code, 0);
    const { stdout } = await runProgram(["verify", "--json", `${cluster.root}/late.snap`]);
    assertEquals(JSON.parse(stdout).keys, 1);
  }));

Deno.test("a cluster with users gives its backup to who logs in, and to nobody else", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    await cluster.ask(0, "PUT key value");
    const at = ["--connect", `127.0.0.1:${cluster.node(0).clientPort}`];
    const password = "correct horse battery";
    const added = await runProgram(["user", "add", "ann", ...at], { environment: { KVSTORE_NEW_PASSWORD: password } });
    assertEquals([added.code, added.stderr], [0, ""]);
    const path = `${cluster.root}/backup.snap`;
    const refused = await backup(cluster, 0, path);
    assertEquals([refused.code, refused.stdout, filesIn(cluster)], [1, "", []]);
    assertMatch(
      refused.stderr,
      /^kvstore: The cluster has users, and no user and password that are right were given; /,
    );
    const environment = { KVSTORE_PASSWORD: password };
    const taken = await runProgram(["backup", path, "--user", "ann", "--json", ...at], { environment });
    assertEquals([taken.code, taken.stderr], [0, ""]);
    const { stdout } = await runProgram(["verify", "--json", path]);
    assertEquals([JSON.parse(stdout).users, JSON.parse(stdout).keys], [1, 1]);
  }));

/** Passes connections on to a port that is named later, the first `cuts.length` of them only so many bytes of what comes back. */
class CuttingProxy {
  to = 0;
  connections = 0;
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #serving: Promise<void>;

  constructor(cuts: readonly number[]) {
    this.#serving = this.#serve(cuts);
  }

  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  async end(): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }

  async #serve(cuts: readonly number[]): Promise<void> {
    const passed: Promise<void>[] = [];
    for await (const client of this.#listener) passed.push(this.#pass(client, cuts[this.connections++] ?? Infinity));
    await Promise.all(passed);
  }

  /** Until the node, or the cut, ends it: a request is one piece. */
  async #pass(client: Deno.Conn, cut: number): Promise<void> {
    using server = await Deno.connect({ hostname: "127.0.0.1", port: this.to });
    using _client = client;
    const buffer = new Uint8Array(65_536);
    const asked = await client.read(buffer);
    await server.write(buffer.subarray(0, asked ?? 0));
    for (let left = cut; left > 0;) {
      const count = await server.read(buffer);
      if (count === null) return;
      const bytes = buffer.subarray(0, Math.min(count, left));
      for (let at = 0; at < bytes.length;) at += await client.write(bytes.subarray(at));
      left -= count;
    }
  }
}

Deno.test("a backup whose connection breaks twice goes on where it broke, and is whole", async () => {
  const proxy = new CuttingProxy([1_000_000, 700_000]);
  const flags = ["--advertise-http", proxy.address];
  await withCluster({ nodes: 1, flags }, async (cluster) => {
    await cluster.waitForLeader();
    proxy.to = cluster.node(0).httpPort;
    const url = `http://127.0.0.1:${proxy.to}/v1`;
    // With that the young cluster is done with its own entries: each would be another snapshot.
    await waitFor(async () => {
      const { level } = await (await fetch(`${url}/cluster`)).json();
      return level === SPOKEN_VERSIONS.newest || undefined;
    }, { what: "the newest version is on" });
    assertEquals(
      (await fetch(`${url}/kv/long`, { method: "PUT", body: new Uint8Array(3_000_000).fill(7) })).status,
      201,
    );
    const path = `${cluster.root}/backup.snap`;
    const taken = await backup(cluster, 0, path);
    assertEquals(taken.code, 0, taken.stderr);
    const line = new RegExp(
      `^kvstore: The connection to ${proxy.address} broke after (\\d+) of \\d+ bytes; attempt (\\d) of 5$`,
    );
    const told = taken.stderr.trimEnd().split("\n").map((text) => line.exec(text)?.slice(1).map(Number) ?? text);
    assertEquals([told.length, proxy.connections], [2, 3], taken.stderr);
    const [[first = 0] = [], [second = 0] = []] = told as number[][];
    assert(first > 900_000 && first < 1_000_000 && second > first + 600_000 && second < first + 700_000, taken.stderr);
    const { code, stdout } = await runProgram(["verify", "--json", path]);
    assertEquals([code, JSON.parse(stdout).keyBytes], [0, 3_000_004]);
  }).finally(() => proxy.end());
});
