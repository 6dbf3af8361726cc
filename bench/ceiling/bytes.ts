/** Copying and hashing of byte arrays: what the hot path of the ceiling is made of. Nothing here makes an object. */

/** From this length on `set` with the view that it needs beats a loop. */
const LOOP_BYTES_MAX = 192;

/** Copies `length` bytes of `from` at `start` into `to` at `target`. */
export function copyBytes(from: Uint8Array, start: number, length: number, to: Uint8Array, target: number): void {
  if (length > LOOP_BYTES_MAX) {
    to.set(from.subarray(start, start + length), target);
    return;
  }
  for (let at = 0; at < length; at++) to[target + at] = from[start + at] ?? 0;
}

/** A buffer that holds what `bytes` holds up to `used`, with room for `need` more. */
export function withRoom(bytes: Uint8Array<ArrayBuffer>, used: number, need: number): Uint8Array<ArrayBuffer> {
  if (used + need <= bytes.length) return bytes;
  const larger = new Uint8Array(Math.max(bytes.length * 2, used + need));
  larger.set(bytes.subarray(0, used));
  return larger;
}

/** A little-endian number of 32 bits. */
export function readUint32(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] ?? 0) | (bytes[at + 1] ?? 0) << 8 | (bytes[at + 2] ?? 0) << 16;
  return (low | (bytes[at + 3] ?? 0) << 24) >>> 0;
}

/** Writes a little-endian number of 32 bits. */
export function writeUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 255;
  bytes[at + 1] = value >>> 8 & 255;
  bytes[at + 2] = value >>> 16 & 255;
  bytes[at + 3] = value >>> 24;
}

/** FNV-1a with the finish of MurmurHash3: its top bits choose a shard and its low bits a slot, so all must be good. */
export function hashBytes(bytes: Uint8Array, start: number, length: number): number {
  let hash = 0x9e3779b9 ^ length;
  const end = start + length;
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x01000193);
  hash ^= hash >>> 15;
  hash = Math.imul(hash, 0x85ebca6b);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
