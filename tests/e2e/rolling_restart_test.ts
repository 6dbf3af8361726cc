/** `kvstore rolling-restart` of a real local cluster, under clients that repeat their requests: none of theirs may fail. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { RepeatingClients } from "../support/repeating_clients.ts";
import { type LaunchedCluster, withLaunchedCluster } from "../support/launched_cluster.ts";
import { type ProgramResult, runProgram } from "../support/program.ts";
import { waitFor } from "../support/wait.ts";
import { withCluster } from "../support/process_cluster.ts";

const CLIENTS = 8;
const COMMAND_MS = 180_000;

interface Launched {
  readonly id: number;
  readonly pid: number | null;
  readonly state: string;
}

async function nodesOf({ httpBases }: LaunchedCluster): Promise<readonly Launched[]> {
  for (const base of httpBases) {
    const reply = await fetch(`${base}/v1/launcher`).catch(() => undefined);
    if (reply !== undefined) return (await reply.json()).nodes;
  }
  return [];
}

async function leaderOf({ httpBases: [base] }: LaunchedCluster): Promise<number> {
  return (await (await fetch(`${base}/v1/cluster`)).json()).leader;
}

function rollingRestart({ ports }: LaunchedCluster, ...flags: string[]): Promise<ProgramResult> {
  const args = ["rolling-restart", "--connect", `127.0.0.1:${ports[0]}`, ...flags];
  return runProgram(args, { timeoutMs: COMMAND_MS });
}

/** What was acknowledged is there, and nobody was refused. */
async function assertKept(cluster: LaunchedCluster, load: RepeatingClients): Promise<void> {
  await load.assertKept(serversOf(cluster));
}

function serversOf({ ports }: LaunchedCluster): readonly string[] {
  return ports.map((port) => `127.0.0.1:${port}`);
}

Deno.test("every node gets a new process, the leader last, and no request of a client that repeats fails", () =>
  withLaunchedCluster(async (cluster) => {
    const [before, leader] = [await nodesOf(cluster), await leaderOf(cluster)];
    const load = new RepeatingClients(serversOf(cluster), CLIENTS);
    const { code, stdout, stderr } = await rollingRestart(cluster, "--yes", "--json");
    await load.stop();
    assertEquals(code, 0, stderr);
    const said = JSON.parse(stdout);
    const followers = [0, 1, 2].filter((id) => id !== leader);
    assertEquals(said.restarted.map(({ id }: Launched) => id), [...followers, leader]);
    assertNotEquals(said.leader, leader);
    for (const { id, pid } of await nodesOf(cluster)) assertNotEquals(pid, before[id]?.pid, `node ${id}`);
    await assertKept(cluster, load);
    assert(cluster.process.lines.every((line) => !line.includes("exited with code")), "each stopped in order");
  }));

Deno.test("a node that is killed in the middle is waited for, and the rest is restarted all the same", () =>
  withLaunchedCluster(async (cluster) => {
    const before = await nodesOf(cluster);
    const load = new RepeatingClients(serversOf(cluster), CLIENTS);
    const running = rollingRestart(cluster, "--yes");
    await cluster.process.line("to restart node");
    // The one that passes requests on, which is the last follower here or the leader.
    const victim = before.findLast(({ id }) =>
      !cluster.process.lines.some((line) => line.includes(`restart node ${id}`))
    );
    assert(typeof victim?.pid === "number");
    Deno.kill(victim.pid, "SIGKILL");
    const { code, stdout, stderr } = await running;
    await load.stop();
    assertEquals(code, 0, stderr + stdout);
    for (const { id, pid } of await nodesOf(cluster)) assertNotEquals(pid, before[id]?.pid, `node ${id}`);
    assertMatch(stdout, /\nDone: every node has a new process\. Node \d leads, in term \d+\.\n$/);
    await assertKept(cluster, load);
  }));

Deno.test("a node that does not come back stops it with one line and exit 1; run again it continues, also around a drained one", () =>
  withLaunchedCluster(async (cluster) => {
    const leader = await leaderOf(cluster);
    const [first = -1, second = -1] = [0, 1, 2].filter((id) => id !== leader);
    const before = await nodesOf(cluster);
    const path = `${cluster.directory}/node-${second}/RaftNode${second}.json`;
    const whole = Deno.readTextFileSync(path);
    Deno.writeTextFileSync(path, "no longer a node file");
    const stopped = await rollingRestart(cluster, "--yes", "--json");
    assertEquals([stopped.code, stopped.stdout], [1, ""]);
    const lines = stopped.stderr.trimEnd().split("\n");
    assertMatch(
      lines.at(-1) ?? "",
      new RegExp(`^kvstore: Node ${second} ended and is not started again; .* again: it continues`),
    );
    const between = await nodesOf(cluster);
    assertEquals(between.map(({ id, pid }) => pid !== before[id]?.pid), [0, 1, 2].map((id) => id !== leader));
    assertEquals(between[second]?.state, "Ended");

    Deno.writeTextFileSync(path, whole);
    const plain = await rollingRestart(cluster);
    assertEquals(plain.code, 2);
    assertMatch(plain.stdout, /^Continues a rolling restart that was not finished, one node at a time:\n/);
    assertMatch(plain.stdout, new RegExp(`\n {2}start node ${second}: [^\n]*\n {2}restart node ${leader}, the leader`));
    assertMatch(plain.stderr, /give --yes/);
    const again = await rollingRestart(cluster, "--yes", "--json");
    assertEquals(again.code, 0, again.stderr);
    assertEquals(JSON.parse(again.stdout).restarted.map(({ id }: Launched) => id), [second, leader]);
    assertEquals((await nodesOf(cluster))[first]?.pid, between[first]?.pid);

    // A drained node is not ready, and restarted as any other.
    const drained = await fetch(`${cluster.httpBases[leader]}/v1/cluster/members/${first}/drain`, { method: "POST" });
    assertEquals([drained.status, (await drained.json()).id], [200, first]);
    const all = await rollingRestart(cluster, "--yes", "--json");
    assertEquals([all.code, JSON.parse(all.stdout).restarted.length], [0, 3], all.stderr);
  }));

Deno.test("a cluster of one comes back; nodes without a launcher are refused with what to do", async () => {
  await withLaunchedCluster(async (cluster) => {
    const [before] = await nodesOf(cluster);
    const { code, stdout, stderr } = await rollingRestart(cluster, "--yes");
    assertEquals(code, 0, stderr);
    assertMatch(stdout, /it answers nothing until that runs again/);
    const after = await waitFor(async () => (await nodesOf(cluster))[0], { what: "the node answers" });
    assertNotEquals(after.pid, before?.pid);
  }, { nodes: 1 });
  await withCluster({ nodes: 1 }, async (cluster) => {
    const connectTo = `127.0.0.1:${cluster.node(0).clientPort}`;
    const { code, stdout, stderr } = await runProgram(["rolling-restart", "--yes", "--connect", connectTo]);
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^kvstore: These nodes were not started by kvstore cluster[^\n]*docs\/operations\.md\n$/);
  });
});
