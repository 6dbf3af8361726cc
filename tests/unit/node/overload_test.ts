/** More writes than a node takes at once: what it refuses is certainly not done, the rest is done, and then it takes new ones. */

import { assert, assertEquals } from "@std/assert";
import { type Command, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { PENDING_WRITE_BYTES_MAX, PENDING_WRITES_MAX } from "../../../lib/node/limits.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const LIMIT_MS = 60_000;
/** Writes beyond what is taken. */
const BEYOND = 500;
const SEGMENT_BYTES = 16_777_216;
/** Longest values that fill the room for writes that wait. */
const LONG_WRITES = PENDING_WRITE_BYTES_MAX / VALUE_BYTES_MAX;

type Kind = WriteOutcome["type"] | (WriteOutcome & { readonly type: "NotDone" })["reason"];

function set(key: string, value: string): Command {
  return { type: "Call", call: ["SET", key, value] };
}

/** Hands the writes over in one turn, before any can be done, and gives back what each of them came to. */
async function flood(cluster: MemoryCluster, id: NodeId, commands: readonly Command[]): Promise<readonly Kind[]> {
  const kinds: (Kind | undefined)[] = commands.map(() => undefined);
  let open = kinds.length;
  for (const [at, command] of commands.entries()) {
    cluster.node(id).submit(command, (outcome) => {
      if (kinds[at] !== undefined) throw new Error(`Write ${at} got a second outcome`);
      kinds[at] = outcome.type === "NotDone" ? outcome.reason : outcome.type;
      open -= 1;
    });
  }
  await cluster.clock.until(() => open === 0, LIMIT_MS, "every write has its outcome");
  return kinds.flatMap((kind) => kind ?? []);
}

function repeated(parts: readonly (readonly [count: number, kind: Kind])[]): readonly Kind[] {
  return parts.flatMap(([count, kind]) => new Array<Kind>(count).fill(kind));
}

/** Every node has applied all that is in its log, and holds these keys and no others. */
async function assertHoldExactly(cluster: MemoryCluster, keys: readonly string[]): Promise<void> {
  await cluster.converged();
  for (const id of cluster.ids) {
    const { state, driver } = cluster.node(id);
    assertEquals(driver.applied.id.index, cluster.node(id).status().raft.lastEntry.index);
    assertEquals(keys.filter((key) => state.get(key) === undefined), []);
    assertEquals(cluster.node(id).status().keys, keys.length);
  }
}

for (const place of ["leader", "follower"] as const) {
  Deno.test(`more writes at once than a ${place} takes: those it refuses are never done, all others are, and it takes new ones`, async () => {
    const cluster = new MemoryCluster(2, 51, { syncMs: () => 1, segmentBytes: SEGMENT_BYTES });
    await cluster.start();
    const leader = (await cluster.leader()).id;
    const id = place === "leader" ? leader : cluster.ids.find((other) => other !== leader) ?? -1;
    const keys = Array.from({ length: PENDING_WRITES_MAX + BEYOND }, (_, at) => `key${at}`);
    const kinds = await flood(cluster, id, keys.map((key) => set(key, "value")));
    assert(kinds.slice(0, PENDING_WRITES_MAX).every((kind) => kind === "Done"), "what is taken is done");
    assert(kinds.slice(PENDING_WRITES_MAX).every((kind) => kind === "Overloaded"), "what is beyond is refused");
    const after = Array.from({ length: BEYOND }, (_, at) => `after${at}`);
    assertEquals(await flood(cluster, id, after.map((key) => set(key, "value"))), repeated([[BEYOND, "Done"]]));
    await assertHoldExactly(cluster, [...keys.slice(0, PENDING_WRITES_MAX), ...after]);
    await cluster.stop();
  });
}

Deno.test("more bytes at once than a leader takes: what it refuses is never done, and the room comes back with every outcome", async () => {
  const cluster = new MemoryCluster(1, 52, { syncMs: () => 1, segmentBytes: SEGMENT_BYTES });
  await cluster.start();
  const { id } = await cluster.leader();
  const { disk } = cluster.server(id);
  const value = "v".repeat(VALUE_BYTES_MAX);
  const writesOf = (name: string) => Array.from({ length: LONG_WRITES + 2 }, (_, at) => set(`${name}${at}`, value));
  // Room for some of them, since to write all would take long: the others find the disk full.
  disk.capacityBytes = 3.5 * VALUE_BYTES_MAX;
  const first = await flood(cluster, id, writesOf("first"));
  const done = first.filter((kind) => kind === "Done").length;
  assert(done > 0 && done < 4, `${done} are done`);
  assertEquals(first, repeated([[done, "Done"], [LONG_WRITES - done, "NoSpace"], [2, "Overloaded"]]));
  const second = await flood(cluster, id, writesOf("second"));
  assertEquals(second, repeated([[LONG_WRITES, "NoSpace"], [2, "Overloaded"]]));
  disk.capacityBytes = Infinity;
  assertEquals(await flood(cluster, id, [set("after", value)]), ["Done"]);
  await assertHoldExactly(cluster, [...Array.from({ length: done }, (_, at) => `first${at}`), "after"]);
  await cluster.stop();
});

Deno.test("more bytes at once than wait on a node without a leader: the end of each gives its room back, and none is done", async () => {
  const cluster = new MemoryCluster(3, 53, { requestTimeoutMs: 2_000 });
  await cluster.start();
  const { id } = await cluster.leader();
  const others = cluster.ids.filter((other) => other !== id);
  for (const other of others) cluster.crash(other);
  await cluster.clock.until(() => cluster.node(id).status().raft.leaderId === undefined, LIMIT_MS, "it has no leader");
  const writes = Array.from({ length: LONG_WRITES + 2 }, (_, at) => set(`key${at}`, "v".repeat(VALUE_BYTES_MAX)));
  const expected = repeated([[LONG_WRITES, "NoLeader"], [2, "Overloaded"]]);
  for (let round = 0; round < 3; round++) assertEquals(await flood(cluster, id, writes), expected);
  await cluster.start(others);
  await cluster.leader();
  assertEquals(await flood(cluster, id, [set("after", "value")]), ["Done"]);
  await assertHoldExactly(cluster, ["after"]);
  await cluster.stop();
});
