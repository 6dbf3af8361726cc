/** Exports of real clusters, and imports into others, by the commands: under load, with the leader killed, cut, repeated, with users. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { Ledger } from "../support/ledger.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, type ProgramResult, runProgram, spawnLine } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";
import { Writers } from "../support/writers.ts";

function run(cluster: ProcessCluster, id: number, ...args: string[]): Promise<ProgramResult> {
  return runProgram([...args, "--connect", `127.0.0.1:${cluster.node(id).clientPort}`]);
}

function urlOf(cluster: ProcessCluster, id: number, path: string): string {
  return `http://127.0.0.1:${cluster.node(id).httpPort}${path}`;
}

async function put(cluster: ProcessCluster, key: string, body: BodyInit): Promise<void> {
  const reply = await fetch(urlOf(cluster, 0, `/v1/kv/${key}`), { method: "PUT", body });
  assertEquals(reply.ok, true, await reply.text());
}

/** What is in a directory beside those of the nodes. */
function filesIn(cluster: ProcessCluster): readonly string[] {
  return Array.from(Deno.readDirSync(cluster.root), ({ name }) => name).filter((name) => !name.startsWith("node-"));
}

/** The lines of keys, without what is left of a deadline, which passes. */
function keyLines(text: string): readonly string[] {
  return text.trimEnd().split("\n").slice(1, -1).map((line) => line.replace(/,"ttl_ms":\d+/, "")).sort();
}

async function exported(cluster: ProcessCluster, ...args: string[]): Promise<string> {
  const { code, stdout, stderr } = await run(cluster, 0, "export", ...args);
  assertEquals(code, 0, stderr);
  return stdout;
}

Deno.test("an export under load has everything acknowledged before, at one revision, and an import brings all of it elsewhere", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    await put(cluster, "binary%00%FF", new Uint8Array([0, 255, 10, 34]));
    await put(cluster, "long", "x".repeat(3_000_000));
    await put(cluster, "later?ttl=1d", "v");
    await put(cluster, "gone?ttl=1ms", "v");
    const ledger = new Ledger();
    const writers = new Writers({ ports: cluster.ports, ledger, clients: 10, pauseMs: 5 });
    const path = `${cluster.root}/export.ndjson`;
    let before: readonly { key: string; value: string | null }[] = [];
    try {
      await waitFor(() => ledger.acknowledged.size >= 300 || undefined, { what: "300 acknowledged writes" });
      before = [...ledger.acknowledged.values()];
      const taken = await run(cluster, cluster.others(leader)[0] ?? 0, "export", path);
      assertEquals([taken.code, taken.stderr], [0, ""]);
      assertMatch(
        taken.stdout,
        /^Exported to .*export\.ndjson: cluster [0-9a-f]{32} at revision \d+, \d+ keys, from .*; \d+ bytes in all\n$/,
      );
    } finally {
      await writers.stop();
    }
    assertEquals([filesIn(cluster), ((await Deno.stat(path)).mode ?? 0) & 0o777], [["export.ndjson"], 0o600]);
    const text = await Deno.readTextFile(path);
    const lines = new Set(keyLines(text));
    for (const { key, value } of before) assert(lines.has(JSON.stringify({ key, value })), key);
    assert(lines.has(`{"key_base64":"${btoa("binary\0\xff")}","value_base64":"${btoa('\0\xff\n"')}"}`));
    assert(![...lines].some((line) => line.includes('"gone"')));
    // At one revision: of what one client writes in turn there is no later key without the one before.
    const revision: number = JSON.parse(text.slice(0, text.indexOf("\n"))).revision;
    assert(revision >= before.length);
    for (let client = 0; client < 10; client++) {
      const numbers = [...lines].map((line) => new RegExp(`^\\{"key":"w-${client}-(\\d+)"`).exec(line)?.[1]);
      const found = numbers.filter((number) => number !== undefined).map(Number);
      assertEquals(Math.max(-1, ...found) + 1, found.length, `client ${client}`);
    }
    await withCluster({ nodes: 1 }, async (other) => {
      const done = await run(other, 0, "import", path);
      assertEquals([done.code, done.stderr], [0, ""]);
      assertEquals(done.stdout, `Imported ${lines.size} keys of ${path}\n`);
      assertEquals(keyLines(await exported(other)), [...lines].sort());
      // Given again it finds everything equal.
      const again = await run(other, 0, "import", "--json", path);
      const { written, there } = JSON.parse(again.stdout);
      assertEquals([again.code, written, there], [0, 0, lines.size]);
      assertEquals(keyLines(await exported(other, "--prefix", "w-3-")).every((line) => line.includes("w-3-")), true);
    });
  }));

Deno.test("an import whose leader is killed goes on, and what it says is written is there", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const value = "v".repeat(500);
    const lines = Array.from(
      { length: 12_000 },
      (_, at) => JSON.stringify({ key: `k-${at}`, value: `${at}-${value}` }),
    );
    const connect = cluster.ports.map((port) => `127.0.0.1:${port}`).join(",");
    const child = spawnLine(programLine(["import", "--connect", connect]), { stdin: "piped" });
    const ended = child.output();
    const input = child.stdin.getWriter();
    const give = (from: number, to: number) =>
      input.write(new TextEncoder().encode(lines.slice(from, to).map((line) => `${line}\n`).join("")));
    await give(0, 4_000);
    await waitFor(async () => (await cluster.ask(leader, "GET k-0")).includes(value) || undefined, {
      what: "the first keys are written",
    });
    // With as much under way as there may be, and more to come.
    const more = give(4_000, 8_000);
    await cluster.kill(leader);
    await more;
    await give(8_000, 12_000);
    await input.close();
    const { code, stdout, stderr } = await ended;
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(new TextDecoder().decode(stdout), "Imported 12000 keys of standard input\n");
    const [asked = 0] = cluster.others(leader);
    const { stdout: text } = await run(cluster, asked, "export");
    assertEquals(keyLines(text), lines.toSorted());
  }));

Deno.test("what is wrong with what is imported is named by its line, and what stands before it is written", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    const path = `${cluster.root}/some.ndjson`;
    const importText = async (text: string, ...args: string[]) => {
      await Deno.writeTextFile(path, text);
      const { code, stdout, stderr } = await run(cluster, 0, "import", path, ...args);
      return [code, stdout, stderr.replaceAll(path, "FILE")] as const;
    };
    const [a, b] = ['{"key":"a","value":"1"}\n', '{"key":"b","value":"2","ttl_ms":3600000}\n'];
    assertEquals(await importText(`${a}${b}{"key":"c"}\n`, "--dry-run"), [
      1,
      "",
      "kvstore: Line 3 of FILE has no value; nothing was changed, this is a dry run\n",
    ]);
    assertEquals(await cluster.ask(0, "GET a"), "Error: a does not exist.");
    assertEquals(await importText(`${a}${b}{"key":"c"}\n`), [
      1,
      "",
      "kvstore: Line 3 of FILE has no value; 2 keys written, all up to line 2; it can be repeated\n",
    ]);
    assertEquals(await cluster.ask(0, "GET b"), "value of b: 2");
    const reply = await fetch(urlOf(cluster, 0, "/v1/kv/b"));
    await reply.text();
    const left = Number(reply.headers.get("X-KV-TTL-Ms"));
    assert(left > 3_000_000 && left <= 3_600_000, String(left));
    const other = '{"key":"a","value":"other"}\n';
    assertEquals(await importText(other), [
      1,
      "",
      'kvstore: Line 1 has the key "a", which is there with another value; 0 keys written; it can be repeated\n',
    ]);
    const dry = await importText(other, "--dry-run");
    assertEquals([dry[0], dry[1].replace(path, "FILE")], [0, "FILE can be imported; 1 key of it is there already\n"]);
    assertEquals((await importText(other, "--on-existing", "skip"))[0], 0);
    assertEquals(await cluster.ask(0, "GET a"), "value of a: 1");
    assertEquals((await importText(other, "--on-existing", "overwrite"))[0], 0);
    assertEquals(await cluster.ask(0, "GET a"), "value of a: other");
    const past = await importText('{"key":"past","value":"","expires_at":1,"ttl_ms":60000}\n');
    assertEquals([past[0], past[1].replace(path, "FILE")], [
      0,
      "Imported 0 keys of FILE\n  left out: 1 key whose deadline has passed\n",
    ]);
    const anew = await importText(
      '{"key":"past","value":"","expires_at":1,"ttl_ms":60000}\n',
      "--deadlines",
      "relative",
    );
    assertEquals([anew[0], anew[1].replace(path, "FILE")], [0, "Imported 1 key of FILE\n"]);
    const whole = await exported(cluster);
    const cut = whole.slice(0, whole.trimEnd().lastIndexOf("\n") + 1);
    assertMatch((await importText(cut))[2], /^kvstore: Line 5 of FILE is not there: the export was cut short; /);
    assertEquals((await runProgram(["import", `${cluster.root}/none`])).code, 1);
    assertEquals((await runProgram(["import", "a", "b"])).code, 2);
    assertEquals((await runProgram(["export", "a", "b"])).code, 2);
  }));

Deno.test("an export goes into an import by a pipe; interrupted it leaves no file, and a file that is there stays", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    await put(cluster, "key", "value");
    await withCluster({ nodes: 1 }, async (other) => {
      const done = await runProgram(["import", "--connect", `127.0.0.1:${other.node(0).clientPort}`], {
        input: await exported(cluster, "-"),
      });
      assertEquals([done.code, done.stdout], [0, "Imported 1 key of standard input\n"]);
      assertEquals(await other.ask(0, "GET key"), "value of key: value");
    });
    const path = `${cluster.root}/export.ndjson`;
    assertEquals((await run(cluster, 0, "export", path)).code, 0);
    const before = await Deno.readTextFile(path);
    const refused = await run(cluster, 0, "export", path);
    assertEquals([refused.code, refused.stderr], [
      1,
      `kvstore: ${path} is there already, and stays as it is; --force replaces it\n`,
    ]);
    await put(cluster, "key", "other");
    assertEquals((await run(cluster, 0, "export", path, "--force")).code, 0);
    assert(await Deno.readTextFile(path) !== before);
    await Deno.remove(path);
    cluster.signal(0, "SIGSTOP");
    const connect = `127.0.0.1:${cluster.node(0).clientPort}`;
    const hanging = spawnLine(programLine(["export", path, "--timeout-ms", "600000", "--connect", connect]));
    const ended = hanging.output();
    await waitFor(() => filesIn(cluster).length > 1 || undefined, { what: "the temporary files are there" });
    hanging.kill("SIGTERM");
    assertEquals([(await ended).code, filesIn(cluster)], [130, []]);
    cluster.signal(0, "SIGCONT");
  }));

Deno.test("a cluster with users is exported by an administrator alone, and imported into by whoever may write the keys", () =>
  withCluster({ nodes: 1 }, async (cluster) => {
    await put(cluster, "app%3A1", "value");
    const at = ["--connect", `127.0.0.1:${cluster.node(0).clientPort}`];
    const password = "correct horse battery";
    const given = { environment: { KVSTORE_NEW_PASSWORD: password } };
    assertEquals((await runProgram(["user", "add", "ann", ...at], given)).code, 0);
    const environment = { KVSTORE_NEW_PASSWORD: password, KVSTORE_PASSWORD: password };
    const grant = ["user", "add", "app", "read,write:app:", "--user", "ann", ...at];
    assertEquals((await runProgram(grant, { environment })).code, 0);
    const as = (user: string, args: readonly string[], input = "") =>
      runProgram([...args, "--user", user, ...at], { environment: { KVSTORE_PASSWORD: password }, input });
    for (const command of ["export", "import"]) {
      const { code, stdout, stderr } = await runProgram([command, ...at], { input: '{"key":"app:2","value":"v"}\n' });
      assertEquals([code, stdout], [1, ""]);
      assertMatch(stderr, /^kvstore: The cluster has users, and no user and password that are right were given; /);
    }
    assertEquals((await as("app", ["export"])).code, 1);
    assertEquals((await as("ann", ["export"])).code, 0);
    const done = await as("app", ["import"], '{"key":"app:2","value":"v"}\n');
    assertEquals([done.code, done.stderr], [0, ""]);
    const refused = await as("app", ["import"], '{"key":"app:3","value":"v"}\n{"key":"other","value":"v"}\n');
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertMatch(refused.stderr, /other.*; 0 keys written; it can be repeated\n$/);
  }));
