/** The smallest cases of what the enumeration has found. */

import { Run } from "../../lib/raft/run.ts";
import { assert, assertEquals } from "@std/assert";
import { CorruptionError } from "../../lib/base/errors.ts";
import { toIndex } from "../../lib/raft/types.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { durableCopy, failure, FIRST_SEGMENT, id, MARK, ONE, open } from "../unit/storage/support.ts";
import { replaceSector, writeLog } from "./damage.ts";
import { entriesOf } from "./session.ts";
import { entriesIn } from "../support/runs.ts";
import { stringToBytes } from "../../lib/base/bytes.ts";

Deno.test("a snapshot found after a kill stays when power fails, since the log is compacted by it", async () => {
  const disk = new MemoryDisk();
  const killed = await open(disk, { segmentBytes: 1_024 });
  await killed.saveHardState({ currentTerm: id(0, 1).term, votedFor: 0 });
  for (let index = 1; index <= 20; index++) killed.append(Run.of(entriesOf(index, 1, 1, 100)));
  await killed.sync();
  const writer = killed.createSnapshot(id(15, 1), ONE);
  writer.write(stringToBytes("state"));
  const renamed = Promise.withResolvers<MemoryDisk>();
  disk.hooks.afterCall = (operation, path) => {
    if (operation === "Rename" && path.endsWith(".snap")) renamed.resolve(disk);
  };
  // The process ends between the rename and the sync of the directory, which never comes back.
  disk.hooks.delaySync = (path) => path.endsWith("/snapshots") ? new Promise<never>(() => {}) : Promise.resolve();
  writer.finish().catch(() => {});
  await renamed.promise;
  disk.hooks.delaySync = undefined;
  disk.releaseLocks();

  const second = await open(disk, { segmentBytes: 1_024 });
  assertEquals(second.recovered.snapshot?.lastIncluded, id(15, 1));
  await second.compact(toIndex(15));
  const third = await open(disk.crash(), { segmentBytes: 1_024 });
  assertEquals(third.recovered.snapshot?.lastIncluded, id(15, 1));
  assertEquals(entriesIn(third.recovered.runs).at(-1)?.index, toIndex(20));
});

Deno.test("compaction leaves a durable segment in front of one that was never synced", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk, { segmentBytes: 1_024 });
  await storage.saveHardState({ currentTerm: id(0, 1).term, votedFor: 0 });
  storage.append(Run.of(entriesOf(1, 1, 2, 300)));
  await storage.sync();
  storage.append(Run.of(entriesOf(3, 1, 2, 300))); // In the next segment; its name becomes durable with the removal.
  const writer = storage.createSnapshot(id(4, 1), ONE);
  writer.write(stringToBytes("state"));
  await writer.finish();
  await storage.compact(toIndex(4));
  const { recovered } = await open(disk.crash(), { segmentBytes: 1_024 });
  assertEquals([recovered.snapshot?.lastIncluded, entriesIn(recovered.runs)], [id(4, 1), []]);
});

Deno.test("a segment whose header is damaged is named, also when it is the first, and the node has a term", async () => {
  const log = await writeLog({ segmentBytes: 2_048, synced: 3, unsynced: 0, bytes: 100 });
  const image = log.disk.crash();
  image.damage(FIRST_SEGMENT, (bytes) => bytes[20] = 77);
  assertEquals((await failure(CorruptionError, () => open(image))).file, FIRST_SEGMENT);
  image.remove(MARK);
  assertEquals((await failure(CorruptionError, () => open(durableCopy(image)))).file, FIRST_SEGMENT);
});

Deno.test("a later segment of which only the end can be read is named, not the one before it", async () => {
  const log = await writeLog({ segmentBytes: 1_024, synced: 6, unsynced: 0, bytes: 360 });
  const paths = Array.from(log.files.keys()).filter((path) => path.endsWith(".wal"));
  const path = paths.at(-1) ?? "";
  assert(paths.length > 2);
  const image = log.disk.crash();
  // The header of the segment and that of its first record are in the same sector.
  replaceSector(image, { path, sector: 0 }, new Uint8Array(512));
  image.damage(path, (bytes) => bytes.fill(0x61, 512, 700));
  assertEquals((await failure(CorruptionError, () => open(image))).file, path);
});
