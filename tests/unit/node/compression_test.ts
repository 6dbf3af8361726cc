/** Compressed snapshots in a cluster: from which level on, which codec, and what becomes of a member that cannot read one. */

import { assert, assertEquals, assertLess } from "@std/assert";
import { compressionFor } from "../../../lib/node/snapshots/compression.ts";
import { COMPRESSION_LEVEL } from "../../../lib/node/membership/level.ts";
import type { Configuration, NodeId } from "../../../lib/raft/types.ts";
import { type Compression, HAS_ZSTD } from "../../../lib/storage/block_codec.ts";
import { parseSnapshotName, readSnapshot, type SnapshotSummary } from "../../../lib/storage/snapshot_format.ts";
import { testWith, ZSTD } from "../../support/needs.ts";
import { MemoryCluster } from "../../support/memory/memory_cluster.ts";

const VALUE = "a value that is like the others ".repeat(10);
const BEST: Compression = HAS_ZSTD ? "zstd" : "deflate";

function started(seed: number, compression: Compression, snapshotEntries = 30): MemoryCluster {
  return new MemoryCluster(3, seed, { compression, snapshotEntries, raftLimits: { chunkBytesMax: 300 } });
}

async function fill(cluster: MemoryCluster, id: NodeId, count = 200): Promise<void> {
  for (let at = 0; at < count; at++) await cluster.put(id, `k${at % 50}`, `${VALUE}${at}`);
}

/** What the newest snapshot on the disk of a server says, read through. */
function newestOf(cluster: MemoryCluster, id: NodeId): SnapshotSummary {
  const { disk } = cluster.server(id);
  const names = [...disk.files().keys()].filter((path) =>
    parseSnapshotName(path.split("/").at(-1) ?? "") !== undefined
  );
  const path = names.sort().at(-1);
  assert(path !== undefined, `node ${id} has no snapshot`);
  const file = disk.open(path, "read");
  const blocks = readSnapshot(file);
  for (let step = blocks.next();; step = blocks.next()) {
    if (step.done !== true) continue;
    file.close();
    return step.value;
  }
}

Deno.test("what a file is compressed with: nothing below the level, and zstd only where every member reads it", () => {
  const members = [0, 1, 2].map((id) => ({ id, address: "", clientAddress: "", identity: "" }));
  const at = (level: number | undefined): Pick<Configuration, "level"> => level === undefined ? {} : { level };
  const cases: readonly [Compression, number | undefined, readonly NodeId[], Compression][] = [
    ["zstd", undefined, [0, 1, 2], "off"],
    ["zstd", COMPRESSION_LEVEL - 1, [0, 1, 2], "off"],
    ["deflate", COMPRESSION_LEVEL - 1, [0, 1, 2], "off"],
    ["zstd", COMPRESSION_LEVEL, [0, 1, 2], "zstd"],
    ["zstd", COMPRESSION_LEVEL + 1, [0, 1, 2, 3], "zstd"],
    ["zstd", COMPRESSION_LEVEL, [0, 1], "deflate"],
    ["zstd", COMPRESSION_LEVEL, [], "deflate"],
    ["deflate", COMPRESSION_LEVEL, [0, 1, 2], "deflate"],
    ["off", COMPRESSION_LEVEL, [0, 1, 2], "off"],
  ];
  for (const [wanted, level, reading, expected] of cases) {
    const facts = {
      wanted,
      included: at(level),
      inForce: { members },
      readsZstd: (id: NodeId) => reading.includes(id),
    };
    assertEquals(compressionFor(facts), expected, `${wanted} at ${level}, read by ${reading}`);
  }
});

Deno.test("snapshots are compressed once every member has a program that reads it, and a member is caught up by one", async () => {
  const cluster = started(51, "zstd");
  for (const server of cluster.servers) server.versions = { oldest: 6, newest: COMPRESSION_LEVEL - 1 };
  await cluster.start();
  const { id: first } = await cluster.leader();
  await fill(cluster, first);
  assertEquals(newestOf(cluster, first).compression, "off");
  for (const id of cluster.ids) {
    cluster.crash(id);
    cluster.server(id).versions = undefined;
    await cluster.start([id]);
    await cluster.leader();
  }
  const { id: leader } = await cluster.leader();
  await cluster.clock.until(() => cluster.node(leader).status().level === COMPRESSION_LEVEL, 20_000, "the level rises");
  const behind = cluster.ids.find((id) => id !== leader) ?? -1;
  await cluster.clock.advance(3_000);
  await fill(cluster, leader);
  const summary = newestOf(cluster, leader);
  assertEquals(summary.compression, BEST);
  assertLess(summary.bytes, summary.plainBytes / 3);
  cluster.server(behind).wipe();
  cluster.crash(behind);
  await cluster.start([behind], true);
  await cluster.converged();
  assertEquals(await cluster.get(behind, "k1"), { value: `${VALUE}151` });
  assertEquals(newestOf(cluster, behind).compression, BEST);
  await cluster.stop();
});

testWith(
  [ZSTD],
  "a member whose runtime reads no zstd is never sent it: the file is replaced by one that it reads",
  async () => {
    const cluster = started(52, "zstd");
    await cluster.start();
    const { id: leader } = await cluster.leader();
    await cluster.clock.until(
      () => cluster.node(leader).status().level === COMPRESSION_LEVEL,
      20_000,
      "the level rises",
    );
    await fill(cluster, leader, 40);
    const behind = cluster.ids.find((id) => id !== leader) ?? -1;
    cluster.crash(behind);
    await fill(cluster, leader);
    assertEquals(newestOf(cluster, leader).compression, "zstd");
    cluster.server(behind).readsZstd = false;
    let sent = 0;
    cluster.network.drop((message) => {
      if (
        message.type === "InstallSnapshot" && message.to === behind && message.offset === 0 && message.data.length > 0
      ) {
        sent += 1;
        // Behind the prefix is the text of the head.
        assert(!new TextDecoder().decode(message.data).includes('"compression":"zstd"'), "a chunk of a file with zstd");
      }
      return false;
    });
    await cluster.start([behind]);
    await cluster.converged();
    assert(sent > 0, "nothing was sent");
    assertEquals(await cluster.get(behind, "k1"), { value: `${VALUE}151` });
    assertEquals(newestOf(cluster, leader).compression, "deflate");
    const said = (text: string) => cluster.log.filter((line) => line.includes(text));
    assertEquals(said("Replaced the unreadable snapshot").length, 1);
    assertEquals(said("Cannot use the received snapshot"), []);
    // From now on all write what it reads.
    await fill(cluster, leader);
    for (const id of cluster.ids) assertEquals(newestOf(cluster, id).compression, "deflate", `node ${id}`);
    await cluster.stop();
  },
);

Deno.test("a snapshot that fits into memory only as it is compressed is refused before it counts", async () => {
  const cluster = started(53, "deflate");
  await cluster.start();
  const { id: leader } = await cluster.leader();
  await cluster.clock.until(() => cluster.node(leader).status().level === COMPRESSION_LEVEL, 20_000, "the level rises");
  const behind = cluster.ids.find((id) => id !== leader) ?? -1;
  cluster.crash(behind);
  await fill(cluster, leader);
  const { bytes, plainBytes } = newestOf(cluster, leader);
  assertLess(bytes * 2, plainBytes);
  const server = cluster.server(behind);
  const options = server.options.bind(server);
  server.options = () => ({ ...options(), memoryLimitBytes: bytes * 2 });
  const filesBefore = [...cluster.server(behind).disk.files().keys()].filter((path) => path.endsWith(".snap"));
  await cluster.start([behind]);
  const refused = () =>
    cluster.log.some((line) => line.startsWith(`${behind} `) && line.includes("Cannot use the received"));
  await cluster.clock.until(refused, 60_000, "the snapshot is refused");
  const files = [...cluster.server(behind).disk.files().keys()].filter((path) => path.endsWith(".snap"));
  assertEquals(files, filesBefore);
  await cluster.stop();
});
