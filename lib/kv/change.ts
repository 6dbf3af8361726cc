/** What an entry did to keys, for those who watch. */

import type { KeyRecord } from "./cell.ts";

/** One key after one entry: an entry that touches a key several times gives one change of it. */
export interface Change {
  /** `Expire` is a removal because the key's deadline had come. */
  readonly type: "Put" | "Delete" | "Expire";
  readonly key: string;
  /** The key as the entry left it; undefined after a removal. */
  readonly record: KeyRecord | undefined;
  /** Revision of the key before the entry; undefined when it was not there. */
  readonly previousRevision: number | undefined;
}
