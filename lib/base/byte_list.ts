/** Byte strings one behind the other in a buffer, each after its length in 4 bytes (little-endian). */

import { bytesToString, writeString } from "./bytes.ts";

const LENGTH_BYTES = 4;

/** Writes a list into a buffer of exactly its length. */
export function encodeByteList(items: readonly string[]): Uint8Array {
  const bytes = new Uint8Array(items.reduce((sum, { length }) => sum + LENGTH_BYTES + length, 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const item of items) {
    view.setUint32(at, item.length, true);
    at += LENGTH_BYTES + writeString(item, bytes, at + LENGTH_BYTES);
  }
  return bytes;
}

/** Reads what `encodeByteList` wrote; undefined for all other bytes. Copies. */
export function decodeByteList(bytes: Uint8Array): string[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const items: string[] = [];
  let at = 0;
  while (at + LENGTH_BYTES <= bytes.length) {
    const start = at + LENGTH_BYTES;
    at = start + view.getUint32(at, true);
    if (at > bytes.length) return undefined;
    items.push(bytesToString(bytes, start, at));
  }
  return at === bytes.length ? items : undefined;
}
