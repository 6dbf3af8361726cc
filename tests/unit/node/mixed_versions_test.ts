/** Programs of two versions in one cluster: the way up node by node, the way back before the switch, and none after it (ADR 18). */

import { assertEquals, assertRejects } from "@std/assert";
import { FormatVersionError } from "../../../lib/base/errors.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { VersionRange } from "../../../lib/transport/versions.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

/** The program of before, and one that speaks the next version as well. */
const BEFORE: VersionRange = { oldest: 6, newest: 6 };
const NEXT: VersionRange = { oldest: 6, newest: 7 };

/** Long enough for any look at the membership, and for what follows. */
const SETTLED_MS = 5_000;

class MixedCluster extends MemoryCluster {
  /** Stops a node in order and starts it with another program. Rejects with what keeps it from starting. */
  async replace(id: NodeId, versions: VersionRange): Promise<void> {
    const server = this.server(id);
    server.stop();
    await this.clock.until(() => server.state === "Down", 20_000, `node ${id} stops`);
    server.versions = versions;
    await this.start([id]);
  }

  /** The same, and waits for a leader. */
  async install(id: NodeId, versions: VersionRange): Promise<void> {
    await this.replace(id, versions);
    await this.leader();
  }

  /** The level by each running node's log, once there was time for a switch. */
  async levels(): Promise<readonly number[]> {
    await this.clock.advance(SETTLED_MS);
    await this.converged();
    return [...this.nodes.values()].map((node) => node.status().level);
  }

  async write(key: string): Promise<void> {
    assertEquals((await this.put((await this.leader()).id, key, "v")).type, "Done");
  }
}

async function startBefore(seed: number, count = 3): Promise<MixedCluster> {
  const cluster = new MixedCluster(count, seed);
  for (const server of cluster.servers) server.versions = BEFORE;
  await cluster.start();
  await cluster.leader();
  return cluster;
}

Deno.test("what is new is on when the last node can, and not before; a node goes back to the program of before until then", async () => {
  const cluster = await startBefore(1);
  for (const id of [0, 1]) {
    await cluster.install(id, NEXT);
    await cluster.write(`with ${id + 1} of 3`);
    assertEquals(await cluster.levels(), [6, 6, 6]);
  }
  await cluster.install(1, BEFORE);
  await cluster.write("after the way back");
  assertEquals(await cluster.levels(), [6, 6, 6]);
  await cluster.install(1, NEXT);
  await cluster.install(2, NEXT);
  assertEquals(await cluster.levels(), [7, 7, 7]);
  await cluster.write("at the new level");
  const views = cluster.node(0).members().map(({ versions }) => versions);
  assertEquals(views, [NEXT, NEXT, NEXT]);
  await cluster.stop();
});

Deno.test("after the switch the program of before refuses its directory, from log and from snapshot, and the new one goes on", async () => {
  const cluster = await startBefore(2);
  for (const id of cluster.ids) await cluster.install(id, NEXT);
  assertEquals(await cluster.levels(), [7, 7, 7]);
  await cluster.write("k");
  for (const withSnapshot of [false, true]) {
    if (withSnapshot) assertEquals((await cluster.node(2).takeSnapshot()).type, "Created");
    const files = () => cluster.server(2).disk.files();
    const part = withSnapshot ? /\.snap: .* configuration in it is 7/ : /configuration at index \d+ is 7/;
    const error = await assertRejects(() => cluster.install(2, BEFORE), FormatVersionError);
    assertEquals([part.test(error.message), error.version, error.known], [true, 7, 6], error.message);
    const before = files();
    await assertRejects(() => cluster.start([2]), FormatVersionError);
    assertEquals(files(), before);
    cluster.server(2).versions = NEXT;
    await cluster.start([2]);
    await cluster.leader();
    assertEquals(await cluster.levels(), [7, 7, 7]);
  }
  await cluster.stop();
});

Deno.test("a node that went back after it was asked is left by all when the switch comes, and comes in once it is upgraded", async () => {
  const cluster = await startBefore(6);
  const last = (await cluster.leader()).id;
  const [leader = -1, back = -1] = cluster.ids.filter((id) => id !== last);
  for (const id of [leader, back]) await cluster.install(id, NEXT);
  cluster.node(last).transferLeadership(leader);
  await cluster.clock.until(
    () => cluster.node(leader).status().raft.termCommitted,
    20_000,
    "the leader has its office",
  );
  // The leader has heard it with the new program, and does not see it go back: the third does.
  cluster.network.cut(leader, back);
  await cluster.replace(back, BEFORE);
  await cluster.replace(last, NEXT);
  await cluster.clock.until(() => cluster.node(last).status().level === 7, 20_000, "the switch");
  await cluster.clock.advance(SETTLED_MS);
  assertEquals(cluster.node(back).status().level, 6);
  assertEquals(cluster.network.isUp(last, back), false);
  cluster.network.heal(leader, back);
  await cluster.clock.advance(SETTLED_MS);
  assertEquals([cluster.network.isUp(leader, back), cluster.node(back).status().level], [false, 6]);
  await cluster.install(back, NEXT);
  assertEquals(await cluster.levels(), [7, 7, 7]);
  await cluster.stop();
});

Deno.test("a program of before with a new directory is refused by all after the switch, says so, and is admitted once it is upgraded", async () => {
  const cluster = await startBefore(3);
  for (const id of [0, 1]) await cluster.install(id, NEXT);
  await cluster.install(2, NEXT);
  await cluster.clock.until(() => cluster.node(0).status().level === 7, 20_000, "the switch");
  cluster.crash(2);
  cluster.server(2).wipe();
  cluster.server(2).versions = BEFORE;
  await cluster.start([2], true);
  await cluster.clock.advance(SETTLED_MS);
  assertEquals(cluster.node(2).status().lastApplied, 0);
  const refusal = "Node 2 speaks protocol version 6, and version 7 is on in this cluster: upgrade node 2";
  assertEquals(cluster.node(2).status().peers.map(({ problem }) => problem), [refusal, refusal]);
  cluster.crash(2);
  cluster.server(2).versions = NEXT;
  await cluster.start([2], true);
  assertEquals(await cluster.levels(), [7, 7, 7]);
  await cluster.stop();
});

Deno.test("a member that is down holds the switch back while nobody has heard it with a program that can", async () => {
  const cluster = await startBefore(4);
  for (const id of [0, 1]) await cluster.install(id, NEXT);
  cluster.crash(2);
  await cluster.write("without node 2");
  await cluster.clock.advance(SETTLED_MS);
  for (const id of [0, 1]) assertEquals(cluster.node(id).status().level, 6);
  await cluster.stop();
});

Deno.test("one node alone switches by itself, and its directory is its own proof", async () => {
  const cluster = await startBefore(5, 1);
  await cluster.install(0, BEFORE);
  assertEquals(await cluster.levels(), [6]);
  await cluster.install(0, NEXT);
  assertEquals(await cluster.levels(), [7]);
  await assertRejects(() => cluster.install(0, BEFORE), FormatVersionError);
});
