/** The scrub of a directory that is in use: every byte that a start relies on is looked at, and what is not durable yet is left alone. */

import { assert, assertEquals } from "@std/assert";
import { AccessError } from "../../../lib/base/errors.ts";
import type { FoundDamage, ScrubStep } from "../../../lib/storage/scrub.ts";
import { Run } from "../../../lib/raft/run.ts";
import { toIndex, toTerm } from "../../../lib/raft/types.ts";
import type { Storage } from "../../../lib/storage/storage.ts";
import type { DiskFile, OpenMode } from "../../../lib/storage/disk.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import {
  DIRECTORY,
  entries,
  FIRST_SEGMENT,
  flip,
  id,
  makeSnapshot,
  NODE_FILE,
  open,
  pathOf,
  write,
} from "./support.ts";

function steps(storage: Storage): readonly ScrubStep[] {
  const all: ScrubStep[] = [];
  const round = storage.scrub();
  for (let step = round.next(); step.done !== true; step = round.next()) all.push(step.value);
  return all;
}

function damages(storage: Storage): readonly FoundDamage[] {
  return steps(storage).filter((step) => step.type === "Damaged");
}

function read(storage: Storage): number {
  return steps(storage).reduce((sum, step) => sum + (step.type === "Read" ? step.bytes : 0), 0);
}

/** A vote, two snapshots, and a log of three segments whose last entries are not synced. */
async function used<Used extends MemoryDisk>(disk: Used): Promise<{ disk: Used; storage: Storage }> {
  const storage = await open(disk, { segmentBytes: 1_024 });
  await storage.saveHardState({ currentTerm: toTerm(2), votedFor: 0 });
  for (let first = 1; first < 60; first += 3) await write(storage, entries(first, 2, 3));
  await makeSnapshot(storage, 4, 2);
  await makeSnapshot(storage, 6, 2);
  return { disk, storage };
}

function segmentsOf(disk: MemoryDisk): readonly string[] {
  return [...disk.files().keys()].filter((path) => path.endsWith(".wal")).sort();
}

Deno.test("a sound directory is read from front to end, both snapshots, every segment, term and vote", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  assertEquals(damages(storage), []);
  const sizeOf = (path: string) => disk.contents(path)?.length ?? 0;
  const files = [pathOf(4, 2), pathOf(6, 2), NODE_FILE].reduce((sum, path) => sum + sizeOf(path), 0);
  const segments = segmentsOf(disk);
  assert(segments.length >= 3, `${segments.length} segments`);
  const all = read(storage);
  // Of segments only what holds records.
  assert(all > files + 1_024 * (segments.length - 2), `${all} bytes`);
  assert(all <= files + 1_024 * segments.length, `${all} bytes`);
  await storage.close();
});

Deno.test("every flipped bit of a snapshot, of a record, of a segment's head or of term and vote is found, with file and offset", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  const [first = "", ...others] = segmentsOf(disk);
  const last = others.at(-1) ?? "";
  const durable = 64 + 300;
  for (const path of [pathOf(4, 2), pathOf(6, 2), first, last]) {
    const bytes = path.endsWith(".wal") ? Math.min(durable, endOf(disk, path)) : disk.contents(path)?.length ?? 0;
    for (let bit = 0; bit < bytes * 8; bit += 3) {
      flip(disk, path, bit);
      const [found, ...more] = damages(storage);
      assertEquals(more, [], `bit ${bit} of ${path}`);
      assertEquals(found?.damage.file, path, `bit ${bit}`);
      const { offset = -1 } = found?.damage ?? {};
      assert(offset >= 0 && offset <= (disk.contents(path)?.length ?? 0), `bit ${bit} of ${path} at offset ${offset}`);
      flip(disk, path, bit);
    }
  }
  assertEquals(damages(storage), []);
  await storage.close();
});

/** Behind the last byte that is not zero. */
function endOf(disk: MemoryDisk, path: string): number {
  return (disk.contents(path) ?? new Uint8Array(0)).findLastIndex((byte) => byte !== 0) + 1;
}

Deno.test("what is damaged is told by what it is: the newest snapshot, the one before, a segment, the file with term and vote", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  const last = segmentsOf(disk).at(-1) ?? "";
  for (const [path, bit] of [[pathOf(6, 2), 700], [pathOf(4, 2), 700], [last, 8 * 70], [NODE_FILE, 8 * 40]] as const) {
    flip(disk, path, bit);
  }
  assertEquals(damages(storage).map(({ part }) => part), [
    { type: "Snapshot", id: id(6, 2), isNewest: true },
    { type: "Snapshot", id: id(4, 2), isNewest: false },
    { type: "Segment", name: last.slice(last.lastIndexOf("/") + 1) },
    { type: "NodeFile" },
  ]);
  await storage.close();
});

Deno.test("a file that is gone, or that the disk does not read, is damaged; records that are not durable yet are not looked at", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  // The segment after the roll has records that are durable, and then one that is not.
  const segments = segmentsOf(disk).length;
  let next = 61;
  for (; segmentsOf(disk).length === segments; next++) await write(storage, entries(next, 2));
  storage.append(Run.of(entries(next, 2)));
  const last = segmentsOf(disk).at(-1) ?? "";
  flip(disk, last, 8 * (endOf(disk, last) - 5));
  assertEquals(damages(storage), []);
  disk.hooks.failRead = (path) => path === FIRST_SEGMENT;
  disk.remove(pathOf(4, 2));
  const found = damages(storage);
  assertEquals(found.map(({ damage }) => damage.file), [pathOf(4, 2), FIRST_SEGMENT]);
  disk.hooks.failRead = () => false;
});

/** Opens no file for reading while the process has no descriptors left. */
class ExhaustedDisk extends MemoryDisk {
  isExhausted = false;

  override open(path: string, mode: OpenMode): DiskFile {
    if (!this.isExhausted) return super.open(path, mode);
    const cause = Object.assign(new Error("Too many open files (os error 24)"), { code: "EMFILE" });
    throw new AccessError(path, { operation: "open", cause });
  }
}

Deno.test("a process that is out of descriptors has no damaged files", async () => {
  const { disk, storage } = await used(new ExhaustedDisk());
  disk.isExhausted = true;
  assertEquals([damages(storage), read(storage)], [[], 0]);
  disk.isExhausted = false;
  assert(read(storage) > 0);
  await storage.close();
});

Deno.test("the log goes on in another segment when it is told to leave one, which then goes with a snapshot that covers it", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  const last = segmentsOf(disk).at(-1) ?? "";
  const name = last.slice(last.lastIndexOf("/") + 1);
  assertEquals(storage.indexCovering(name), 60);
  assertEquals(storage.indexCovering("no.wal"), undefined);
  assert(storage.leaveSegment(name));
  assert(storage.leaveSegment(name), "it is left already");
  await storage.sync();
  await makeSnapshot(storage, 60, 2);
  await storage.compact(toIndex(60));
  assertEquals(storage.indexCovering(name), undefined);
  assert(!disk.exists(last));
  await write(storage, entries(61, 3, 2));
  const image = disk.crash();
  const again = await open(image);
  assertEquals(again.recovered.runs.map((run) => run.count), [2]);
  assertEquals(again.recovered.snapshot?.lastIncluded, id(60, 2));
  await again.close();
  await storage.close();
});

/** Knows which files are open for reading. */
class ReadingDisk extends MemoryDisk {
  readonly reading = new Set<string>();

  override open(path: string, mode: OpenMode): DiskFile {
    const file = super.open(path, mode);
    if (mode !== "read") return file;
    const close = file.close.bind(file);
    this.reading.add(path);
    file.close = () => {
      this.reading.delete(path);
      close();
    };
    return file;
  }
}

Deno.test("a file that is removed while it is read is let go with the next step, since it takes room as long as it is open", async () => {
  const { disk, storage } = await used(new ReadingDisk());
  const round = storage.scrub();
  round.next();
  assertEquals([...disk.reading], [pathOf(6, 2)]);
  await makeSnapshot(storage, 8, 2);
  await makeSnapshot(storage, 60, 2);
  assert(!disk.exists(pathOf(6, 2)));
  // The snapshots of the round are gone: the log is next.
  for (let step = round.next(); step.done !== true && !disk.reading.has(FIRST_SEGMENT); step = round.next()) {
    assert(!disk.reading.has(pathOf(6, 2)), "a snapshot that is gone is open");
  }
  assertEquals([...disk.reading], [FIRST_SEGMENT]);
  await storage.compact(toIndex(60));
  assert(!disk.exists(FIRST_SEGMENT));
  const step = round.next();
  assert(!disk.reading.has(FIRST_SEGMENT), "a segment that is gone is open");
  assert(step.done === true || step.value.type === "Read");
  await storage.close();
});

Deno.test("the newest snapshot is never dropped, and the one before it is durably gone once it is", async () => {
  const { disk, storage } = await used(new MemoryDisk());
  await storage.dropSnapshot(id(6, 2));
  await storage.dropSnapshot(id(5, 2));
  assertEquals(storage.sizes().snapshots, 2);
  await storage.dropSnapshot(id(4, 2));
  assertEquals([storage.sizes().snapshots, disk.crash().exists(pathOf(4, 2))], [1, false]);
  assert(disk.exists(`${DIRECTORY}/snapshots`));
  await storage.close();
});
