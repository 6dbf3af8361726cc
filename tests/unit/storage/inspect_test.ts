/** Inspection: tells what is there, compares logs, lists damage, and never changes a byte. */

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { Disk } from "../../../lib/storage/disk.ts";
import { inspectDirectory, type InspectOptions } from "../../../lib/storage/inspect.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import {
  DIRECTORY,
  entries,
  FIRST_SEGMENT,
  flip,
  id,
  makeSnapshot,
  NODE_FILE,
  ONE,
  open,
  pathOf,
  write,
} from "./support.ts";

async function used(): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.saveHardState({ currentTerm: id(0, 3).term, votedFor: undefined });
  await write(storage, entries(1, 2, 4));
  await write(storage, entries(5, 3, 6));
  for (const index of [2, 4]) await makeSnapshot(storage, index, 2);
  await storage.close();
  return disk;
}

/** Inspects, and checks that nothing changed and that the result is JSON. */
async function inspect(disk: MemoryDisk, options: InspectOptions = {}) {
  const before = disk.files();
  const result = await inspectDirectory(disk, DIRECTORY, options);
  assertEquals(disk.files(), before);
  assertEquals(JSON.parse(JSON.stringify(result)), result);
  return result;
}

Deno.test("a healthy directory is described", async () => {
  const disk = await used();
  const result = await inspect(disk, { entries: { from: 9, count: 5 } });
  const bytes = disk.contents(pathOf(4, 2))?.length ?? 0;
  assertEquals(result, {
    directory: DIRECTORY,
    inUse: false,
    encryption: null,
    ownership: { nodeId: 0, clusterName: "test", identity: "0123456789abcdef" },
    hardState: { currentTerm: 3, votedFor: null, clusterId: null },
    initialConfiguration: ONE,
    snapshots: [4, 2].map((index) => {
      const form = { compression: "off" as const, plainBytes: 25 };
      return { file: pathOf(index, 2), bytes, lastIncluded: id(index, 2), configuration: ONE, blocks: 2, ...form };
    }),
    segments: [{
      file: FIRST_SEGMENT,
      sequence: 1,
      bytes: 4_096,
      usedBytes: result.segments[0]?.usedBytes ?? 0,
      records: 2,
      firstIndex: 1,
      lastIndex: 10,
    }],
    log: { first: id(1, 2), last: id(10, 3), entries: 10 },
    recoverableEntries: 6,
    recoverable: { currentTerm: 3, clusterId: null, last: id(10, 3), configuration: ONE },
    digest: { from: 1, to: 10, entries: 10, crc: result.digest.crc },
    entries: entries(9, 3, 2),
    tornBytes: 0,
    leftovers: [],
    mark: { file: "durable.mark", state: "valid", durableIndex: 10 },
    otherVersions: [],
    damages: [],
  });
});

Deno.test("the digest of a range is equal on two nodes exactly when their entries are", async () => {
  const build = async (lists: ReturnType<typeof entries>[]): Promise<MemoryDisk> => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (const list of lists) await write(storage, list);
    await storage.close();
    return disk;
  };
  const first = await build([entries(1, 1, 3), entries(4, 1, 3)]);
  const grouped = await build([entries(1, 1, 6), entries(7, 2, 2)]);
  const replaced = await build([entries(1, 1, 6), entries(4, 3, 3)]);
  const crc = async (disk: MemoryDisk, from: number, to: number): Promise<string> => {
    return (await inspect(disk, { digest: { from, to } })).digest.crc;
  };
  assertEquals(await crc(first, 1, 6), await crc(grouped, 1, 6));
  assertEquals(await crc(first, 1, 3), await crc(replaced, 1, 3));
  assertNotEquals(await crc(first, 1, 6), await crc(replaced, 1, 6));
  assertNotEquals(await crc(grouped, 1, 7), await crc(grouped, 1, 8));
});

Deno.test("the digest of equal commands differs where their terms do", async () => {
  const crcs = await Promise.all([1, 2].map(async (term) => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await write(storage, entries(1, 1, 2));
    await write(storage, entries(3, 1, 2).map((entry) => ({ ...entry, term: toTerm(term) })));
    await storage.close();
    return (await inspect(disk, { digest: { from: 1, to: 4 } })).digest.crc;
  }));
  assertNotEquals(crcs[0], crcs[1]);
});

Deno.test("a log that was compacted is described from where it begins", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= 200; index++) await write(storage, entries(index, 1));
  await makeSnapshot(storage, 150, 1);
  await storage.compact(toIndex(150));
  await storage.close();
  const { log, recoverableEntries, damages } = await inspect(disk);
  assertEquals([log?.last.index, recoverableEntries, damages], [toIndex(200), 50, []]);
  assert(log !== null && log.first.index > 1 && log.first.index <= 151);
});

Deno.test("a directory in use is read all the same", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1, 3));
  const { inUse, log } = await inspect(disk);
  assertEquals([inUse, log?.entries], [true, 3]);
});

Deno.test("every damage is listed, with file and offset", async () => {
  const disk = await used();
  flip(disk, NODE_FILE, 100);
  flip(disk, FIRST_SEGMENT, 8 * 100);
  flip(disk, pathOf(2, 2), 8 * 60);
  flip(disk, pathOf(4, 2), 8 * 60);
  const { damages, ownership, snapshots } = await inspect(disk);
  assertEquals(damages.map(({ file, offset }) => `${file} ${offset}`).sort(), [
    `${NODE_FILE} 0`,
    `${pathOf(2, 2)} 0`,
    `${pathOf(4, 2)} 0`,
    `${FIRST_SEGMENT} 64`,
  ]);
  assertEquals([ownership, snapshots[0]?.configuration], [null, null]);
});

Deno.test("a directory that lacks files, or is not there, is described too", async () => {
  const disk = await used();
  disk.remove(NODE_FILE);
  const { damages } = await inspect(disk);
  assertEquals(damages.length, 1);
  assertStringIncludes(damages[0]?.what ?? "", "term and vote is missing");
  const nothing = await inspect(new MemoryDisk());
  assertEquals([nothing.ownership, nothing.log, nothing.segments, nothing.damages], [null, null, [], []]);
});

Deno.test("torn bytes are told and left alone", async () => {
  const disk = await used();
  const file = (disk as Disk).open(FIRST_SEGMENT, "write");
  file.writeAt(2_000, new Uint8Array([1, 2, 3]));
  file.close();
  const { tornBytes, segments, damages } = await inspect(disk);
  assertEquals([tornBytes, damages], [2_003 - (segments[0]?.usedBytes ?? 0), []]);
});
