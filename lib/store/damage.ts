/**
 * Bits that change in memory without anybody's doing, for the tests of what finds them. In production none is ever asked for, and a look-up of
 * a record makes one comparison more. No site of `base/faults.ts`: what is planted here is no lawful event, and breaks promises until it is found.
 */

import type { RecordView } from "./record.ts";

/** What a bit of is changed. */
export type DamageSite = "Value";

/** What the next look-up of a record changes of it. */
export let damageAsked: DamageSite | undefined;

/** Within `look`, the first record of any store that is found is damaged. */
export function damageMemory(site: DamageSite, look: () => void): void {
  damageAsked = site;
  try {
    look();
  } finally {
    damageAsked = undefined;
  }
}

/** Changes one bit of what was asked for in a record that was found. */
export function damageRecord({ segment, unit, large }: RecordView): void {
  damageAsked = undefined;
  if (large === undefined) flip(segment.bytes, segment.valueAt(unit));
  else flip(large.bytes, 0);
}

function flip(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
