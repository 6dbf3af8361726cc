/** `kvstore member` against real nodes: a replacement that is killed half-way, a move, and refusals. */

import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor, withDeadline } from "../support/wait.ts";

/** The command line of a command that asks node `via` first. */
function commandLine(cluster: ProcessCluster, via: number, words: string): readonly string[] {
  return ["member", ...words.split(" "), "--connect", `127.0.0.1:${cluster.node(via).clientPort}`];
}

async function kvstore(
  cluster: ProcessCluster,
  via: number,
  words: string,
): Promise<{ readonly code: number; readonly last: string; readonly err: string }> {
  const { code, stdout, stderr } = await runProgram([...commandLine(cluster, via, words)]);
  return { code, last: stdout.trimEnd().split("\n").at(-1) ?? "", err: stderr };
}

Deno.test("the leader is replaced by a new server, though the command is killed at each step", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [via = -1, other = -1] = cluster.others(leader);
    assertEquals(await cluster.ask(leader, "PUT k here"), "k added successfully.");
    const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    const replace = `replace ${leader} 127.0.0.1:${port}@${peerPort} --yes`;
    // It adds the server and waits for it; then it is killed.
    const first = new ServerProcess(programLine(commandLine(cluster, via, replace)));
    await waitFor(() => first.lines.some((line) => line.includes("Start it there")) || undefined, {
      what: "it is added",
    });
    await first.end("SIGKILL");
    assertEquals((await kvstore(cluster, other, `${replace} --wait-ms 1`)).code, 1);
    const seed = `127.0.0.1:${cluster.node(via).clientPort}@${cluster.node(via).peerPort}`;
    await using node = new Joined([
      ...["node", "--join", seed, "--node-id", "3", "--port", `${port}`, "--peer-port", `${peerPort}`],
      ...["--http-port", `${httpPort}`, "--data-dir", `${cluster.root}/node-3`],
    ]);
    // Killed once it has a vote, or before: what is left to do is done by the next one.
    const second = new ServerProcess(programLine(commandLine(cluster, via, replace)));
    await waitFor(async () => (await members(cluster, via)).some(({ id, voter }) => id === 3 && voter) || undefined, {
      what: "the new server votes",
    });
    await second.end("SIGKILL");
    for (const asked of [other, via]) {
      const { code, last, err } = await kvstore(cluster, asked, replace);
      assertEquals([code, last], [0, `Member 3 has a vote in the place of ${leader}, which is removed.`], err);
    }
    assertEquals((await members(cluster, via)).map(({ id }) => id), [via, other, 3].sort());
    assertEquals(node.process.alive, true);
    const unknown = await kvstore(cluster, via, "remove 9 --yes");
    assertEquals(unknown.code, 1);
    assertMatch(unknown.err, /^kvstore: There is no member 9; the members are \d, \d, \d\n$/);
    assertEquals((await kvstore(cluster, via, "remove 3")).code, 2);
  }));

Deno.test("a leader that is drained hands over and is not ready until it is undrained", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [via = -1] = cluster.others(leader);
    const ready = async () => {
      const reply = await fetch(`http://127.0.0.1:${cluster.node(leader).httpPort}/readyz`);
      await reply.body?.cancel();
      return reply.status;
    };
    // Nobody can be drained before the cluster has risen to the level for it.
    await waitFor(async () => (await cluster.block(via, "CLUSTER")).includes("Level: 8") || undefined, {
      what: "the level rises",
    });
    const drained = await kvstore(cluster, via, `drain ${leader} --yes`);
    assertEquals([drained.code, drained.last], [0, `Member ${leader} is drained.`], drained.err);
    assertEquals((await cluster.waitForLeader()) === leader, false);
    assertEquals(await ready(), 503);
    for (const id of cluster.others(leader)) {
      const last = await kvstore(cluster, via, `drain ${id} --yes --wait-ms 5000`);
      if (last.code === 0) continue;
      assertStringIncludes(last.err, "no voter would be left that may lead");
    }
    const undrained = await kvstore(cluster, via, `undrain ${leader} --yes`);
    assertEquals([undrained.code, undrained.last], [0, `Member ${leader} is not drained any more.`], undrained.err);
    await waitFor(async () => await ready() === 200 || undefined, { what: "it is ready again" });
  }));

Deno.test("a node moves to other ports while the command waits for it", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [moving = -1] = cluster.others(leader);
    await cluster.kill(moving, "SIGTERM");
    cluster.move(moving);
    const address = `127.0.0.1:${cluster.node(moving).clientPort}`;
    const command = new ServerProcess(programLine(commandLine(cluster, leader, `move ${moving} ${address}`)));
    // One that begins only when the node has moved has nothing to say of it.
    await command.line(`Stop node ${moving}, and start it with the same directory`);
    await cluster.restart(moving);
    const { code } = await withDeadline(command.ended, { what: "the node is where it was to be" });
    assertEquals([code, command.lines.at(-1)], [0, `Member ${moving} is at ${address}.`], command.lines.join("\n"));
    const list = await runProgram([...commandLine(cluster, leader, "list")]);
    assertMatch(list.stdout, new RegExp(`^${moving} +voter +yes +\\d+ +${address}$`, "m"));
  }));

async function members(
  cluster: ProcessCluster,
  via: number,
): Promise<readonly { readonly id: number; readonly voter: boolean }[]> {
  const { stdout } = await runProgram([...commandLine(cluster, via, "list"), "--json"]);
  return JSON.parse(stdout).members;
}

/** A node beside those of the cluster. */
class Joined implements AsyncDisposable {
  readonly process: ServerProcess;

  constructor(line: readonly string[]) {
    this.process = new ServerProcess(programLine(line));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.process.alive) await this.process.end("SIGKILL");
  }
}
