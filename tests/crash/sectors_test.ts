/** Writes that a drive lost, or put in the wrong place: a sector of a durable log holds something else that was once written. */

import { assertEquals, assertGreater } from "@std/assert";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { SECTOR_BYTES } from "../support/memory/memory_file.ts";
import { MARK } from "../unit/storage/support.ts";
import { replaceSector, startDamaged, writeLog, type WrittenLog } from "./damage.ts";
import { print } from "./print.ts";
import { emptyTally, type Tally, tally } from "./tally.ts";

/** Segments of four sectors, with records that end anywhere in them. */
const PLAN = { segmentBytes: 2_048, synced: 36, unsynced: 3, bytes: 150 };

/** One sector. */
interface Place {
  readonly path: string;
  readonly sector: number;
}

/** The sectors of all files whose name ends in one of `endings`. */
function sectorsOf({ files }: WrittenLog, ...endings: string[]): Place[] {
  return Array.from(files).flatMap(([path, bytes]) => {
    if (!endings.some((ending) => path.endsWith(ending))) return [];
    return Array.from({ length: Math.ceil(bytes.length / SECTOR_BYTES) }, (_, sector) => ({ path, sector }));
  });
}

function contentOf({ files }: WrittenLog, { path, sector }: Place): Uint8Array {
  return files.get(path)?.subarray(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES) ?? new Uint8Array(0);
}

/** Replaces each sector of the log by each of its `replacements`. */
async function replaceEverywhere(
  log: WrittenLog,
  replacements: (place: Place) => readonly Uint8Array[],
  prepare: (image: MemoryDisk) => void = () => {},
): Promise<Tally> {
  const result = emptyTally();
  for (const place of sectorsOf(log, ".wal")) {
    for (const [at, content] of replacements(place).entries()) {
      const image = log.disk.crash();
      prepare(image);
      replaceSector(image, place, content);
      tally(result, await startDamaged(log, image), `${place.path}, sector ${place.sector}, replacement ${at}`);
    }
  }
  return result;
}

function total({ whole, shorter, refused, unprovable }: Tally): number {
  return whole + shorter + refused + unprovable;
}

Deno.test("a sector of the log that is zeros is refused when an acknowledged record needs it", async () => {
  const log = await writeLog(PLAN);
  const result = await replaceEverywhere(log, () => [new Uint8Array(SECTOR_BYTES)]);
  print("zeros", result);
  assertEquals(result.unprovable, 0);
  assertGreater(result.refused, 16);
  assertGreater(result.shorter, 0);
});

Deno.test("a sector of the log that holds what it held earlier is refused when an acknowledged record needs it", async () => {
  const log = await writeLog(PLAN);
  const result = await replaceEverywhere(log, ({ path, sector }) => log.earlier.get(`${path}:${sector}`) ?? []);
  print("earlier content", result);
  assertEquals(result.unprovable, 0);
  assertGreater(result.refused, 40);
  assertGreater(result.whole, 16); // The last of the earlier contents is the right one.
});

Deno.test("a sector of the log that holds another sector is refused when an acknowledged record needs it", async () => {
  const log = await writeLog(PLAN);
  const all = sectorsOf(log, "").map((place) => contentOf(log, place));
  const result = await replaceEverywhere(log, () => all);
  print("another sector", result);
  assertEquals(result.unprovable, 0);
  assertEquals(total(result), sectorsOf(log, ".wal").length * all.length);
  assertGreater(result.refused, 500);
});

Deno.test("without the mark only what the last synced record needs can be replaced unnoticed, when nothing follows it", async () => {
  const log = await writeLog({ ...PLAN, unsynced: 0 });
  const last = log.records.at(-1);
  const sectors = sectorsOf(log, ".wal");
  const needed = sectors.filter(({ path, sector }) => {
    return path === last?.path && (sector + 1) * SECTOR_BYTES > last.start && sector * SECTOR_BYTES < last.end;
  });
  const result = await replaceEverywhere(log, () => [new Uint8Array(SECTOR_BYTES)], (image) => image.remove(MARK));
  print("zeros, mark lost", result);
  assertGreater(result.unprovable, 0);
  assertEquals(result.unprovable <= needed.length, true, `${result.unprovable} of at most ${needed.length}`);
  assertGreater(result.refused, 16);
});

Deno.test("a mark that holds an earlier mark, zeros or another sector takes nothing away", async () => {
  const log = await writeLog(PLAN);
  const contents = [new Uint8Array(SECTOR_BYTES), ...sectorsOf(log, "").map((place) => contentOf(log, place))];
  const earlier = await writeLog({ ...PLAN, synced: 20 });
  contents.push(earlier.files.get(MARK) ?? new Uint8Array(0));
  for (const [at, content] of contents.entries()) {
    const image = log.disk.crash();
    replaceSector(image, { path: MARK, sector: 0 }, content);
    const verdict = await startDamaged(log, image);
    assertEquals(verdict, { type: "Whole" }, `replacement ${at}`);
  }
});
