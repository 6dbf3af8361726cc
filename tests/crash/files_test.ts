/** One bit flipped in, or the end cut off, a snapshot or `RaftNode0.json`: what was written is found, or the file is named. */

import { Run } from "../../lib/raft/run.ts";
import { assert, assertEquals, assertGreater } from "@std/assert";
import { toIndex, toTerm } from "../../lib/raft/types.ts";
import { MemoryDisk } from "../support/memory/memory_disk.ts";
import { DIRECTORY, durableCopy, id, NODE_FILE, ONE, open, pathOf, SNAPSHOTS } from "../unit/storage/support.ts";
import { errorText, type Found, start } from "./outcome.ts";
import { blocksOf, entriesOf } from "./session.ts";
import { stringToBytes } from "../../lib/base/bytes.ts";

const SEGMENT_BYTES = 2_048;

/** A directory with two snapshots and a log that goes on, and what a start finds in it. */
async function writeDirectory(): Promise<{ disk: MemoryDisk; found: Found }> {
  const live = new MemoryDisk();
  const storage = await open(live, { segmentBytes: SEGMENT_BYTES });
  await storage.saveHardState({ currentTerm: toTerm(4), votedFor: 2 });
  storage.append(Run.of(entriesOf(1, 2, 12, 60)));
  await storage.sync();
  for (const index of [5, 8]) {
    const writer = storage.createSnapshot(id(index, 2), ONE);
    for (const block of blocksOf(id(index, 2))) writer.write(stringToBytes(block));
    await writer.finish();
    await storage.compact(toIndex(index));
  }
  await storage.close();
  const disk = durableCopy(live);
  const { outcome } = await start(disk.crash(), SEGMENT_BYTES);
  assert(outcome.type === "Opened");
  assertEquals([outcome.found.snapshot.id.index, outcome.found.lastIndex, outcome.found.hardState.votedFor], [
    8,
    12,
    2,
  ]);
  return { disk, found: outcome.found };
}

/** Starts on a damaged copy: the same is found (false), or `path` is named, at an offset inside it (true). */
async function isRefused(image: MemoryDisk, found: Found, path: string): Promise<boolean> {
  const size = image.contents(path)?.length ?? 0;
  const { outcome } = await start(image, SEGMENT_BYTES);
  if (outcome.type === "Opened") {
    assertEquals(outcome.found, found);
    return false;
  }
  assert(outcome.type === "Refused", errorText(outcome));
  assertEquals(outcome.error.file, path);
  assert(outcome.error.offset >= 0 && outcome.error.offset <= size, outcome.error.message);
  return true;
}

/** How many of the flipped bits of `path` are refused, and how many of its cuts; `step` leaves some out. */
async function damageEverywhere(path: string, step = 1): Promise<{ bits: number; flips: number; cuts: number }> {
  const { disk, found } = await writeDirectory();
  const bytes = disk.contents(path)?.length ?? 0;
  let [flips, cuts] = [0, 0];
  for (let bit = 0; bit < bytes * 8; bit += step) {
    const image = disk.crash();
    image.damage(path, (content) => content[bit >> 3] = (content[bit >> 3] ?? 0) ^ (1 << (bit & 7)));
    if (await isRefused(image, found, path)) flips += 1;
  }
  for (let length = 0; length < bytes; length += step) {
    const image = disk.crash();
    const file = image.open(path, "write");
    file.truncate(length);
    file.close();
    if (await isRefused(image, found, path)) cuts += 1;
  }
  return { bits: bytes * 8, flips, cuts };
}

Deno.test("every flipped bit and every cut of the newest snapshot is refused, by its name", async () => {
  const { bits, flips, cuts } = await damageEverywhere(pathOf(8, 2));
  assertGreater(bits, 8_000);
  assertEquals({ flips, cuts }, { flips: bits, cuts: bits / 8 });
});

Deno.test("every flipped bit and every cut of the vote is refused, by the name of its file", async () => {
  const { bits, flips, cuts } = await damageEverywhere(NODE_FILE);
  assertGreater(bits, 3_000);
  // Without its last byte, a line feed, the object is whole.
  assertEquals({ flips, cuts }, { flips: bits, cuts: bits / 8 - 1 });
});

Deno.test("the snapshot before the newest is not needed, whatever is in it", async () => {
  const { bits, flips, cuts } = await damageEverywhere(pathOf(5, 2), 5);
  assertGreater(bits, 8_000);
  assertEquals({ flips, cuts }, { flips: 0, cuts: 0 });
});

Deno.test("sectors of a snapshot that are zeros or another sector are refused, by its name", async () => {
  const { disk, found } = await writeDirectory();
  const path = pathOf(8, 2);
  const bytes = disk.contents(path) ?? new Uint8Array(0);
  const other = disk.contents(pathOf(5, 2)) ?? new Uint8Array(0);
  let refused = 0;
  for (let at = 0; at < bytes.length; at += 512) {
    for (
      const content of [new Uint8Array(512), other.slice(at, at + 512), bytes.slice(512 - at % 1024, 1024 - at % 1024)]
    ) {
      const image = disk.crash();
      image.damage(path, (target) => target.set(content.subarray(0, target.length - at), at));
      if (await isRefused(image, found, path)) refused += 1;
    }
  }
  assertGreater(refused, 5);
  assertEquals(disk.list(SNAPSHOTS).length, 2);
  assert(disk.exists(DIRECTORY));
});
