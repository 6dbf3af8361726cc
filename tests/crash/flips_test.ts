/** One bit that is not what was written, wherever it is. */

import { assertEquals, assertGreater } from "@std/assert";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { SEGMENT_HEADER_BYTES } from "../../lib/storage/wal_format.ts";
import { durableCopy, FIRST_SEGMENT, MARK } from "../unit/storage/support.ts";
import { loadDamaged, startDamaged, writeLog, type WrittenLog } from "./damage.ts";
import { STARTED_EVERY } from "./settings.ts";
import { emptyTally, type Tally, tally } from "./tally.ts";

const SEGMENT_BYTES = 16_384;
const HALF_BYTES = 8_192;
const SMALL_BYTES = 2_048;
const BITS = SEGMENT_BYTES * 8;
const PLAN = { segmentBytes: HALF_BYTES, synced: 6, unsynced: 0, bytes: 1_020 };

/** Flips each bit of `path` in turn. */
async function flipEverywhere(log: WrittenLog, path: string, prepare: (image: MemoryDisk) => void): Promise<Tally> {
  const result = emptyTally();
  const image = log.disk.crash();
  prepare(image);
  const bits = 8 * (image.contents(path)?.length ?? 0);
  for (let bit = 0; bit < bits; bit++) {
    flip(image, path, bit);
    tally(result, await loadDamaged(log, image), `bit ${bit} of ${path}`);
    if (bit % STARTED_EVERY === 0) {
      tally(emptyTally(), await startDamaged(log, durableCopy(image)), `start, bit ${bit} of ${path}`);
    }
    flip(image, path, bit);
  }
  return result;
}

function flip(image: MemoryDisk, path: string, bit: number): void {
  image.damage(path, (bytes) => bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
}

/** Bits of the segment header and of the records `from` to `to` (numbers, both included). */
function bitsOf({ records }: WrittenLog, from: number, to: number): number {
  return records.slice(from - 1, to).reduce((sum, { start, end }) => sum + 8 * (end - start), 0);
}

const HEADER_BITS = 8 * SEGMENT_HEADER_BYTES;

Deno.test("every flipped bit of an acknowledged record is refused, and no other", async () => {
  const log = await writeLog({ segmentBytes: SEGMENT_BYTES, synced: 11, unsynced: 2, bytes: 1_020 });
  const acknowledged = bitsOf(log, 1, 11) + HEADER_BITS;
  assertGreater(acknowledged, 90_000);
  const expected = { refused: acknowledged, shorter: bitsOf(log, 12, 13), unprovable: 0 };
  const whole = BITS - acknowledged - expected.shorter;
  assertEquals(await flipEverywhere(log, FIRST_SEGMENT, () => {}), { ...expected, whole });
});

Deno.test("what stands behind the last acknowledged record proves it as well as the mark does", async () => {
  const log = await writeLog({ segmentBytes: SMALL_BYTES, synced: 5, unsynced: 2, bytes: 60 });
  const acknowledged = bitsOf(log, 1, 5) + HEADER_BITS;
  const shorter = bitsOf(log, 6, 7);
  const expected = { refused: acknowledged, shorter, unprovable: 0, whole: 8 * SMALL_BYTES - acknowledged - shorter };
  assertEquals(await flipEverywhere(log, FIRST_SEGMENT, (image) => image.remove(MARK)), expected);
});

Deno.test("without the mark only damage of the last acknowledged record goes unnoticed, when nothing follows it", async () => {
  const log = await writeLog(PLAN);
  const last = bitsOf(log, 6, 6);
  assertEquals(await flipEverywhere(log, FIRST_SEGMENT, (image) => image.remove(MARK)), {
    refused: HEADER_BITS + bitsOf(log, 1, 5),
    unprovable: last,
    shorter: 0,
    whole: 8 * HALF_BYTES - HEADER_BITS - bitsOf(log, 1, 6),
  });
});

Deno.test("a flipped bit of the mark changes nothing", async () => {
  const log = await writeLog(PLAN);
  assertEquals(await flipEverywhere(log, MARK, () => {}), { refused: 0, unprovable: 0, shorter: 0, whole: 512 });
});
