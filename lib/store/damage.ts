/**
 * Bits that change in memory without anybody's doing, for the tests of what finds them. In production none is ever asked for, and a look-up of
 * a record makes one comparison more. No site of `base/faults.ts`: what is planted here is no lawful event, and breaks promises until it is found.
 */

import { unreachable } from "../base/assert.ts";
import type { Deadlines } from "./deadlines.ts";
import type { Order } from "./order.ts";
import { ENTRY_BYTES } from "./page.ts";
import type { RecordView } from "./record.ts";
import { HEAD_BYTES, UNIT_BYTES } from "./segment.ts";
import { SLOT_BYTES } from "./shard.ts";

/** What a bit of is changed. */
export type DamageSite = "Key" | "Value" | "Revision" | "Deadline" | "Hash" | "Place" | "Order" | "Due";

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

/** Changes one bit of what was asked for, of a record that was found. */
export function damageRecord(
  record: RecordView,
  { order, deadlines }: { readonly order: Order; readonly deadlines: Deadlines },
): void {
  const site = damageAsked;
  damageAsked = undefined;
  const { segment, unit, large, shard, slot } = record;
  const { bytes } = segment;
  // Before the key changes by which it is found.
  const place = order.locate(record.key);
  const due = deadlines.locate({ key: record.key, at: record.deadline });
  const table = new Uint8Array(shard.table.buffer);
  switch (site) {
    case "Key":
      return flip(bytes, segment.keyAt(unit));
    case "Value":
      return large === undefined ? flip(bytes, segment.valueAt(unit)) : flip(large.bytes, 0);
    case "Revision":
      return flip(bytes, unit * UNIT_BYTES);
    case "Deadline":
      return flip(bytes, unit * UNIT_BYTES + HEAD_BYTES + 5);
    case "Hash":
      return flip(table, SLOT_BYTES * slot);
    case "Place":
      return flip(table, SLOT_BYTES * slot + SLOT_BYTES / 2);
    case "Order":
      return flip(place.leaf.bytes, ENTRY_BYTES * place.at);
    case "Due":
      return flip(due.leaf.bytes, ENTRY_BYTES * due.at);
    case undefined:
      return;
    default:
      return unreachable(site);
  }
}

function flip(bytes: Uint8Array, at: number): void {
  bytes[at] = (bytes[at] ?? 0) ^ 1;
}
