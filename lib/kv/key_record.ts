/** What is known of a key at one moment. */

import { bytesToString } from "../base/bytes.ts";
import type { RecordView } from "../store/record.ts";

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

/** A copy of what a record of the store holds. */
export function recordOf(view: RecordView): KeyRecord {
  const { createRevision, revision, version, deadline, value: { bytes, start, end } } = view;
  const expiresAt = deadline === 0 ? undefined : deadline;
  return { value: bytesToString(bytes, start, end), createRevision, revision, version, expiresAt };
}
