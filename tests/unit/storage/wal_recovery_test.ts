/** Recovery: a torn write is cut off, everything else that is wrong is damage, and refusing changes nothing. */

import { Run } from "../../../lib/raft/run.ts";
import { assert, assertEquals, assertGreater, assertStringIncludes } from "@std/assert";
import { CorruptionError, DiskFailureError, FormatVersionError } from "../../../lib/base/errors.ts";
import { type Entry, toIndex } from "../../../lib/raft/types.ts";
import { seal, viewOf } from "../../../lib/storage/binary.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { RECORD_HEADER_BYTES, RECORD_MAGIC, SEGMENT_HEADER_BYTES } from "../../../lib/storage/wal_format.ts";
import {
  DIRECTORY,
  durableCopy,
  entries,
  failure,
  FIRST_SEGMENT,
  flip,
  id,
  idsOf,
  makeSnapshot,
  MARK,
  open,
  patch,
  write,
} from "./support.ts";
import { entriesIn } from "../../support/runs.ts";

const WAL = `${DIRECTORY}/wal`;

/** Offsets of the records in a file. */
function recordsOf(disk: MemoryDisk, path = FIRST_SEGMENT): number[] {
  const bytes = disk.contents(path) ?? new Uint8Array(0);
  const found: number[] = [];
  for (let at = 0; at < bytes.length; at++) {
    if (RECORD_MAGIC.every((byte, position) => bytes[at + position] === byte)) found.push(at);
  }
  return found;
}

/** A directory whose log has `synced` records, then `unsynced` ones, one entry each; all in the page cache. */
async function logOf(synced: number, unsynced: number): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= synced; index++) await write(storage, entries(index, 1));
  for (let index = synced + 1; index <= synced + unsynced; index++) storage.append(Run.of(entries(index, 1)));
  return durableCopy(disk);
}

/** Opening must be refused as damage of `path`, and must leave every byte but LOCK as it is. */
async function assertRefused(disk: MemoryDisk, path: string): Promise<CorruptionError> {
  const before = new Map(disk.files());
  const error = await failure(CorruptionError, () => open(disk));
  assertEquals(error.file, path);
  assertStringIncludes(error.message, `${path} at offset ${error.offset}`);
  assertEquals(disk.files(), before);
  return error;
}

Deno.test("a damaged record is damage when the mark proves it durable, and torn when nothing does", async (t) => {
  const cases = [
    { name: "the last synced", synced: 3, unsynced: 0, damaged: 3, mark: true, expected: undefined },
    { name: "the last synced, mark lost", synced: 3, unsynced: 0, damaged: 3, mark: false, expected: "1/1 2/1" },
    { name: "one that a later record proves", synced: 3, unsynced: 0, damaged: 2, mark: false, expected: undefined },
    { name: "the last unsynced", synced: 2, unsynced: 1, damaged: 3, mark: true, expected: "1/1 2/1" },
    {
      name: "a middle unsynced: the later are lost",
      synced: 2,
      unsynced: 3,
      damaged: 4,
      mark: true,
      expected: "1/1 2/1 3/1",
    },
    { name: "a middle unsynced, mark lost", synced: 2, unsynced: 3, damaged: 4, mark: false, expected: "1/1 2/1 3/1" },
    {
      name: "a synced before unsynced, mark lost",
      synced: 2,
      unsynced: 3,
      damaged: 2,
      mark: false,
      expected: undefined,
    },
    { name: "the first and only unsynced", synced: 0, unsynced: 1, damaged: 1, mark: true, expected: "" },
  ];
  for (const { name, synced, unsynced, damaged, mark, expected } of cases) {
    for (const where of ["header", "body"]) {
      await t.step(`${name}: ${where}`, async () => {
        const disk = await logOf(synced, unsynced);
        const offset = recordsOf(disk)[damaged - 1] ?? 0;
        flip(disk, FIRST_SEGMENT, 8 * (offset + (where === "header" ? 20 : 95)));
        if (!mark) patch(disk, MARK, { offset: 0, bytes: new Uint8Array(64) });
        if (expected === undefined) {
          assertEquals((await assertRefused(disk, FIRST_SEGMENT)).offset, offset);
          return;
        }
        const storage = await open(disk);
        assertEquals(idsOf(entriesIn(storage.recovered.runs)), expected);
        assertGreater(storage.recovered.tornBytes, 0);
      });
    }
  }
});

Deno.test("a torn tail is gone before anything is appended, so that it never comes back", async () => {
  const disk = await logOf(2, 4);
  const [, , third = 0, fourth = 0] = recordsOf(disk);
  patch(disk, FIRST_SEGMENT, { offset: third, bytes: new Uint8Array(fourth - third) });
  const storage = await open(disk);
  assertEquals(recordsOf(disk.crash()).length, 2);
  // The same record again, with the same length: what followed it once must not follow it now.
  await write(storage, entries(3, 1));
  await storage.close();
  const again = await open(disk);
  assertEquals(idsOf(entriesIn(again.recovered.runs)), "1/1 2/1 3/1");
  assertEquals(again.recovered.tornBytes, 0);
});

Deno.test("a record of an earlier life cannot follow one of a later life", async () => {
  const disk = await logOf(1, 2);
  const stale = disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0);
  const [, second = 0, third = 0] = recordsOf(disk);
  patch(disk, FIRST_SEGMENT, { offset: second, bytes: new Uint8Array(1) });
  const storage = await open(disk);
  storage.append(Run.of(entries(2, 1)));
  patch(disk, FIRST_SEGMENT, { offset: third, bytes: stale.slice(third, third + 120) });
  assertEquals(idsOf(entriesIn((await open(durableCopy(disk))).recovered.runs)), "1/1 2/1");
});

Deno.test("records that a killed process left in the page cache are recovered and made durable at once", async () => {
  const disk = new MemoryDisk();
  const killed = await open(disk);
  await write(killed, entries(1, 1));
  for (let index = 2; index <= 100; index++) killed.append(Run.of(entries(index, 1)));
  assertGreater(disk.list(WAL).length, 3);
  disk.releaseLocks();
  assertEquals(entriesIn((await open(disk)).recovered.runs), entries(1, 1, 100));
  assertEquals(entriesIn((await open(disk.crash())).recovered.runs), entries(1, 1, 100));
});

Deno.test("records whose sync had failed are written again by the next start, or a power loss would take them", async () => {
  const disk = await logOf(2, 0);
  const storage = await open(disk);
  storage.append(Run.of(entries(3, 1, 2)));
  disk.hooks.failSync = (path) => path === FIRST_SEGMENT;
  await failure(DiskFailureError, () => storage.sync());
  // The process ends; its pages stay, and the system takes them for clean.
  disk.hooks.failSync = undefined;
  disk.releaseLocks();
  assertEquals(idsOf(entriesIn((await open(disk)).recovered.runs)), "1/1 2/1 3/1 4/1");
  assertEquals(idsOf(entriesIn((await open(disk.crash())).recovered.runs)), "1/1 2/1 3/1 4/1");
});

Deno.test("a log that was compacted before it was synced can be lost without being missed", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await storage.saveHardState({ currentTerm: id(0, 1).term, votedFor: 0 });
  for (let index = 1; index <= 100; index++) storage.append(Run.of(entries(index, 1)));
  await makeSnapshot(storage, 100, 1);
  await storage.compact(toIndex(100));
  const { recovered } = await open(disk.crash());
  assertEquals([recovered.snapshot?.lastIncluded, entriesIn(recovered.runs)], [id(100, 1), []]);
});

Deno.test("a whole record that does not follow the one before is not taken for the next", async (t) => {
  const build = async (command: string): Promise<MemoryDisk> => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    await write(storage, [{ type: "Command", ...id(1, 1), command }]);
    await write(storage, entries(2, 1));
    await storage.close();
    return disk;
  };
  await t.step("of another log", async () => {
    const [disk, other] = [await build("one"), await build("two")];
    const [, second = 0] = recordsOf(disk);
    const bytes = (other.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).slice(second);
    patch(disk, FIRST_SEGMENT, { offset: second, bytes });
    assertEquals((await assertRefused(disk, FIRST_SEGMENT)).offset, second);
  });
  for (
    const [field, position] of [["number", 16], ["epoch", 64], ["sequence", 68], ["offset", 72], ["chain", 76]] as const
  ) {
    await t.step(`with another ${field}`, async () => {
      const disk = await build("one");
      const [, second = 0] = recordsOf(disk);
      const bytes = (disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).slice(second, second + RECORD_HEADER_BYTES);
      viewOf(bytes).setUint32(position, viewOf(bytes).getUint32(position, true) - 1, true);
      seal(bytes);
      patch(disk, FIRST_SEGMENT, { offset: second, bytes });
      assertEquals((await assertRefused(disk, FIRST_SEGMENT)).offset, second);
    });
  }
});

Deno.test("a segment that is missing, renamed over or without its header is damage", async (t) => {
  const build = async (): Promise<{ disk: MemoryDisk; paths: string[] }> => {
    const disk = new MemoryDisk();
    const storage = await open(disk);
    for (let index = 1; index <= 200; index++) await write(storage, entries(index, 1));
    await storage.close();
    const names = disk.list(WAL).filter((name) => name.endsWith(".wal"));
    return { disk: durableCopy(disk), paths: names.map((name) => `${WAL}/${name}`) };
  };
  const cases: {
    name: string;
    harm: (disk: MemoryDisk, paths: string[]) => void;
    file?: number;
    directory?: string;
  }[] = [
    { name: "the first is missing", harm: (disk, [first]) => disk.remove(first ?? ""), directory: WAL },
    { name: "a middle one is missing", harm: (disk, [, second]) => disk.remove(second ?? ""), file: 0 },
    { name: "the last is missing", harm: (disk, paths) => disk.remove(paths.at(-1) ?? ""), file: -2 },
    {
      name: "all but LOCK and vote are missing",
      harm: (disk, paths) => paths.forEach((path) => disk.remove(path)),
      directory: WAL,
    },
    { name: "header of the first", harm: (disk, [first]) => flip(disk, first ?? "", 100), file: 0 },
    { name: "header of a middle one", harm: (disk, [, second]) => flip(disk, second ?? "", 100), file: 1 },
    { name: "header of the last", harm: (disk, paths) => flip(disk, paths.at(-1) ?? "", 100), file: -1 },
    {
      name: "a copy under another name",
      harm: (disk, [, second]) => {
        const file = disk.open(`${WAL}/copy.wal`, "create");
        file.writeAt(0, disk.contents(second ?? "") ?? new Uint8Array(0));
      },
      directory: `${WAL}/copy.wal`,
    },
  ];
  for (const { name, harm, file, directory } of cases) {
    await t.step(name, async () => {
      const { disk, paths } = await build();
      harm(disk, paths);
      await assertRefused(disk, directory ?? paths.at(file ?? 0) ?? "");
    });
  }
});

Deno.test("segments made after the last sync are torn whatever is left of them", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1));
  for (let index = 2; index <= 200; index++) storage.append(Run.of(entries(index, 1)));
  const names = disk.list(WAL).filter((name) => name.endsWith(".wal"));
  assertGreater(names.length, 3);
  for (const [at, name] of names.entries()) {
    if (at === 0) continue;
    const image = durableCopy(disk);
    patch(image, `${WAL}/${name}`, { offset: 0, bytes: new Uint8Array(SEGMENT_HEADER_BYTES) });
    const again = await open(image);
    const count = entriesIn(again.recovered.runs).length;
    assertEquals(entriesIn(again.recovered.runs), entries(1, 1, count));
    assertEquals(image.list(WAL).filter((left) => left.endsWith(".wal")).length, at);
    await write(again, entries(count + 1, 2));
    await again.close();
    assertEquals(entriesIn((await open(image)).recovered.runs).length, count + 1);
  }
});

Deno.test("a chain of valid records that is no log is damage", async () => {
  const disk = await logOf(3, 0);
  const [first = 0] = recordsOf(disk);
  const bytes = (disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).slice(first, first + RECORD_HEADER_BYTES);
  viewOf(bytes).setUint32(12, 2, true); // Two entries in a record whose body holds one.
  seal(bytes);
  patch(disk, FIRST_SEGMENT, { offset: first, bytes });
  assertStringIncludes((await assertRefused(disk, FIRST_SEGMENT)).message, "cannot be read");
});

Deno.test("a segment of a newer format is refused in one line, and nothing is changed", async () => {
  const disk = await logOf(1, 0);
  const header = (disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).slice(0, SEGMENT_HEADER_BYTES);
  viewOf(header).setUint32(8, 7, true);
  seal(header);
  patch(disk, FIRST_SEGMENT, { offset: 0, bytes: header });
  const before = disk.files();
  const error = await failure(FormatVersionError, () => open(disk));
  assertEquals(
    error.message,
    `Cannot read ${FIRST_SEGMENT}: its format version is 7, and this program reads version 3`,
  );
  assertEquals(disk.files(), before);
});

Deno.test("a value that looks like a record proves nothing", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 1));
  await write(storage, entries(2, 1));
  const [, second = 0] = recordsOf(disk);
  const record = (disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).slice(second, second + RECORD_HEADER_BYTES);
  const disguised: Entry = { type: "Command", ...id(3, 1), command: String.fromCharCode(...record) };
  storage.append(Run.of([disguised]));
  const image = durableCopy(disk);
  assertEquals(recordsOf(image).length, 3);
  assertEquals(entriesIn((await open(image)).recovered.runs), [...entries(1, 1, 2), disguised]);
});

Deno.test("a damaged mark is no damage, and is written again", async () => {
  const disk = await logOf(3, 0);
  flip(disk, MARK, 200);
  const storage = await open(disk);
  assertEquals(idsOf(entriesIn(storage.recovered.runs)), "1/1 2/1 3/1");
  await storage.close();
  flip(disk, FIRST_SEGMENT, 8 * ((recordsOf(disk)[2] ?? 0) + 20));
  await assertRefused(disk, FIRST_SEGMENT);
});

Deno.test("every cut of a log gives the acknowledged prefix or is refused", async () => {
  const synced = 12;
  const disk = await logOf(synced, 3);
  const bytes = disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0);
  const records = recordsOf(disk);
  const end = (records.at(-1) ?? 0) + 130;
  const durableEnd = records[synced] ?? 0;
  for (let length = 0; length <= end; length++) {
    const image = disk.crash();
    const file = image.open(FIRST_SEGMENT, "write");
    file.truncate(length);
    if (length < durableEnd) {
      await assertRefused(image, FIRST_SEGMENT);
      continue;
    }
    const { recovered } = await open(image);
    const whole = records.filter((_, at) =>
      (records[at + 1] ?? bytes.findLastIndex((byte) => byte !== 0) + 1) <= length
    );
    assertEquals(entriesIn(recovered.runs), entries(1, 1, whole.length), `cut at ${length}`);
    assert(entriesIn(recovered.runs).length >= synced);
  }
});

Deno.test("every bit flip in a log gives the acknowledged prefix or is refused", async () => {
  const synced = 5;
  const disk = await logOf(synced, 2);
  const durableEnd = recordsOf(disk)[synced] ?? 0;
  const end = (disk.contents(FIRST_SEGMENT) ?? new Uint8Array(0)).findLastIndex((byte) => byte !== 0) + 20;
  for (const [path, bits] of [[FIRST_SEGMENT, end * 8], [MARK, 64 * 8]] as const) {
    for (let bit = 0; bit < bits; bit++) {
      const image = disk.crash();
      flip(image, path, bit);
      if (path === FIRST_SEGMENT && bit < durableEnd * 8) {
        await assertRefused(image, FIRST_SEGMENT);
        continue;
      }
      const { recovered } = await open(image);
      assert(entriesIn(recovered.runs).length >= synced, `bit ${bit}`);
      assertEquals(entriesIn(recovered.runs), entries(1, 1, entriesIn(recovered.runs).length), `bit ${bit}`);
    }
  }
});

Deno.test("the beginning of a segment that a disk wrote into a later one is damage, though the chain goes on there", async () => {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  for (let index = 1; index <= 200; index++) await write(storage, entries(index, 1));
  await storage.close();
  const segments = disk.list(`${DIRECTORY}/wal`).filter((name) => name.endsWith(".wal")).sort();
  assert(segments.length > 3, "several segments");
  const [second = "", last = ""] = [segments[1], segments.at(-1)].map((name) => `${DIRECTORY}/wal/${name}`);
  const whole = disk.contents(second) ?? new Uint8Array(0);
  // All of it, so that it can be read on from there; its own place has what stood there before, and the mark is lost.
  patch(disk, last, { offset: 0, bytes: whole });
  patch(disk, second, { offset: 0, bytes: new Uint8Array(whole.length) });
  disk.remove(MARK);
  const error = await failure(CorruptionError, () => open(disk));
  assertEquals([error.file, error.offset], [last, 0]);
});
