/** The log in ordinary use: what is appended is recovered, across segments, truncations and restarts. */

import { Run } from "../../../lib/raft/run.ts";
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { AssertionFailure } from "../../../lib/base/assert.ts";
import { AccessError, DiskFailureError, NoSpaceError } from "../../../lib/base/errors.ts";
import { type Entry, toIndex } from "../../../lib/raft/types.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { DIRECTORY, entries, failure, FIRST_SEGMENT, id, idsOf, makeSnapshot, ONE, open, write } from "./support.ts";
import { entriesIn } from "../../support/runs.ts";

const WAL = `${DIRECTORY}/wal`;

Deno.test("a new directory is empty, and is found again", async () => {
  const disk = new MemoryDisk();
  const first = await open(disk);
  assertEquals(first.recovered, {
    ownership: { nodeId: 0, clusterName: "test", identity: "0123456789abcdef" },
    existed: false,
    hardState: { currentTerm: id(0, 0).term, votedFor: undefined },
    initialConfiguration: ONE,
    snapshot: undefined,
    runs: [],
    tornBytes: 0,
  });
  await first.close();
  const second = await open(disk, { makeIdentity: () => "other", initialConfiguration: { ...ONE, voters: [] } });
  assertEquals(second.recovered, { ...first.recovered, existed: true });
});

Deno.test("entries of every type and every byte are recovered as they were", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const bytes = String.fromCharCode(...Array.from({ length: 256 }, (_, at) => at));
  const list: Entry[] = [
    { type: "NoOp", ...id(1, 3) },
    { type: "Command", ...id(2, 3), command: bytes },
    { type: "Command", ...id(3, 3), command: "" },
    { type: "Configuration", ...id(4, 3), configuration: ONE },
  ];
  await write(storage, list);
  await storage.close();
  const again = await open(disk);
  assertEquals(entriesIn(again.recovered.runs), list);
  assertEquals(again.recovered.hardState, { currentTerm: id(0, 3).term, votedFor: undefined });
});

Deno.test("entries at or above the first index of a later append are replaced", async (t) => {
  const cases = [
    { name: "tail", appends: [entries(1, 1, 5), entries(4, 2, 1)], expected: "1/1 2/1 3/1 4/2" },
    { name: "all", appends: [entries(1, 1, 3), entries(1, 2, 2)], expected: "1/2 2/2" },
    { name: "twice", appends: [entries(1, 1, 3), entries(3, 2, 3), entries(2, 3)], expected: "1/1 2/3" },
    { name: "same term", appends: [entries(1, 1, 3), entries(2, 1, 1)], expected: "1/1 2/1" },
  ];
  for (const { name, appends, expected } of cases) {
    await t.step(name, async () => {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      for (const list of appends) storage.append(Run.of(list));
      await storage.sync();
      await storage.close();
      const again = await open(disk);
      assertEquals(idsOf(entriesIn(again.recovered.runs)), expected);
    });
  }
});

Deno.test("a log of many segments is recovered, and each is preallocated", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= 400; index += 4) await write(storage, entries(index, 1, 4));
  const { segments, walBytes } = storage.sizes();
  assertGreater(segments, 3);
  assertGreater(walBytes, segments * 4_095);
  await storage.close();
  const again = await open(disk);
  assertEquals(entriesIn(again.recovered.runs), entries(1, 1, 400));
  assertEquals(again.sizes().segments, segments);
});

Deno.test("a segment name that is taken after a truncation gets the sequence number", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const wide = (first: number, term: number): Entry[] => {
    return [{ type: "Command", ...id(first, term), command: "x".repeat(2_500) }];
  };
  for (const list of [wide(1, 1), wide(2, 1), wide(2, 2), wide(2, 3), wide(3, 3)]) await write(storage, list);
  const names = disk.list(WAL).filter((name) => name.endsWith(".wal"));
  assertEquals(names, [
    "00000000000000000001.wal",
    "00000000000000000002-3.wal",
    "00000000000000000002-4.wal",
    "00000000000000000002.wal",
    "00000000000000000003.wal",
  ]);
  await storage.close();
  assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), "1/1 2/3 3/3");
});

Deno.test("a record larger than a segment gets a segment of its own", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const large: Entry[] = [{ type: "Command", ...id(2, 1), command: "\x00".repeat(300_000) }];
  await write(storage, entries(1, 1));
  assert(storage.reserve(300_000, 1));
  await write(storage, large);
  await write(storage, entries(3, 1));
  await storage.close();
  assertEquals(entriesIn((await open(disk)).recovered.runs), [...entries(1, 1), ...large, ...entries(3, 1)]);
});

Deno.test("an append that leaves a gap is a bug", async () => {
  const storage = await open(new MemoryDisk());
  storage.append(Run.of(entries(1, 1, 5)));
  const error = await failure(AssertionFailure, () => storage.append(Run.of(entries(7, 1))));
  assertEquals(error.message, "Cannot append entry 7: last index is 5");
});

Deno.test("compact removes old segments only when all of their entries are at or below the index", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= 400; index += 4) await write(storage, entries(index, 1, 4));
  const before = storage.sizes().segments;
  await storage.compact(toIndex(0));
  assertEquals(storage.sizes().segments, before);
  await makeSnapshot(storage, 200, 1);
  for (let index = 2; index <= 200; index++) {
    // A segment goes with its last entry, not with the one before.
    await storage.compact(toIndex(index - 1));
    const { segments } = storage.sizes();
    const kept = Array.from(disk.files().keys()).filter((path) => path.endsWith(".wal")).sort()[0] ?? "";
    assert(Number(kept.slice(-24, -4)) <= index, `${kept} is the first segment left, entry ${index} is needed`);
    assertEquals(storage.sizes().segments, segments);
  }
  await storage.compact(toIndex(200));
  const half = storage.sizes().segments;
  assert(half < before && half > 1);
  await storage.close();
  const again = await open(disk);
  assertEquals(entriesIn(again.recovered.runs), entries(201, 1, 200));
  await makeSnapshot(again, 400, 1);
  await again.compact(toIndex(400));
  assertEquals(again.sizes().segments, 1);
  await write(again, entries(401, 2));
  await again.close();
  assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), "401/2");
});

Deno.test("reserve refuses when the disk is full, appends go on in what was reserved, and space that returns is used", async () => {
  const disk = new MemoryDisk({ capacityBytes: 80_000 });
  const storage = await open(disk);
  let index = 1;
  while (storage.reserve(1_000, 1)) {
    await write(storage, [{ type: "Command", ...id(index++, 1), command: "x".repeat(1_000) }]);
  }
  assertGreater(index, 8);
  assertEquals(disk.list(WAL).includes("spare.tmp"), false);
  // A full disk refuses the hard state no more than it refuses to start again.
  await storage.saveHardState({ currentTerm: id(0, 2).term, votedFor: 0 });
  await storage.saveHardState({ currentTerm: id(0, 3).term, votedFor: 0 });
  await storage.close();
  const again = await open(disk);
  assertEquals(entriesIn(again.recovered.runs).length, index - 1);
  assertEquals(again.recovered.hardState, { currentTerm: id(0, 3).term, votedFor: 0 });
  assertEquals(again.reserve(1_000, 1), false);
  disk.capacityBytes = 400_000;
  assertEquals(again.reserve(1_000, 1), true);
  await write(again, entries(index, 3));
});

Deno.test("an append without room for it throws NoSpaceError, writes nothing, and later ones succeed", async () => {
  const disk = new MemoryDisk({ capacityBytes: 30_000 });
  const storage = await open(disk);
  await write(storage, entries(1, 1));
  const large: Entry[] = [{ type: "Command", ...id(2, 1), command: "x".repeat(50_000) }];
  await failure(NoSpaceError, () => storage.append(Run.of(large)));
  await write(storage, entries(2, 1));
  await storage.close();
  assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), "1/1 2/1");
});

/** From now on so much is free, and the disk tells it. */
function leaveFree(disk: MemoryDisk, bytes: number): () => number {
  disk.capacityBytes = bytes + [...disk.files().values()].reduce((sum, { length }) => sum + length, 0);
  disk.tellsSpace = true;
  return () => disk.space("/")?.freeBytes ?? -1;
}

Deno.test("no segment is made of what is to stay free, but for what is appended without asking", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1));
  const free = leaveFree(disk, 100_000);
  storage.keepFree(50_000);
  assert(storage.reserve(20_000, 1));
  const left = free();
  assertEquals([storage.reserve(60_000, 1), free()], [false, left]);
  assert(left >= 50_000 && left < 80_000, `${left} bytes`);
  storage.append(Run.of([{ type: "Command", ...id(2, 1), command: "x".repeat(60_000) }]));
  await storage.sync();
  assert(free() < 50_000);
  storage.keepFree(0);
  assert(storage.reserve(20_000, 1));
});

Deno.test("the next segment is not prepared from what is to stay free", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk, { segmentBytes: 300_000 });
  const free = leaveFree(disk, 400_000);
  storage.keepFree(200_000);
  for (let index = 1; index <= 5; index++) await write(storage, entries(index, 1));
  assert(free() >= 200_000, `${free()} bytes`);
  storage.keepFree(0);
  await write(storage, entries(6, 1));
  assert(free() < 200_000, `${free()} bytes`);
});

Deno.test("the reserved bound holds for the worst commands", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const list: Entry[] = Array.from({ length: 500 }, (_, at) => {
    return { type: "Command", ...id(at + 1, 1), command: "\x01".repeat(100) };
  });
  assert(storage.reserve(50_000, 500));
  disk.capacityBytes = 0;
  storage.append(Run.of(list));
  await storage.sync();
});

Deno.test("the reserved bound holds for the worst long command, and is not six times its length", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  const command = "\x01KR".repeat(100_000);
  const before = storage.sizes().walBytes;
  assert(storage.reserve(command.length, 1));
  assert(storage.sizes().walBytes - before < 2 * command.length, `${storage.sizes().walBytes} bytes`);
  disk.capacityBytes = 0;
  storage.append(Run.of([{ type: "Command", ...id(1, 1), command }]));
  await storage.sync();
  await storage.close();
  assertEquals(entriesIn((await open(disk)).recovered.runs), [{ type: "Command", ...id(1, 1), command }]);
});

Deno.test("a failed sync is final: nothing is written, synced or saved afterwards", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1));
  storage.append(Run.of(entries(2, 1)));
  disk.hooks.failSync = (path) => path === FIRST_SEGMENT;
  const error = await failure(DiskFailureError, () => storage.sync());
  assertStringIncludes(error.message, FIRST_SEGMENT);
  disk.hooks.failSync = undefined;
  let calls = 0;
  disk.hooks.afterCall = () => calls += 1;
  await failure(DiskFailureError, () => storage.sync());
  await failure(DiskFailureError, () => storage.append(Run.of(entries(3, 1))));
  await failure(DiskFailureError, () => storage.reserve(1, 1));
  await failure(DiskFailureError, () => storage.saveHardState({ currentTerm: id(0, 2).term, votedFor: 0 }));
  await failure(DiskFailureError, () => storage.receiveSnapshot(id(9, 1), ONE).write(0, new Uint8Array(1)));
  await failure(DiskFailureError, () => storage.createSnapshot(id(1, 1), ONE).finish());
  assertEquals(calls, 0);
  await storage.close();
});

Deno.test("a failed write, a failed directory sync and a failed save are final too", async (t) => {
  const last = { type: "Command" as const, ...id(1, 1), command: "x".repeat(5_000) };
  const cases = [
    { name: "write", hooks: { failWrite: (path: string) => path === FIRST_SEGMENT }, list: entries(1, 1) },
    { name: "directory", hooks: { failSync: (path: string) => path === WAL }, list: [last] },
  ];
  for (const { name, hooks, list } of cases) {
    await t.step(name, async () => {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      Object.assign(disk.hooks, hooks);
      await failure(DiskFailureError, () => write(storage, list));
      disk.hooks.failSync = disk.hooks.failWrite = undefined;
      await failure(DiskFailureError, () => storage.sync());
    });
  }
  for (const path of [`${DIRECTORY}/RaftNode0.json.tmp`, DIRECTORY]) {
    await t.step(`save: ${path}`, async () => {
      const disk = new MemoryDisk();
      const storage = await open(disk);
      disk.hooks.failSync = (synced) => synced === path;
      await failure(DiskFailureError, () => storage.saveHardState({ currentTerm: id(0, 1).term, votedFor: 0 }));
      disk.hooks.failSync = undefined;
      await failure(DiskFailureError, () => storage.append(Run.of(entries(1, 1))));
    });
  }
});

Deno.test("one sync per turn of the disk: only a roll adds more, and the directory's", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1)); // The first sync also starts on the next segment.
  const synced: string[] = [];
  disk.hooks.afterCall = (operation, path) => {
    if (operation.startsWith("sync") && !path.endsWith("spare.tmp")) synced.push(path.slice(WAL.length));
  };
  storage.append(Run.of(entries(2, 1)));
  storage.append(Run.of(entries(3, 1)));
  await storage.sync();
  await storage.sync();
  assertEquals(synced, ["/00000000000000000001.wal"]);
  synced.length = 0;
  await write(storage, entries(4, 1, 200));
  assertEquals(synced.sort(), ["", "/00000000000000000001.wal", "/00000000000000000004.wal"]);
});

Deno.test("what is appended while a sync is in flight is durable with the next one", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  storage.append(Run.of(entries(1, 1)));
  const running = storage.sync();
  storage.append(Run.of(entries(2, 1)));
  await running;
  assertEquals(idsOf(entriesIn((await open(disk.crash())).recovered.runs)), "1/1");
  await storage.sync();
  assertEquals(idsOf(entriesIn((await open(disk.crash())).recovered.runs)), "1/1 2/1");
});

Deno.test("the next segment is prepared in slices beside the syncs, and taken by the roll", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk, { segmentBytes: 1_048_576 });
  const bytes = (): number => disk.contents(`${WAL}/spare.tmp`)?.length ?? 0;
  const sizes: number[] = [];
  for (let index = 1; index <= 6; index++) {
    await write(storage, entries(index, 1));
    sizes.push(bytes());
  }
  assertEquals(sizes, [262_144, 524_288, 786_432, 1_048_576, 1_048_576, 1_048_576]);
  await write(storage, [{ type: "Command", ...id(7, 1), command: "x".repeat(1_048_000) }]);
  assertEquals(disk.contents(`${WAL}/00000000000000000007.wal`)?.length, 1_048_576);
});

Deno.test("a system that tells no more what is free ends nothing: the log goes on as if nobody had ever told", async () => {
  const disk = new MemoryDisk({ capacityBytes: 400_000 });
  disk.tellsSpace = true;
  const storage = await open(disk, { segmentBytes: 20_000 });
  storage.keepFree(1_000);
  disk.space = (path) => {
    throw new AccessError(path, { operation: "ask for the free space of", cause: "stale handle" });
  };
  for (let index = 1; index <= 400; index++) {
    assert(storage.reserve(100, 1), `entry ${index}`);
    await write(storage, entries(index, 1));
  }
  assert(storage.sizes().segments > 1);
  await storage.close();
});
