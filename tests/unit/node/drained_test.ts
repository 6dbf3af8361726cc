/** Drained servers: they vote, they do not lead, and they keep no cluster without a leader. */

import { assert, assertEquals } from "@std/assert";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

async function settled(seed: number, count = 3): Promise<{ readonly cluster: MemoryCluster; readonly leader: NodeId }> {
  const cluster = new MemoryCluster(count, seed);
  await cluster.start();
  const { id: leader } = await cluster.leader();
  // The directories of the members are recorded first.
  await cluster.clock.advance(2_000);
  return { cluster, leader };
}

/** Has the leader drain those servers, and no others, and waits until that is committed. */
async function drain(cluster: MemoryCluster, drained: readonly NodeId[]): Promise<void> {
  const leader = await cluster.leader();
  const { members, voters, learners } = leader.status().raft.configuration;
  leader.driver.enqueue({ type: "ChangeMembership", id: 0, members, voters, learners, drained });
  const wanted = drained.length === 0 ? undefined : drained;
  await cluster.clock.until(
    () => {
      const { configuration } = leader.status().raft;
      return String(configuration.drained) === String(wanted);
    },
    5_000,
    "it is in force",
  );
  await cluster.clock.advance(200);
}

function leads(cluster: MemoryCluster, id: NodeId): boolean {
  return cluster.nodes.get(id)?.status().raft.role === "Leader";
}

Deno.test("a leader that is drained hands over at once, and is not elected again when its successors die", async () => {
  for (let seed = 70; seed < 76; seed++) {
    const { cluster, leader } = await settled(seed, 5);
    await drain(cluster, [leader]);
    await cluster.clock.until(() => !leads(cluster, leader), 1_000, "it hands over");
    for (let round = 0; round < 3; round++) {
      const { id } = await cluster.leader();
      assert(id !== leader, `seed ${seed}: the drained one leads`);
      cluster.crash(id);
      await cluster.clock.until(
        () => {
          assert(!leads(cluster, leader), `seed ${seed}: the drained one was elected`);
          return [...cluster.nodes.values()].some((node) => node.status().raft.role === "Leader");
        },
        10_000,
        "another one leads",
      );
      await cluster.start([id]);
      await cluster.leader();
      await cluster.clock.advance(1_000);
    }
    await cluster.stop();
  }
});

Deno.test("that it is drained is kept through restarts of all, and ends with an undrain", async () => {
  const { cluster, leader } = await settled(77);
  await drain(cluster, [leader]);
  await cluster.leader();
  for (const { id } of cluster.servers) cluster.crash(id);
  await cluster.start();
  const next = await cluster.leader();
  assert(next.id !== leader, "the drained one leads after a restart");
  await drain(cluster, []);
  next.transferLeadership(leader);
  await cluster.clock.until(() => leads(cluster, leader), 5_000, "it leads again when asked");
  await cluster.clock.advance(5_000);
  assert(leads(cluster, leader), "it goes on leading");
  await cluster.stop();
});

Deno.test("where only the drained server has what was acknowledged it leads, loses nothing, and hands over", async () => {
  for (let seed = 80; seed < 84; seed++) {
    const { cluster, leader } = await settled(seed);
    const [drained = -1, behind = -1] = cluster.ids.filter((id) => id !== leader);
    await drain(cluster, [drained]);
    cluster.network.drop(({ to, from }) => to === behind || from === behind);
    assertEquals((await cluster.put(leader, "k", "acknowledged")).type, "Done");
    cluster.crash(leader);
    cluster.network.drop(undefined);
    await cluster.clock.until(() => leads(cluster, drained), 10_000, `seed ${seed}: the drained one helps out`);
    await cluster.clock.until(() => leads(cluster, behind), 10_000, `seed ${seed}: and hands over`);
    assertEquals(await cluster.get(behind, "k"), { value: "acknowledged" });
    await cluster.stop();
  }
});

Deno.test("a cluster whose servers are all drained has a leader all the same", async () => {
  const { cluster } = await settled(85);
  await drain(cluster, [0, 1, 2]);
  const { id } = await cluster.leader();
  cluster.crash(id);
  const next = await cluster.leader();
  assertEquals((await cluster.put(next.id, "k", "v")).type, "Done");
  await cluster.stop();
});
