import { assert, assertEquals, assertMatch } from "@std/assert";
import { findFreeRun, isFree } from "../support/ports.ts";
import { type CommandLine, programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askBlockOnce, fieldsOf, numberOf } from "../support/text_client.ts";
import { waitFor, withDeadline } from "../support/wait.ts";
import { exchange } from "./support/raw.ts";

const OFFSETS = [0, 1, 2, 3_000, 3_001, 3_002, 10_000, 10_001, 10_002];
const READY_WORD = "KVStore is ready";

/** A company's proxy, which nothing between the processes of one machine may pass through; this one answers nobody. */
const BEHIND_PROXY: Readonly<Record<string, string>> = Object.fromEntries([
  ...["HTTP_PROXY", "http_proxy"].map((name) => [name, "http://127.0.0.1:9"]),
  ...["NO_PROXY", "no_proxy"].map((name) => [name, ""]),
]);

/** A launcher and where its cluster is. */
interface Launched {
  readonly process: ServerProcess;
  readonly port: number;
}

type Environment = Readonly<Record<string, string>>;

/** Starts a launcher on the directory of the test and waits until it is ready. */
type Launch = (port: number, environment?: Environment) => Promise<Launched>;

/** Ends, in order, every launcher that `body` leaves running: its nodes would write into the directory that is removed. */
async function withLauncher(body: (launch: Launch, directory: string) => Promise<void>): Promise<void> {
  const directory = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  const started: ServerProcess[] = [];
  try {
    await body(async (port, environment = {}) => {
      const line = programLine(["cluster", "--port", String(port), "--data-dir", directory]);
      const process = new ServerProcess(line, { stdin: "piped", environment });
      started.push(process);
      await process.line("Ctrl-C");
      return { process, port };
    }, directory);
  } catch (error) {
    const lines = started.flatMap((process) => process.lines.slice(-30)).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${lines}`, { cause: error });
  } finally {
    for (const process of started) if (process.alive) await process.end("SIGTERM");
    await Deno.remove(directory, { recursive: true });
  }
}

function triesOf(process: ServerProcess): string[] {
  const begin = process.lines.indexOf("Try:");
  return process.lines.slice(begin + 1, begin + 4).map((line) => line.trim());
}

/** Sends what the printed `printf ... | nc host port` would send. */
async function run(line: string): Promise<string> {
  const match = /^printf '(.*)' \| nc localhost (\d+)$/.exec(line);
  assert(match !== null, `a line to try: ${line}`);
  const bytes = (match[1] ?? "").replaceAll("\\n", "\n");
  return await exchange({ port: Number(match[2]), bytes, halfClose: true });
}

/** Sends what the printed `redis-cli -h host -p port GET hello` would send. */
async function runRedis(line: string): Promise<string> {
  const match = /^redis-cli -h localhost -p (\d+) GET hello$/.exec(line);
  assert(match !== null, `a line to try: ${line}`);
  const bytes = "*2\r\n$3\r\nGET\r\n$5\r\nhello\r\n";
  return await exchange({ port: Number(match[1]), bytes, halfClose: true });
}

/** Sends what the printed curl line would send, and returns the status of the reply. */
async function runCurl(line: string): Promise<number> {
  const match = /^curl -X PUT --data-binary (\w+) (http:\S+)$/.exec(line);
  assert(match !== null, `a line to try: ${line}`);
  const response = await fetch(match[2] ?? "", { method: "PUT", body: match[1] ?? "" });
  await response.body?.cancel();
  return response.status;
}

function allFree(port: number): boolean {
  return OFFSETS.every((offset) => isFree(port + offset));
}

Deno.test("kvstore cluster: ready with a table and lines that work, restarts a killed node, stops with exit 0", () =>
  withLauncher(async (launch) => {
    const port = findFreeRun(OFFSETS);
    const launched = await launch(port);
    const { process } = launched;
    const ready = process.lines.findIndex((line) => line.startsWith(READY_WORD));
    const rows = process.lines.slice(ready).filter((line) => /^\d+ +(Leader|Follower) /.test(line));
    assertEquals(rows.map((row) => row.split(/ +/)[0]), ["0", "1", "2"]);
    assertEquals(rows.filter((row) => row.includes("Leader")).length, 1);
    for (const [id, row] of rows.entries()) {
      assertMatch(row, new RegExp(`:${port + id} .*:${port + 3_000 + id} .*:${port + 10_000 + id} .*node-${id}`));
    }
    assertEquals(process.lines.filter((line) => line.includes("Warning")), [], "of the runtime");
    const [first = "", second = "", third = ""] = triesOf(process);
    assert(first.endsWith(` ${port}`), "the first line is for node 0");
    await isAnswered(first, port);
    await waitFor(async () => await runRedis(second) === "$5\r\nworld\r\n" || undefined, {
      what: "Redis's line works",
    });
    // The lines before it have made the key.
    await waitFor(async () => await runCurl(third) === 200 || undefined, { what: "curl's line works" });
    assert(process.lines.some((line) => /^Shell: .*\bcli\b/.test(line)));

    await restartsKilledNode(launched);
    const nodes = childrenOf(process.pid);
    assertEquals(nodes.length, 3);
    const status = await process.end("SIGINT");
    assertEquals(status.code, 0);
    assertEquals(nodes.filter(isRunning), [], "no node is left");
  }));

/** Sends the line for node 0, whose port is `port`. On a busy machine the leader may change after the line was printed. */
async function isAnswered(line: string, port: number): Promise<void> {
  const told = await waitFor(async () => {
    const leader = numberOf(fieldsOf(await askBlockOnce(port, "STATUS")), "Leader ID");
    const text = await run(line.replace(/\d+$/, String(port + leader)));
    return /Outcome unknown|No leader|Not leader/.test(text) ? undefined : text;
  }, { what: "the line to paste is answered by a leader" });
  assertEquals(told, "hello added successfully.\nvalue of hello: world\nGoodbye.\n");
}

/** Finds the process of node 1 by its listening port and ends it as a crash would. */
async function restartsKilledNode({ process, port }: Launched): Promise<void> {
  const victim = childrenOf(process.pid).find((pid) =>
    Deno.readTextFileSync(`/proc/${pid}/cmdline`).split("\0").includes(String(port + 1))
  );
  assert(victim !== undefined, "node 1 is a process of its own");
  const before = process.lines.length;
  Deno.kill(victim, "SIGKILL");
  await waitFor(async () => {
    const fields = fieldsOf(await askBlockOnce(port + 1, "STATUS"));
    return process.lines.length > before && fields.get("Role") === "Follower" ? true : undefined;
  }, { what: "node 1 runs again" });
  assert(process.lines.slice(before).some((line) => /node 1\b/.test(line)), "the launcher says so");
}

function isRunning(pid: number): boolean {
  try {
    return Deno.statSync(`/proc/${pid}`).isDirectory;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function childrenOf(pid: number): number[] {
  return [...Deno.readDirSync("/proc")].map((entry) => Number(entry.name)).filter((child) => {
    if (!Number.isInteger(child)) return false;
    try {
      return Deno.readTextFileSync(`/proc/${child}/stat`).split(") ")[1]?.split(" ")[1] === String(pid);
    } catch {
      return false;
    }
  });
}

Deno.test("kvstore cluster: node 0 leads before it is ready, also where its log is behind and the network has a proxy", () =>
  withLauncher(async (launch, directory) => {
    const port = findFreeRun(OFFSETS);
    const first = await launch(port);
    assertEquals((await first.process.end("SIGTERM")).code, 0);
    // The others go on without it: at the next start it cannot win an election before it has caught up.
    const others = [1, 2].map((id) => new ServerProcess(nodeLine(directory, { id, port })));
    try {
      const lines = Array.from({ length: 50 }, (_, at) => `PUT key${at} value\n`).join("");
      await waitFor(async () => {
        for (const id of [1, 2]) {
          if (fieldsOf(await askBlockOnce(port + id, "STATUS")).get("Role") !== "Leader") continue;
          const said = await exchange({ port: port + id, bytes: `${lines}EXIT\n` });
          if (said.match(/added successfully/g)?.length === 50) return true;
        }
        return undefined;
      }, { what: "one of the others leads and takes writes" });
    } finally {
      await Promise.all(others.map((process) => process.end("SIGTERM")));
    }
    const second = await launch(port, BEHIND_PROXY);
    assert(
      second.process.lines.some((line) => line.includes("node 0 is the leader.")),
      second.process.lines.join("\n"),
    );
    const [line = ""] = triesOf(second.process);
    assertMatch(line, new RegExp(`nc localhost ${port}$`));
    await isAnswered(line, port);
    // A node that does not lead passes this on to the one that does.
    const body = JSON.stringify({ node: 2 });
    const headers = { "Content-Type": "application/json" };
    const moved = await fetch(`http://127.0.0.1:${port + 3_001}/v1/cluster/leader`, { method: "POST", headers, body });
    assertEquals([moved.status, (await moved.json()).leader], [200, 2]);
  }));

Deno.test("kvstore cluster: without a home the secret is in the cluster's directory; one that cannot be made is told in one line", () =>
  withLauncher(async (launch, directory) => {
    const port = findFreeRun(OFFSETS);
    const cache = Deno.env.get("DENO_DIR") ??
      `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME")}/.cache`}/deno`;
    const homeless = { HOME: "", XDG_STATE_HOME: "", DENO_DIR: cache };
    const launched = await launch(port, homeless);
    assertEquals(((await Deno.stat(`${directory}/cluster-secret`)).mode ?? 0) & 0o777, 0o600);
    assertEquals((await launched.process.end("SIGTERM")).code, 0);
    await Deno.remove(`${directory}/cluster-secret`);
    await Deno.mkdir(`${directory}/cluster-secret`);
    const line = ["cluster", "--port", String(port), "--data-dir", directory];
    const { code, stdout, stderr } = await runProgram(line, { environment: homeless });
    assertEquals([code, stdout], [1, ""], stderr);
    assertEquals(stderr.split("\n").length, 2, stderr);
    assertMatch(stderr, /^kvstore: .*cluster-secret.*--cluster-secret-file/);
  }));

/** The command line by which the launcher would start a node of its own. */
function nodeLine(directory: string, { id, port }: { readonly id: number; readonly port: number }): CommandLine {
  const peers = [0, 1, 2].map((peer) => `${peer}=127.0.0.1:${port + peer}`).join(",");
  return programLine([
    ...["node", "--node-id", String(id), "--port", String(port + id), "--peers", peers],
    ...["--data-dir", `${directory}/node-${id}`],
  ]);
}

Deno.test("kvstore cluster: a directory of another size and one in use are refused in one line, and stay as they are", () =>
  withLauncher(async (launch, directory) => {
    const port = findFreeRun(OFFSETS);
    const first = await launch(port);
    const elsewhere = findFreeRun(OFFSETS.flatMap((offset) => [offset, offset + 3]));
    const refusals = [
      { flags: ["--nodes", "1"], code: 2, says: /holds a cluster of 3 nodes, and --nodes is 1: leave --nodes out/ },
      { flags: [], code: 1, says: /A node is running on .*node-0/ },
    ];
    for (const { flags, code, says } of refusals) {
      const line = ["cluster", "--port", String(elsewhere), "--data-dir", directory, ...flags];
      const refused = new ServerProcess(programLine(line));
      assertEquals((await withDeadline(refused.ended, { what: "the refusal" })).code, code);
      assertEquals(refused.lines.length, 1, refused.lines.join("\n"));
      assertMatch(refused.lines[0] ?? "", says);
    }
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["node-0", "node-1", "node-2"]);
    const inspect = new ServerProcess(programLine(["inspect", `${directory}/node-0`]));
    assertEquals((await withDeadline(inspect.ended, { what: "inspect" })).code, 1);
    assertMatch(
      inspect.lines.join("\n"),
      /^kvstore: Cannot inspect .*node-0: a node is running on it; stop the node first$/,
    );
    assertEquals((await first.process.end("SIGTERM")).code, 0);
  }));

Deno.test("kvstore cluster: data outlives a launcher killed -9, whose nodes do not", () =>
  withLauncher(async (launch, directory) => {
    const port = findFreeRun(OFFSETS);
    const first = await launch(port);
    assertMatch(await run(triesOf(first.process)[0] ?? ""), /^hello added/);
    await first.process.end("SIGKILL");
    await waitFor(() => allFree(port) ? true : undefined, { what: "the nodes end" });
    const second = await launch(port);
    assertEquals(await exchange({ port, bytes: "GET hello\nEXIT\n" }), "value of hello: world\nGoodbye.\n");

    const third = new ServerProcess(programLine(["cluster", "--port", String(port), "--data-dir", `${directory}/x`]));
    const refused = await withDeadline(third.ended, { what: "a second cluster is refused" });
    assertEquals(refused.code, 1);
    assertMatch(third.lines.join("\n"), new RegExp(`\\b${port}\\b.*--port`));
    assertEquals(third.lines.length, 1, third.lines.join("\n"));
    assertEquals((await second.process.end("SIGTERM")).code, 0);
  }));
