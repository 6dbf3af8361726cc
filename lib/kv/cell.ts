/** What a key leads to, and the record that others see of it. */

import type { Deadline } from "./deadlines.ts";

/** What a key leads to; changed in place, so that an overwrite does not touch the ordered index. */
export interface Cell {
  value: string;
  /** Log index of the entry that made the key, of the last one that changed it, and the number of changes, the first one included. */
  createRevision: number;
  revision: number;
  version: number;
  deadline: Deadline | undefined;
  /** Where its key stands in the list of keys. */
  place: number;
}

/** A key's value and revisions at one moment. */
export interface KeyRecord {
  readonly value: string;
  /** Log index of the entry that made the key. */
  readonly createRevision: number;
  /** Log index of the entry that changed it last. */
  readonly revision: number;
  /** Number of changes since it was made, that one included. */
  readonly version: number;
  /** When it expires, in milliseconds since 1970 of the cluster's time; undefined for never. */
  readonly expiresAt: number | undefined;
}

/** A copy of what a cell holds. */
export function recordOf({ value, createRevision, revision, version, deadline }: Cell): KeyRecord {
  return { value, createRevision, revision, version, expiresAt: deadline?.at };
}
