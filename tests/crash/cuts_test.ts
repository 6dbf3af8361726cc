/** A log whose file ends at each of its bytes. */

import { assertEquals, assertGreater } from "@std/assert";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";
import { SEGMENT_HEADER_BYTES } from "../../lib/storage/wal_format.ts";
import { durableCopy, FIRST_SEGMENT, MARK } from "../unit/storage/support.ts";
import { loadDamaged, startDamaged, writeLog, type WrittenLog } from "./damage.ts";
import { STARTED_EVERY } from "./settings.ts";
import { emptyTally, type Tally, tally } from "./tally.ts";

const SEGMENT_BYTES = 65_536;
/** Records of about 2 KiB that fill a segment, the last two not synced. */
const PLAN = { segmentBytes: SEGMENT_BYTES, synced: 28, unsynced: 2, bytes: 2_020 };

/** Cuts the log at each byte, from its end on. */
async function cutEverywhere(log: WrittenLog, prepare: (image: MemoryDisk) => void): Promise<Tally> {
  const result = emptyTally();
  const image = log.disk.crash();
  prepare(image);
  const file = image.open(FIRST_SEGMENT, "write");
  for (let length = SEGMENT_BYTES; length >= 0; length--) {
    file.truncate(length);
    tally(result, await loadDamaged(log, image), `cut at ${length}`);
    if (length % STARTED_EVERY === 0) {
      tally(emptyTally(), await startDamaged(log, durableCopy(image)), `start, cut at ${length}`);
    }
  }
  return result;
}

/** Offset behind the last acknowledged record, and behind the last one. */
function endsOf({ records, acknowledged }: WrittenLog): { acknowledgedEnd: number; end: number } {
  return { acknowledgedEnd: records[acknowledged - 1]?.end ?? 0, end: records.at(-1)?.end ?? 0 };
}

Deno.test("a log cut at any byte is refused when an acknowledged record is touched, as long as the mark is there", async () => {
  const log = await writeLog(PLAN);
  const { acknowledgedEnd, end } = endsOf(log);
  assertGreater(acknowledgedEnd, 50_000);
  assertEquals(log.records.at(-1)?.path, FIRST_SEGMENT);
  assertEquals(await cutEverywhere(log, () => {}), {
    refused: acknowledgedEnd,
    shorter: end - acknowledgedEnd,
    whole: SEGMENT_BYTES + 1 - end,
    unprovable: 0,
  });
});

Deno.test("without the mark a log cut at any byte is the log up to there, since nothing is left to prove more", async () => {
  const log = await writeLog(PLAN);
  const { acknowledgedEnd, end } = endsOf(log);
  assertEquals(await cutEverywhere(log, (image) => image.remove(MARK)), {
    // Without the header of the segment there is no log, and the node has a term.
    refused: SEGMENT_HEADER_BYTES,
    unprovable: acknowledgedEnd - SEGMENT_HEADER_BYTES,
    shorter: end - acknowledgedEnd,
    whole: SEGMENT_BYTES + 1 - end,
  });
});
