/** Keeps values from looking like records: a scan behind damage takes whatever begins like a record for one. */

import { RECORD_MAGIC } from "./wal_format.ts";

const [FIRST, SECOND, THIRD, LAST] = RECORD_MAGIC;
/** Spreads the bits of a checksum; any odd number would do. */
const SPREAD = 0x9e3779b1;

/** A body as it stands in a record: every four bytes are combined with `mask` by exclusive or. 0: as it came. */
export interface MaskedBody {
  readonly mask: number;
  readonly bytes: Uint8Array;
}

/**
 * The body with a mask under which the magic of a record stands nowhere in it. `seed` is not known to who chose the values: so
 * nobody can choose them for a mask, and the first one fits but for one body of 8 MiB in 500.
 */
export function maskBody(body: Uint8Array, seed: number): MaskedBody {
  if (!holdsMagic(body)) return { mask: 0, bytes: body };
  for (let count = 1;; count++) {
    const mask = Math.imul(seed + count, SPREAD) >>> 0;
    const bytes = applyMask(body, mask);
    if (mask !== 0 && !holdsMagic(bytes)) return { mask, bytes };
  }
}

/** A copy of `bytes` with the mask put on, or taken off. */
export function applyMask(bytes: Uint8Array, mask: number): Uint8Array {
  const masked = bytes.slice();
  if (mask === 0) return masked;
  for (let at = 0; at < masked.length; at++) masked[at] = (masked[at] ?? 0) ^ (mask >>> 8 * (at & 3));
  return masked;
}

/** Whether the magic stands in `bytes`, or would with the end of the header before them. Looks at every fourth byte (Horspool). */
function holdsMagic(bytes: Uint8Array): boolean {
  const [start] = bytes;
  if (start === SECOND || start === THIRD || start === LAST) return true;
  for (let at = RECORD_MAGIC.length - 1; at < bytes.length;) {
    const byte = bytes[at];
    if (byte === LAST && bytes[at - 1] === THIRD && bytes[at - 2] === SECOND && bytes[at - 3] === FIRST) return true;
    at += byte === THIRD ? 1 : byte === SECOND ? 2 : byte === FIRST ? 3 : 4;
  }
  return false;
}
