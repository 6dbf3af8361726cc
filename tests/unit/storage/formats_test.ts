/** The bytes on disk are those of docs/formats.md: a change of them needs a new version. */

import { assertEquals } from "@std/assert";
import { bytesToString } from "../../../lib/base/bytes.ts";
import { checksum } from "../../../lib/base/checksum.ts";
import { MemoryDisk } from "../../support/memory/memory_disk.ts";
import { entries, FIRST_SEGMENT, makeSnapshot, MARK, open, pathOf, write } from "./support.ts";

/** A file after two synced appends (terms 2 and 3, three entries in all) and a snapshot at index 2. */
async function fileOf(path: string): Promise<{ bytes: Uint8Array; words(from: number, count: number): number[] }> {
  const disk = new MemoryDisk();
  const storage = await open(disk);
  await write(storage, entries(1, 2, 2));
  await write(storage, entries(3, 3));
  await makeSnapshot(storage, 2, 2);
  const bytes = disk.contents(path) ?? new Uint8Array(0);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const words = (from: number, count: number): number[] => {
    return Array.from({ length: count }, (_, at) => view.getUint32(from + 4 * at, true));
  };
  return { bytes, words };
}

Deno.test("a segment is a header, then records", async () => {
  const { bytes, words } = await fileOf(FIRST_SEGMENT);
  assertEquals(bytesToString(bytes, 0, 8), "\x01KVWAL\x03\n");
  assertEquals(words(8, 14), [3, 1, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, checksum(bytes.subarray(0, 60))]);
  const body = "C\x13\0\0\0command 1 of term 2C\x13\0\0\0command 2 of term 2";
  assertEquals(bytesToString(bytes, 64, 68), "\x01KR\x03");
  const firstSum = checksum(bytes.subarray(64, 152));
  assertEquals(words(68, 22), [
    ...[3, body.length, 2, 1, 0, 0, 0, 0, 0, 1, 0, 2, 0, 0, 0, 1, 1, 64, 0],
    ...[checksum(bytes.subarray(156, 156 + body.length)), 0, firstSum],
  ]);
  assertEquals(bytesToString(bytes, 156, 156 + body.length), body);
  const second = 156 + body.length;
  const fields = words(second + 4, 18);
  assertEquals(fields, [3, 24, 1, 2, 0, 1, 0, 2, 0, 3, 0, 3, 0, 2, 0, 1, 1, second]);
  assertEquals(words(second + 76, 1), [firstSum]);
});

Deno.test("the mark tells number, index and position", async () => {
  const { bytes, words } = await fileOf(MARK);
  assertEquals(bytesToString(bytes, 0, 8), "\x01KVMRK\x03\n");
  const end = 156 + 48 + 92 + 24;
  assertEquals(words(8, 14), [3, 1, 2, 0, 3, 0, 1, end, 0, 0, 0, 0, 0, checksum(bytes.subarray(0, 60))]);
});

Deno.test("a snapshot is a head, blocks and a footer", async () => {
  const { bytes, words } = await fileOf(pathOf(2, 2));
  assertEquals(bytesToString(bytes, 0, 8), "\x01KVSNP\x02\n");
  const [version, length = 0] = words(8, 2);
  assertEquals(version, 1);
  const meta = JSON.parse(bytesToString(bytes, 16, 16 + length));
  assertEquals(Object.keys(meta), ["lastIncludedIndex", "lastIncludedTerm", "configuration"]);
  const block = 16 + length + 4;
  assertEquals(words(block, 2), [10, checksum(bytes.subarray(block + 8, block + 18))]);
  assertEquals(bytesToString(bytes, block + 8, block + 18), "state at 2");
  const footer = bytes.length - 32;
  assertEquals(bytesToString(bytes, footer, footer + 8), "\0\0\0\0KEND");
  assertEquals(words(footer + 8, 6), [
    ...[2, 0, checksum(bytes.subarray(0, footer)), 0, 0],
    checksum(bytes.subarray(footer, footer + 28)),
  ]);
});
