/** All disks of a cluster full at once: reads go on, what is refused is never done, and writes resume with room. */

import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { MemberChangeOutcome, WriteOutcome } from "../../../lib/node/api.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const VALUE = "v".repeat(20_000);

/** Leaves no byte of room on the disks of these nodes. */
function fill(cluster: MemoryCluster, ids: readonly NodeId[]): void {
  for (const id of ids) {
    const { disk } = cluster.server(id);
    disk.capacityBytes = [...disk.files().values()].reduce((sum, { length }) => sum + length, 0);
  }
}

function makeRoom(cluster: MemoryCluster, ids: readonly NodeId[]): void {
  for (const id of ids) {
    const { disk } = cluster.server(id);
    disk.capacityBytes = Infinity;
  }
}

/** Writes through every node in turn, and what became of each. */
class Writes {
  readonly outcomes = new Map<string, WriteOutcome>();
  readonly #cluster: MemoryCluster;

  constructor(cluster: MemoryCluster) {
    this.#cluster = cluster;
  }

  async one(id: NodeId): Promise<WriteOutcome> {
    const key = `key${this.outcomes.size}`;
    let outcome: WriteOutcome | undefined;
    this.#cluster.node(id).submit({ type: "Put", key, value: VALUE }, (known) => outcome = known);
    await this.#cluster.clock.until(() => outcome !== undefined, 20_000, `the outcome of ${key} on node ${id}`);
    const known = outcome ?? { type: "Unknown" };
    this.outcomes.set(key, known);
    return known;
  }

  /**
   * Until something is not done, for want of room on the leader, or on a majority, which leaves it open; what fits into the
   * prepared parts of the logs is done before.
   */
  async untilNotDone(id: NodeId): Promise<WriteOutcome> {
    for (let count = 0; count < 100; count++) {
      const outcome = await this.one(id);
      if (outcome.type !== "Done") return outcome;
    }
    throw new Error(`Node ${id} still takes writes`);
  }

  /** On every node: what was acknowledged is there, and what was refused is not. */
  assertTrue(): void {
    for (const id of this.#cluster.nodes.keys()) {
      for (const [key, { type }] of this.outcomes) {
        const value = this.#cluster.node(id).state.get(key)?.value;
        if (type === "Done") assertEquals(value, VALUE, `${key} on node ${id}`);
        if (type === "NotDone") assertEquals(value, undefined, `${key} on node ${id}`);
      }
    }
  }

  count(type: WriteOutcome["type"]): number {
    return [...this.outcomes.values()].filter((outcome) => outcome.type === type).length;
  }
}

for (const seed of [31, 32]) {
  Deno.test(`all three disks full, again and again: reads go on, and writes resume through every node with room (${seed})`, async () => {
    const cluster = new MemoryCluster(3, seed, { requestTimeoutMs: 3_000, snapshotEntries: 60 });
    await cluster.start();
    const writes = new Writes(cluster);
    await cluster.put((await cluster.leader()).id, "seed", "1");
    for (let round = 0; round < 2; round++) {
      fill(cluster, cluster.ids);
      const { id: leader } = await cluster.leader();
      const outcome = await writes.untilNotDone(leader);
      // Later the disks are not equally full any more, and the leader's own may have room when the others have none.
      if (round === 0) assertEquals(outcome, { type: "NotDone", reason: "NoSpace", leaderId: leader });
      for (const id of cluster.ids) {
        assertEquals(await cluster.get(id, "seed"), { value: "1" });
        assertNotEquals((await writes.one(id)).type, "Done");
      }
      await cluster.clock.advance(10_000);
      assertEquals((await cluster.leader()).id, leader);
      makeRoom(cluster, cluster.ids);
      for (const id of cluster.ids) {
        const done = async (): Promise<boolean> => (await writes.one(id)).type === "Done";
        for (let count = 0; !await done(); count++) assert(count < 100, `node ${id} takes no writes again`);
      }
      await cluster.converged();
      writes.assertTrue();
    }
    assert(writes.count("Done") > 6 && writes.count("NotDone") >= 4);
    for (const id of cluster.ids) cluster.crash(id);
    await cluster.start();
    await cluster.leader();
    await cluster.converged();
    writes.assertTrue();
    await cluster.stop();
  });
}

Deno.test("room on two of three full disks is enough for writes, whichever of them leads, and the third catches up later", async () => {
  for (const seed of [34, 35]) {
    const cluster = new MemoryCluster(3, seed, { requestTimeoutMs: 3_000 });
    await cluster.start();
    const writes = new Writes(cluster);
    const { id: leader } = await cluster.leader();
    fill(cluster, cluster.ids);
    await writes.untilNotDone(leader);
    // The disk of the leader stays full in the first case, that of a follower in the second.
    const full = seed === 34 ? leader : (leader + 1) % 3;
    const roomy = cluster.ids.filter((id) => id !== full);
    makeRoom(cluster, roomy);
    if (full === leader) {
      cluster.node(leader).driver.enqueue({ type: "TransferLeadership", target: roomy[0] ?? -1 });
      await cluster.clock.until(() => cluster.node(roomy[0] ?? -1).status().raft.role === "Leader", 10_000, "it leads");
      await cluster.leader();
    }
    for (const id of roomy) {
      for (let count = 0; count < 40; count++) {
        assertEquals((await writes.one(id)).type, "Done", `node ${id}, ${count}`);
      }
    }
    const applied = (id: NodeId) => cluster.node(id).status().lastApplied;
    assert(applied(full) < Math.min(...roomy.map(applied)), "the disk that is still full holds its node back");
    makeRoom(cluster, [full]);
    await cluster.converged();
    writes.assertTrue();
    await cluster.stop();
  }
});

Deno.test("a leader without room for a change of the members says so and goes on; with room it is made", async () => {
  const cluster = new MemoryCluster(3, 35, { requestTimeoutMs: 3_000 });
  await cluster.start();
  const { id: leader } = await cluster.leader();
  assertEquals((await cluster.put(leader, "seed", "1")).type, "Done");
  await cluster.clock.advance(2_000);
  fill(cluster, [leader]);
  // Up to the last byte: a configuration is shorter than most values.
  for (let length = VALUE.length; length > 0; length = Math.floor(length / 2)) {
    for (let outcome = "Done"; outcome === "Done";) {
      outcome = (await cluster.put(leader, "k", "v".repeat(length))).type;
    }
  }
  const id = (leader + 1) % 3;
  const outcomes: MemberChangeOutcome[] = [];
  const remove = () => cluster.node(leader).changeMember({ type: "Remove", id }).then((known) => outcomes.push(known));
  remove();
  await cluster.clock.until(() => outcomes.length === 1, 20_000, "the change has ended");
  const reason = "the leader's disk is full: make room there";
  assertEquals(outcomes, [{ type: "Unsafe", reason, passing: true }]);
  assertEquals(cluster.node(leader).status().raft.configuration.voters, [0, 1, 2]);
  makeRoom(cluster, [leader]);
  remove();
  await cluster.clock.until(() => outcomes.length === 2, 20_000, "the second change has ended");
  assertEquals(outcomes[1], { type: "Done", id });
  await cluster.stop();
});
