/** Files of a data directory as a program of another format version would have written them: checksums included. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { checksum } from "../../lib/base/checksum.ts";
import { seal, viewOf } from "../../lib/storage/binary.ts";
import type { DiskFile } from "../../lib/storage/disk.ts";
import {
  BLOCK_HEADER_BYTES,
  encodeBlockHeader,
  encodeFooter,
  encodeSnapshotHead,
  readSnapshot,
} from "../../lib/storage/snapshot_format.ts";
import { MARK_BYTES, RECORD_HEADER_BYTES, RECORD_MAGIC, SEGMENT_HEADER_BYTES } from "../../lib/storage/wal_format.ts";

/** A segment, or a mark, whose head has `version`. */
export function headOfVersion(file: Uint8Array, version: number): Uint8Array {
  const bytes = file.slice();
  viewOf(bytes).setUint32(8, version, true);
  seal(bytes.subarray(0, Math.min(bytes.length, SEGMENT_HEADER_BYTES, MARK_BYTES)));
  return bytes;
}

/** A segment whose record at `offset` has `version`. */
export function recordOfVersion(
  file: Uint8Array,
  { offset, version }: { offset: number; version: number },
): Uint8Array {
  const bytes = file.slice();
  viewOf(bytes).setUint16(offset + 4, version, true);
  seal(bytes.subarray(offset, offset + RECORD_HEADER_BYTES));
  return bytes;
}

/** Where the records of a segment begin. */
export function recordsIn(file: Uint8Array): readonly number[] {
  const [text, magic] = [bytesToString(file), bytesToString(RECORD_MAGIC)];
  const found: number[] = [];
  for (let at = text.indexOf(magic); at >= 0; at = text.indexOf(magic, at + 1)) found.push(at);
  return found;
}

/** A snapshot whose head has `version`. */
export function snapshotOfVersion(file: Uint8Array, version: number): Uint8Array {
  const bytes = file.slice();
  const view = viewOf(bytes);
  view.setUint32(8, version, true);
  seal(bytes.subarray(0, 16 + view.getUint32(12, true) + 4));
  return bytes;
}

/** A snapshot of a state whose first block `change` has rewritten. */
export function snapshotOfState(file: DiskFile, change: (firstBlock: string) => string): Uint8Array {
  const blocks: string[] = [];
  const reading = readSnapshot(file);
  for (let step = reading.next();; step = reading.next()) {
    if (step.done === true) return assemble(encodeSnapshotHead(step.value), blocks);
    const block = bytesToString(step.value);
    blocks.push(blocks.length === 0 ? change(block) : block);
  }
}

/** A node file of another format, with the checksum that every format has. */
export function nodeFileOfVersion(file: Uint8Array, version: number): Uint8Array {
  const { checksum: _, ...content } = JSON.parse(new TextDecoder().decode(file));
  const other = { ...content, format: version };
  const sum = checksum(new TextEncoder().encode(JSON.stringify(other))).toString(16).padStart(8, "0");
  return new TextEncoder().encode(`${JSON.stringify({ ...other, checksum: sum }, undefined, 2)}\n`);
}

function assemble(head: Uint8Array, blocks: readonly string[]): Uint8Array {
  let text = bytesToString(head);
  for (const block of blocks) {
    const header = new Uint8Array(BLOCK_HEADER_BYTES);
    encodeBlockHeader(stringToBytes(block), header);
    text += bytesToString(header) + block;
  }
  return stringToBytes(text + bytesToString(encodeFooter(blocks.length, checksum(stringToBytes(text)))));
}
