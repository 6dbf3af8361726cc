/** A cluster whose disks become short of room: what adds is refused before the disk is full, so that the log can still be compacted. */

import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import type { Command } from "../../../lib/kv/commands.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const LIMIT_MS = 60_000;
const MIB = 2 ** 20;
const CAPACITY = 24 * MIB;
const VALUE = "v".repeat(20_000);
/** Writes under way at once, and batches that would take several times the disk. */
const AT_ONCE = 20;
const BATCHES = Math.ceil(3 * CAPACITY / VALUE.length / AT_ONCE);

class ShortCluster extends MemoryCluster {
  constructor(seed: number) {
    super(3, seed, { snapshotEntries: 100_000, snapshotBytes: 4 * MIB, memoryLimitBytes: 512 * MIB });
    for (const { disk } of this.servers) this.bound(disk);
  }

  bound(disk: MemoryCluster["servers"][number]["disk"]): void {
    disk.capacityBytes = CAPACITY;
    disk.tellsSpace = true;
  }

  usedBytes(id: NodeId): number {
    return [...this.server(id).disk.files().values()].reduce((sum, { length }) => sum + length, 0);
  }

  async submit(id: NodeId, commands: readonly Command[]): Promise<readonly string[]> {
    const kinds = new Map<number, string>();
    for (const [at, command] of commands.entries()) {
      this.node(id).submit(command, (outcome) => {
        kinds.set(at, outcome.type === "NotDone" ? outcome.reason : outcome.type);
      });
    }
    await this.clock.until(() => kinds.size === commands.length, LIMIT_MS, "every command has its outcome");
    return commands.map((_, at) => kinds.get(at) ?? "");
  }

  /** Fills it by way of that node; the keys that were taken. */
  async fill(id: NodeId): Promise<{ readonly done: readonly string[]; readonly refused: readonly string[] }> {
    const [done, refused]: [string[], string[]] = [[], []];
    for (let batch = 0; batch < BATCHES; batch++) {
      const keys = Array.from({ length: AT_ONCE }, (_, at) => `key${batch * AT_ONCE + at}`);
      const kinds = await this.submit(id, keys.map((key): Command => ({ type: "Put", key, value: VALUE })));
      for (const [at, kind] of kinds.entries()) {
        assert(kind === "Done" || kind === "NoSpace", kind);
        (kind === "Done" ? done : refused).push(keys[at] ?? "");
      }
    }
    return { done, refused };
  }

  /** On every node: what was taken is there, and nothing that was refused. */
  assertHolds({ done, refused }: { readonly done: readonly string[]; readonly refused: readonly string[] }): void {
    for (const [id, node] of this.nodes) {
      for (const key of done) assertEquals(node.state.get(key)?.value, VALUE, `${key} on node ${id}`);
      for (const key of refused) assertEquals(node.state.get(key), undefined, `${key} on node ${id}`);
    }
  }
}

/** Fills a cluster by way of that node, makes room in it, and starts it again. */
async function fillAndRestart(place: "leader" | "follower"): Promise<void> {
  const cluster = new ShortCluster(place === "leader" ? 91 : 92);
  await cluster.start();
  const leader = await cluster.leader();
  const id = place === "leader" ? leader.id : cluster.ids.find((other) => other !== leader.id) ?? -1;
  const { done, refused } = await cluster.fill(id);
  assertGreater(done.length * VALUE.length, CAPACITY / 10);
  assertGreater(refused.length, 0);
  await cluster.converged();
  cluster.assertHolds({ done, refused });
  assert(
    cluster.log.some((line) => line.includes(`${leader.id} error`) && line.includes("writes that add are refused")),
  );
  // Every node can still be compacted, as often as one likes, and so its log is short.
  for (const [other, node] of cluster.nodes) {
    assertLess(cluster.usedBytes(other), CAPACITY, `node ${other}`);
    const outcome = await Promise.race([node.takeSnapshot(), cluster.clock.advance(5_000).then(() => undefined)]);
    assert(outcome !== undefined && outcome.type !== "Failed", `node ${other}: ${JSON.stringify(outcome)}`);
    assertLess(node.status().storage.walBytes, CAPACITY / 2, `node ${other}`);
  }
  // What reads and removes goes on; with enough of it what adds does too.
  assertEquals(await cluster.get(id, done[0] ?? ""), { value: VALUE });
  const removed = done.slice(0, Math.floor(done.length / 2));
  const gone = await cluster.submit(id, removed.map((key): Command => ({ type: "Delete", key })));
  assertEquals(new Set(gone), new Set(["Done"]));
  let again = "";
  await cluster.clock.advance(1_000);
  for (let tries = 0; tries < 20 && again !== "Done"; tries++) {
    [again = ""] = await cluster.submit(id, [{ type: "Put", key: "again", value: VALUE }]);
    await cluster.clock.advance(500);
  }
  assertEquals(again, "Done");
  await cluster.converged();
  const left = { done: [...done.slice(removed.length), "again"], refused: [...refused, ...removed] };
  cluster.assertHolds(left);
  for (const other of cluster.ids) {
    cluster.crash(other);
    cluster.bound(cluster.server(other).disk);
  }
  await cluster.start();
  await cluster.leader();
  await cluster.converged();
  cluster.assertHolds(left);
  await cluster.stop();
}

Deno.test("disks that writes by way of the leader fill keep room for a snapshot: nothing taken is lost, deletes make room, and writes go on", () =>
  fillAndRestart("leader"));

Deno.test("disks that writes by way of a follower fill keep room for a snapshot: nothing taken is lost, deletes make room, and writes go on", () =>
  fillAndRestart("follower"));

Deno.test("another program that takes the disk ends writes that add until it gives it back, without a restart", async () => {
  const cluster = new ShortCluster(93);
  await cluster.start();
  const { id } = await cluster.leader();
  const put = async () => (await cluster.submit(id, [{ type: "Put", key: "k", value: VALUE }]))[0];
  assertEquals(await put(), "Done");
  const { disk } = cluster.server(id);
  disk.capacityBytes = cluster.usedBytes(id) + 20_000;
  await cluster.clock.advance(1_000);
  assertEquals([await put(), (await cluster.submit(id, [{ type: "Delete", key: "none" }]))[0]], ["NoSpace", "Done"]);
  disk.capacityBytes = CAPACITY;
  await cluster.clock.advance(1_000);
  assertEquals(await put(), "Done");
  await cluster.stop();
});

Deno.test("a follower with less room than its leader takes no more than leaves room for snapshots, and catches up with more room", async () => {
  const cluster = new ShortCluster(94);
  await cluster.start();
  const leader = await cluster.leader();
  const small = cluster.ids.find((id) => id !== leader.id) ?? -1;
  for (const { id, disk } of cluster.servers) if (id !== small) disk.capacityBytes = 8 * CAPACITY;
  for (let batch = 0; batch < BATCHES; batch++) {
    const keys = Array.from({ length: AT_ONCE }, (_, at) => `key${batch * AT_ONCE + at}`);
    await cluster.submit(leader.id, keys.map((key): Command => ({ type: "Put", key, value: VALUE })));
  }
  await cluster.clock.advance(2_000);
  const follower = cluster.node(small);
  assertLess(follower.status().lastApplied, leader.status().lastApplied);
  assertEquals([follower.health().hasSpace, leader.health().hasSpace], [false, true]);
  // Nothing is due now, and still each can be compacted, which is what the room is for.
  const outcome = await Promise.race([follower.takeSnapshot(), cluster.clock.advance(5_000).then(() => undefined)]);
  assertEquals(outcome?.type, "Created", JSON.stringify(outcome));
  cluster.server(small).disk.capacityBytes = 8 * CAPACITY;
  await cluster.converged();
  assertEquals(follower.state.size, leader.state.size);
  assertEquals(follower.health().hasSpace, true);
  await cluster.stop();
});
