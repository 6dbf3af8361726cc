/**
 * This program beside the last one that speaks version 6 of the protocol alone, taken from the history of this repository: the way
 * up node by node, the way back before the switch, and the refusal after it. Real processes, writes all the time. The program of
 * before is the executable of then, made with its Deno; elsewhere than on Linux x64, and where npm is out of reach, its source.
 */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { type CommandLine, programLine, ROOT } from "../support/program.ts";
import { ProcessCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";

/** The commit before levels (ADR 18). */
const BEFORE = "cd66034e5d140af0e6fe5ab18f8801f9c0836968";

/** The Deno of its executables. */
const DENO_BEFORE = "deno@2.4.2";
/** To fetch a runtime, the compiler and the packages, many times what it takes. */
const COMPILE_MS = 180_000;

/** Puts the source of a commit into a new directory. */
async function checkOut(commit: string): Promise<string> {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-before-" });
  await runShell(`git archive "$1" | tar -x -C "$2"`, [commit, directory]);
  return directory;
}

/** Makes the executable of a source; why it cannot be made is told, and is an error where all tools are asked for. */
async function compile(source: string): Promise<string | undefined> {
  if (`${Deno.build.os}-${Deno.build.arch}` !== "linux-x86_64") return undefined;
  try {
    await runShell(`DENORT_BIN=$(.ci/denort); export DENORT_BIN; cd "$1"; npx -y "$2" task compile`, [
      source,
      DENO_BEFORE,
    ]);
    return `${source}/dist/kvstore`;
  } catch (error) {
    if (Deno.env.get("KVSTORE_REQUIRE_TOOLS") === "1") throw error;
    await Deno.stderr.write(new TextEncoder().encode(`The program of before runs from its source: ${error}\n`));
    return undefined;
  }
}

async function runShell(script: string, args: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(COMPILE_MS);
  const command = new Deno.Command("sh", { args: ["-ec", script, "sh", ...args], cwd: ROOT, signal });
  const { success, stderr } = await command.output();
  assert(success, `${script}: ${new TextDecoder().decode(stderr)}`);
}

/** A cluster whose nodes run one program or the other. */
class MixedCluster extends ProcessCluster {
  readonly #installed: Set<number>;

  constructor(before: (args: CommandLine) => CommandLine) {
    const upgraded = new Set<number>();
    super({
      program: (args) => {
        const id = Number(args[args.indexOf("--node-id") + 1]);
        return upgraded.has(id) ? programLine(args) : before(args);
      },
    });
    this.#installed = upgraded;
  }

  /** Stops a node in order, and launches it with this program or with the one of before. */
  async install(id: number, program: "this" | "before"): Promise<void> {
    await this.kill(id, "SIGTERM");
    if (program === "this") this.#installed.add(id);
    else this.#installed.delete(id);
    this.launch(id);
  }

  /** Writes on the leader, and reads on every node. */
  async writeAndRead(key: string): Promise<void> {
    const leader = await this.waitForLeader();
    assertEquals(await this.ask(leader, `PUT ${key} here`), `${key} added successfully.`);
    for (const { id, process } of this.nodes) {
      if (process?.alive === true) assertEquals(await this.ask(id, `GET ${key}`), `value of ${key}: here`);
    }
  }

  /** The last line of CLUSTER. */
  async level(id: number): Promise<string | undefined> {
    return (await this.block(id, "CLUSTER")).findLast((line) => line.startsWith("Level: "));
  }
}

/** Nodes 0 and 1 run this program, 2 that of before: what CLUSTER shows, and what waits for the upgrade, under either as the leader. */
async function refusesOnlyWhatOldOnesCannot(cluster: MixedCluster): Promise<void> {
  const can = (await cluster.block(0, "CLUSTER")).map((line) => /^Node .* Protocol: (\S+)$/.exec(line)?.[1]);
  assertEquals(can.filter((known) => known !== undefined), ["6-8", "6-8", "6-6"]);
  for (
    const [leader, add, drain] of [
      [
        1,
        "not all members can keep in mind who was removed yet",
        "not all members can keep in mind who is drained yet",
      ],
      [
        2,
        "the leader runs an older program, which cannot do this",
        "the leader runs an older program, which cannot do this",
      ],
    ] as const
  ) {
    const { httpPort } = cluster.node(0);
    await waitFor(async () => {
      const request = { method: "POST", body: JSON.stringify({ node: leader }) };
      const reply = await fetch(`http://127.0.0.1:${httpPort}/v1/cluster/leader`, request);
      await reply.body?.cancel();
      return reply.ok && await cluster.waitForLeader() === leader || undefined;
    }, { what: `node ${leader} leads` });
    for (const [words, reason] of [["ADD 127.0.0.1:9", add], ["DRAIN 1", drain]] as const) {
      const answer = await waitFor(async () => {
        const line = await cluster.ask(0, `MEMBER ${words}`);
        return line.includes("not settled yet") ? undefined : line;
      }, { what: `${words} is answered` });
      assertMatch(answer, new RegExp(`^Error: Unsafe\\. Nothing was begun: ${reason}: upgrade `));
    }
  }
}

function lineOf(source: string, args: CommandLine): CommandLine {
  const flags = ["--quiet", "--no-prompt", "--allow-all", "--config", `${source}/deno.json`];
  return [Deno.execPath(), "run", ...flags, `${source}/main.ts`, ...args];
}

Deno.test("the program of before and this one are one cluster; it goes up node by node, and back until the last one is up", async () => {
  const source = await checkOut(BEFORE);
  const executable = await compile(source);
  await using cluster = new MixedCluster((args) =>
    executable === undefined ? lineOf(source, args) : [executable, ...args]
  );
  await cluster.start();
  await cluster.writeAndRead("before");
  for (const [id, program] of [[0, "this"], [1, "this"], [1, "before"], [1, "this"]] as const) {
    await cluster.install(id, program);
    await cluster.waitUntilAnswers(id);
    await cluster.writeAndRead(`node-${id}-${program}-${cluster.node(id).processes.length}`);
    await cluster.waitUntilEqual();
    assertEquals(await cluster.level(0), "Level: 6");
  }
  const protocols = (await cluster.block(0, "STATS")).filter((line) => line.startsWith("Peer "))
    .map((line) => /Protocol: (\w+)/.exec(line)?.[1]);
  assertEquals(protocols, ["8", "6"]);
  await refusesOnlyWhatOldOnesCannot(cluster);
  await cluster.install(2, "this");
  await cluster.waitUntilAnswers(2);
  for (const { id } of cluster.nodes) {
    await waitFor(async () => await cluster.level(id) === "Level: 8" ? true : undefined, {
      what: `node ${id} at level 8`,
    });
  }
  await cluster.writeAndRead("after");
  // From the log, and with a snapshot in its place.
  for (const withSnapshot of [false, true]) {
    if (withSnapshot) assertMatch(await cluster.ask(2, "SNAPSHOT"), /^Snapshot/);
    await cluster.install(2, "before");
    const { process } = cluster.node(2);
    assertEquals((await process?.ended)?.code, 76);
    const said = process?.lines ?? [];
    assertEquals(said.length, 1, said.join("\n"));
    assertMatch(
      said[0] ?? "",
      /^kvstore: Cannot read .* format version.* is [234], and this program reads version [13]$/,
    );
    await cluster.install(2, "this");
    await cluster.waitUntilAnswers(2);
    await cluster.writeAndRead(`again-${withSnapshot}`);
  }
  await Deno.remove(source, { recursive: true });
});
