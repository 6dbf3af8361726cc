/** Zero-filled ranges: writing them and finding where they begin. */

import { Buffer } from "node:buffer";
import type { DiskFile } from "./disk.ts";

const ZEROS = Buffer.alloc(1_048_576);
const PROBE_BYTES = 65_536;

/** Fills `from` to `to` (exclusive) with zeros. Throws as `writeAt`. */
export function writeZeros(file: DiskFile, { from, to }: { from: number; to: number }): void {
  for (let at = from; at < to; at += ZEROS.length) file.writeAt(at, ZEROS.subarray(0, Math.min(ZEROS.length, to - at)));
}

/** The offset behind the last byte at or after `from` that is not zero; `from` when there is none. */
export function endOfData(bytes: Uint8Array, from: number): number {
  let end = bytes.length;
  while (end > from) {
    const start = Math.max(from, end - PROBE_BYTES);
    if (Buffer.compare(bytes.subarray(start, end), ZEROS.subarray(0, end - start)) !== 0) break;
    end = start;
  }
  while (end > from && bytes[end - 1] === 0) end -= 1;
  return end;
}
