/** Integers in headers: little-endian, 64-bit ones as safe integers. */

import { checksum } from "../base/checksum.ts";

const TWO_TO_32 = 4_294_967_296;

/** A `DataView` over exactly the bytes of `bytes`. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Writes a non-negative safe integer as 8 bytes at `offset`. */
export function setUint53(view: DataView, { offset, value }: { offset: number; value: number }): void {
  view.setUint32(offset, value % TWO_TO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_TO_32), true);
}

/** Reads 8 bytes. Above 2^53 the result is not exact, but a header with a valid checksum never holds such a value. */
export function getUint53(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_TO_32;
}

/** Writes into the last 4 bytes of `block` the checksum of all before them, and returns it. */
export function seal(block: Uint8Array): number {
  const sum = checksum(block.subarray(0, block.length - 4));
  viewOf(block).setUint32(block.length - 4, sum, true);
  return sum;
}

/** Tells whether the last 4 bytes of `block` are the checksum of all before them. */
export function isSealed(block: Uint8Array): boolean {
  return viewOf(block).getUint32(block.length - 4, true) === checksum(block.subarray(0, block.length - 4));
}

/** Tells whether `bytes` has `magic` at `offset`. */
export function hasMagic(bytes: Uint8Array, { magic, offset }: { magic: Uint8Array; offset: number }): boolean {
  if (offset + magic.length > bytes.length) return false;
  for (let at = 0; at < magic.length; at++) if (bytes[offset + at] !== magic[at]) return false;
  return true;
}

/** All of `parts`, one behind the other. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
