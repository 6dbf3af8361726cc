/** Nodes that join and leave a cluster of real processes. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { membersOf, Newcomer } from "../support/newcomer.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askOnce } from "../support/text_client.ts";
import { DEADLINE_MS, waitFor, withDeadline } from "../support/wait.ts";

async function removeMember(cluster: ProcessCluster, id: number): Promise<void> {
  await waitFor(async () => {
    const port = cluster.nodes.find((node) => node.id !== id && node.process?.alive === true)?.httpPort;
    const reply = await fetch(`http://127.0.0.1:${port}/v1/cluster/members/${id}`, { method: "DELETE" });
    await reply.body?.cancel();
    return reply.status === 200 || reply.status === 404 ? true : undefined;
  }, { what: `node ${id} is removed` });
}

async function endsWith(process: ServerProcess, code: number, pattern: RegExp): Promise<void> {
  const status = await withDeadline(process.ended, { what: `the process ends with ${code}`, timeoutMs: DEADLINE_MS });
  assertEquals(status.code, code, process.lines.join("\n"));
  assert(process.lines.some((line) => pattern.test(line)), process.lines.join("\n"));
}

Deno.test("two nodes join at once through a follower, hold the data, and are removed, the leader too", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, "PUT k here"), "k added successfully.");
    const [follower = -1] = cluster.others(leader);
    await using third = new Newcomer(cluster, { seed: follower });
    await using fourth = new Newcomer(cluster, { seed: follower });
    const processes = [third.start(), fourth.start()];
    const ids = await Promise.all([third.isMember(), fourth.isMember()]);
    assertEquals([...ids].sort(), [3, 4]);
    for (const { clientPort } of [third, fourth]) assertEquals(await askOnce(clientPort, "GET k"), "value of k: here");
    // The leader first: the others go on, and it says that it was removed.
    const leading = cluster.node(leader).process;
    await removeMember(cluster, leader);
    assert(leading !== undefined);
    await endsWith(leading, 76, new RegExp(`Node ${leader} was removed from the cluster`));
    await removeMember(cluster, ids[0] ?? -1);
    const [process] = processes;
    assert(process !== undefined);
    await endsWith(process, 76, /was removed from the cluster; to let this machine join again/);
    await endsWith(third.start(), 76, /was removed from the cluster/);
    assertEquals(await askOnce(fourth.clientPort, "GET k"), "value of k: here");
    assertEquals((await membersOf(cluster)).map(({ id }) => id), [...cluster.others(leader), ids[1]]);
  }));

Deno.test("a node that was removed while it was down learns it when it comes back; its id is not used again", () =>
  withCluster({}, async (cluster) => {
    await using first = new Newcomer(cluster, { seed: 0 });
    const process = first.start();
    const id = await first.isMember();
    await process.end("SIGKILL");
    await removeMember(cluster, id);
    await endsWith(first.start(), 76, /was removed from the cluster/);
    await using second = new Newcomer(cluster, { seed: 0 });
    second.start();
    assertEquals([id, await second.isMember()], [3, 4]);
  }));

Deno.test("a node without data that asks where its id was removed ends, and founds its own cluster when that answers there", () =>
  withCluster({ nodes: 4 }, async (cluster) => {
    // Who is removed before is not listed.
    const listed = async () => (await cluster.block(0, "CLUSTER")).includes("Level: 8") || undefined;
    await waitFor(listed, { what: "removals are kept in mind" });
    const removed = cluster.node(3).process;
    await removeMember(cluster, 3);
    assert(removed !== undefined);
    await endsWith(removed, 76, /Node 3 was removed from the cluster;/);
    const start = (id: number) => {
      const { clientPort, peerPort, httpPort } = cluster.node(id);
      const other = cluster.node(id === 0 ? 3 : 0);
      const ports = ["--port", `${clientPort}`, "--peer-port", `${peerPort}`, "--http-port", `${httpPort}`];
      const peers = ["--peers", `${other.id}=127.0.0.1:${other.clientPort}@${other.peerPort}`];
      const directory = ["--data-dir", `${cluster.root}/other-${id}`];
      return new ServerProcess(programLine(["node", "--node-id", `${id}`, ...ports, ...peers, ...directory]));
    };
    await endsWith(
      start(3),
      76,
      /Node 3 was removed from the cluster that it asked, and .*\/other-3 holds nothing of it/,
    );
    await Promise.all(cluster.others(3).map((id) => cluster.kill(id)));
    const founders = [start(0), start(3)];
    try {
      const writes = async () => {
        const replies = await Promise.all([0, 3].map((id) => askOnce(cluster.node(id).clientPort, "PUT k own")));
        return replies.includes("k added successfully.") || undefined;
      };
      await waitFor(writes, { what: "the other cluster takes a write" });
    } finally {
      await Promise.all(founders.map((founder) => founder.end("SIGKILL")));
    }
  }));

Deno.test("a node with the wrong secret, a member's id or a dead seed does not join, and says why", () =>
  withCluster({}, async (cluster) => {
    await using guessing = new Newcomer(cluster, { seed: 1 });
    const guess = { KVSTORE_CLUSTER_SECRET: "another secret than theirs" };
    await endsWith(guessing.start(guess), 1, /Cannot join: .*the cluster secrets of the two nodes differ/);
    await using taking = new Newcomer(cluster, { seed: 1, flags: ["--node-id", "2"] });
    // The members' directories are in the log a moment after the first election.
    await waitFor(async () => (await cluster.status(1)).get("Commit Index") !== "0" ? true : undefined, {
      what: "a commit",
    });
    await endsWith(taking.start(), 1, /Cannot join: Node 2 is a member already/);
    assertEquals((await membersOf(cluster)).map(({ id }) => id), [0, 1, 2]);
    await cluster.kill(1);
    await using waiting = new Newcomer(cluster, { seed: 1 });
    assertMatch(await waiting.start().line("Waits for the cluster to join"), /cannot connect to/);
  }));

Deno.test("with --learner a node gets all data and no vote, also after a restart", () =>
  withCluster({}, async (cluster) => {
    const leader = await cluster.waitForLeader();
    assertEquals(await cluster.ask(leader, "PUT k here"), "k added successfully.");
    await using learner = new Newcomer(cluster, { seed: 2, flags: ["--learner"] });
    const process = learner.start();
    const id = await learner.isMember(false);
    await learner.reads("k", "here");
    await process.end("SIGTERM");
    const again = learner.start();
    await again.line(`node ${id} is ready`);
    await learner.reads("k", "here");
    assertEquals(await learner.isMember(false), id);
  }));
