/** Snapshots: written, received, verified, kept and removed, and how they meet the log at the next start. */

import { Run } from "../../../lib/raft/run.ts";
import { assert, assertEquals, assertGreater, assertNotEquals, assertStringIncludes } from "@std/assert";
import { CorruptionError, DiskFailureError, FormatVersionError, NoSpaceError } from "../../../lib/base/errors.ts";
import { toIndex } from "../../../lib/raft/types.ts";
import { seal, viewOf } from "../../../lib/storage/binary.ts";
import type { Disk } from "../../../lib/storage/disk.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import type { SnapshotReceiver, SnapshotSource, Storage } from "../../../lib/storage/storage.ts";
import { BLOCK_HEADER_BYTES, SNAPSHOT_VERSION } from "../../../lib/storage/snapshot_format.ts";
import {
  bytesOf,
  durableCopy,
  entries,
  failure,
  FIRST_SEGMENT,
  flip,
  id,
  idsOf,
  makeSnapshot,
  ONE,
  open,
  patch,
  pathOf,
  SNAPSHOTS,
  textsOf,
  write,
} from "./support.ts";
import { entriesIn } from "../../support/runs.ts";
import { stringToBytes } from "../../../lib/base/bytes.ts";

const LOG = FIRST_SEGMENT.slice(0, FIRST_SEGMENT.lastIndexOf("/"));

function newest(storage: Storage): SnapshotSource {
  const source = storage.openSnapshot();
  assert(source !== undefined);
  return source;
}

/** Hands a file to a receiver in chunks. */
function feed(receiver: SnapshotReceiver, bytes: Uint8Array): void {
  for (let offset = 0; offset < bytes.length; offset += 50) receiver.write(offset, bytes.slice(offset, offset + 50));
}

async function install(storage: Storage, index: number, term: number): Promise<void> {
  const receiver = storage.receiveSnapshot(id(index, term), ONE);
  feed(receiver, await bytesOf(index, term));
  assertEquals((await receiver.finish()).lastIncluded, id(index, term));
}

Deno.test("a snapshot gives its blocks back, and its bytes are the same on every node", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, 7, 2);
  const source = newest(storage);
  assertEquals(textsOf(source), ["state at 7", "second block \xff\x00"]);
  const bytes = disk.contents(pathOf(7, 2)) ?? new Uint8Array(0);
  const form = { bytes: bytes.length, plainBytes: 25, compression: "off" as const };
  assertEquals(source.description, { lastIncluded: id(7, 2), configuration: ONE, ...form });
  assertEquals(source.readChunk(0, 1_000_000), bytes);
  assertEquals(source.readChunk(30, 10), bytes.slice(30, 40));
  assertEquals(source.readChunk(bytes.length, 10).length, 0);
  const other = new MemoryDisk();
  await makeSnapshot(await open(other, { nodeId: 1, makeIdentity: () => "another" }), 7, 2);
  assertEquals(other.contents(pathOf(7, 2)), bytes);
});

Deno.test("large blocks and many blocks come back, with pauses while they are verified", async () => {
  const disk = new MemoryDisk();
  let pauses = 0;
  const pause = () => Promise.resolve(void (pauses += 1));
  const storage = await open(disk, { pause });
  const writer = storage.createSnapshot(id(9, 1), ONE);
  const blocks = Array.from(
    { length: 40 },
    (_, at) => String.fromCharCode(at + 200).repeat(at === 7 ? 3_000_000 : 300_000),
  );
  for (const block of blocks) writer.write(stringToBytes(block));
  await writer.finish();
  assertGreater(pauses, 2);
  const found = textsOf(newest(storage));
  assert(found.length === 40 && found.every((block, at) => block === blocks[at]));
});

Deno.test("the newest two snapshots are kept, and an open source outlives its file", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, 1, 1);
  const source = newest(storage);
  for (const index of [2, 3, 4]) await makeSnapshot(storage, index, 1);
  assertEquals(disk.list(SNAPSHOTS).map((name) => `${SNAPSHOTS}/${name}`), [pathOf(3, 1), pathOf(4, 1)]);
  const bytes = disk.contents(pathOf(3, 1))?.length ?? 0;
  assertEquals(storage.sizes(), { ...storage.sizes(), snapshots: 2, snapshotBytes: 2 * bytes });
  assertEquals(textsOf(source)[0], "state at 1");
});

Deno.test("a snapshot that is not finished leaves nothing behind", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const writer = storage.createSnapshot(id(1, 1), ONE);
  writer.write(new Uint8Array(500_000).fill(1));
  const receiver = storage.receiveSnapshot(id(2, 1), ONE);
  receiver.write(0, new Uint8Array(10));
  assertEquals(disk.list(SNAPSHOTS).length, 2);
  const image = durableCopy(disk);
  writer.abort();
  const next = storage.receiveSnapshot(id(3, 1), ONE); // Aborts the one before.
  assertEquals(disk.list(SNAPSHOTS), []);
  next.write(0, new Uint8Array(10));
  await storage.close();
  assertEquals(disk.list(SNAPSHOTS), []);
  assertEquals((await open(image)).recovered.snapshot, undefined);
  assertEquals(image.list(SNAPSHOTS), []);
});

Deno.test("a full disk refuses a snapshot, and everything else goes on", async () => {
  const disk = new MemoryDisk({ capacityBytes: 100_000 });
  const storage = await open(disk);
  assert(storage.reserve(100, 1));
  const writer = storage.createSnapshot(id(1, 1), ONE);
  await failure(NoSpaceError, () => {
    for (let block = 0; block < 10; block++) writer.write(new Uint8Array(200_000).fill(1));
  });
  writer.abort();
  const small = storage.createSnapshot(id(1, 1), ONE);
  small.write(new Uint8Array(100_000).fill(1));
  await failure(NoSpaceError, () => small.finish());
  assertEquals(disk.list(SNAPSHOTS), []);
  await write(storage, entries(1, 1));
  await makeSnapshot(storage, 1, 1);
});

Deno.test("a failed sync of a snapshot is final", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  disk.hooks.failSync = (path) => path.includes("create-");
  await failure(DiskFailureError, () => makeSnapshot(storage, 1, 1));
  await failure(DiskFailureError, () => storage.append(Run.of(entries(1, 1))));
  assertEquals(storage.openSnapshot(), undefined);
});

Deno.test("what does not come back as it was written gets no name", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, 1, 1);
  disk.hooks.afterCall = (operation, path) => {
    if (operation === "startSync" && path.includes("create-")) flip(disk as Disk, path, 3_000);
  };
  await failure(CorruptionError, () => makeSnapshot(storage, 2, 1));
  assertEquals(newest(storage).description.lastIncluded, id(1, 1));
  assertEquals(disk.list(SNAPSHOTS).length, 1);
});

Deno.test("a received snapshot is verified before it counts", async (t) => {
  const bytes = await bytesOf(9, 2);
  const cases: { name: string; change: (copy: Uint8Array) => Uint8Array; at?: number }[] = [
    { name: "cut short", change: (copy) => copy.slice(0, -1) },
    { name: "empty", change: () => new Uint8Array(0) },
    { name: "longer", change: (copy) => Uint8Array.from([...copy, 0]) },
    { name: "a block left out", change: (copy) => Uint8Array.from([...copy.slice(0, -55), ...copy.slice(-32)]) },
    { name: "another index", change: (copy) => copy, at: 10 },
  ];
  for (const { name, change, at } of cases) {
    await t.step(name, async () => {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      const receiver = storage.receiveSnapshot(id(at ?? 9, 2), ONE);
      feed(receiver, change(bytes.slice()));
      await failure(CorruptionError, () => receiver.finish());
      assertEquals(disk.list(SNAPSHOTS), []);
      await install(storage, 9, 2); // The next try is free to succeed.
      assertEquals(newest(storage).description.bytes, bytes.length);
    });
  }
});

Deno.test("every bit flip and every cut of a snapshot is noticed", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, 5, 1);
  await storage.close();
  const path = pathOf(5, 1);
  const length = disk.contents(path)?.length ?? 0;
  for (let bit = 0; bit < length * 8; bit++) {
    const image = disk.crash();
    flip(image, path, bit);
    assertEquals((await failure(CorruptionError, () => open(image))).file, path, `bit ${bit}`);
  }
  for (let size = 0; size < length; size++) {
    const image = disk.crash();
    const file = image.open(path, "write");
    file.truncate(size);
    const before = image.files();
    assertEquals((await failure(CorruptionError, () => open(image))).file, path, `cut at ${size}`);
    assertEquals(image.files(), before);
  }
});

Deno.test("a snapshot of a newer format is refused in one line", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await makeSnapshot(storage, 5, 1);
  await storage.close();
  const bytes = disk.contents(pathOf(5, 1)) ?? new Uint8Array(0);
  const head = bytes.slice(0, 16 + viewOf(bytes).getUint32(12, true) + 4);
  viewOf(head).setUint32(8, SNAPSHOT_VERSION + 1, true);
  seal(head);
  patch(disk, pathOf(5, 1), { offset: 0, bytes: head });
  const error = await failure(FormatVersionError, () => open(disk));
  assert(error.message.includes(`format version is ${SNAPSHOT_VERSION + 1}`));
});

Deno.test("one made here and one received may run together; the higher index is the newest", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1, 10));
  const writer = storage.createSnapshot(id(5, 1), ONE);
  const receiver = storage.receiveSnapshot(id(50, 3), ONE);
  writer.write(stringToBytes("state at 5"));
  feed(receiver, await bytesOf(50, 3));
  await Promise.all([receiver.finish(), writer.finish()]);
  assertEquals(newest(storage).description.lastIncluded, id(50, 3));
  await storage.close();
  const again = await open(disk);
  assertEquals(again.recovered.snapshot?.lastIncluded, id(50, 3));
  assertEquals(entriesIn(again.recovered.runs), []);
});

Deno.test("the log is recovered from behind the snapshot on", async (t) => {
  const cases = [
    { name: "inside the log", log: entries(1, 1, 9), at: id(4, 1), expected: "5/1 6/1 7/1 8/1 9/1" },
    { name: "at its end", log: entries(1, 1, 9), at: id(9, 1), expected: "" },
    { name: "beyond its end", log: entries(1, 1, 9), at: id(20, 2), expected: "" },
    { name: "contradicted by it: all of it goes", log: entries(1, 1, 9), at: id(4, 2), expected: "" },
  ];
  for (const { name, log, at, expected } of cases) {
    await t.step(name, async () => {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      await write(storage, log);
      await install(storage, at.index, at.term);
      await storage.close();
      const again = await open(disk);
      assertEquals(again.recovered.snapshot?.lastIncluded, at);
      assertEquals(idsOf(entriesIn(again.recovered.runs)), expected);
      const next = at.index + 1 + entriesIn(again.recovered.runs).length;
      await write(again, entries(next, 5, 2));
      await write(again, entries(next + 2, 6, 1));
      await again.close();
      const added = `${next}/5 ${next + 1}/5 ${next + 2}/6`;
      assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), `${expected} ${added}`.trim());
    });
  }
});

Deno.test("a snapshot that contradicts the log replaces it, also when compaction left only what begins behind it", async () => {
  for (const [own, given] of [[1, 2], [2, 1]] as const) {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index <= 200; index++) await write(storage, entries(index, own));
    const last = disk.list(LOG).filter((name) => name.endsWith(".wal")).sort().at(-1) ?? "";
    const at = Number(last.slice(0, 20)) - 1;
    await install(storage, at, given);
    await storage.compact(toIndex(at));
    assertEquals(disk.list(LOG).filter((name) => name.endsWith(".wal")), [last]);
    await storage.close();
    const again = await open(disk);
    assertEquals(entriesIn(again.recovered.runs), []);
    await write(again, entries(at + 1, 5, 2));
    await again.close();
    assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), `${at + 1}/5 ${at + 2}/5`);
  }
});

Deno.test("after a snapshot replaced the log, what follows it is kept, also when the old log contradicts it", async () => {
  for (const log of [entries(1, 1, 30), entries(1, 1, 3), []]) {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    if (log.length > 0) await write(storage, log);
    await install(storage, 20, 4);
    await write(storage, entries(21, 4, 3));
    await write(storage, entries(23, 5, 2));
    assertEquals(idsOf(entriesIn((await open(durableCopy(disk))).recovered.runs)), "21/4 22/4 23/5 24/5");
    await makeSnapshot(storage, 22, 4);
    await storage.compact(toIndex(22));
    await storage.close();
    assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), "23/5 24/5");
  }
});

Deno.test("a log that begins above its snapshot is damage", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= 200; index++) await write(storage, entries(index, 1));
  for (const index of [100, 150]) await makeSnapshot(storage, index, 1);
  await storage.compact(toIndex(150));
  await storage.close();
  disk.remove(pathOf(150, 1));
  const before = disk.files();
  const error = await failure(CorruptionError, () => open(disk));
  assertNotEquals(error.message.match(/the log begins at index \d+, but the snapshot ends at 100/), null);
  assertEquals(disk.files(), before);
});

Deno.test("the snapshot before the newest is not needed, and a damaged newest is not replaced by it", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1, 10));
  for (const index of [4, 8]) await makeSnapshot(storage, index, 1);
  await storage.close();
  const image = disk.crash();
  flip(image, pathOf(4, 1), 500);
  assertEquals(idsOf(entriesIn((await open(image)).recovered.runs)), "9/1 10/1");
  flip(disk, pathOf(8, 1), 500);
  assertEquals((await failure(CorruptionError, () => open(disk))).file, pathOf(8, 1));
});

Deno.test("two blocks that have changed places are found, though each is sound by itself", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const writer = storage.createSnapshot(id(7, 2), ONE);
  for (const block of ["first block", "other block"]) writer.write(stringToBytes(block));
  await writer.finish();
  const bytes = disk.contents(pathOf(7, 2)) ?? new Uint8Array(0);
  const place = (text: string) => new TextDecoder("latin1").decode(bytes).indexOf(text) - BLOCK_HEADER_BYTES;
  const [first, second] = [place("first block"), place("other block")];
  const length = second - first;
  patch(disk, pathOf(7, 2), { offset: first, bytes: bytes.slice(second, second + length) });
  patch(disk, pathOf(7, 2), { offset: second, bytes: bytes.slice(first, first + length) });
  await storage.close();
  const { message } = await failure(CorruptionError, () => open(disk));
  assertStringIncludes(message, "the checksum of the whole file does not match");
});
