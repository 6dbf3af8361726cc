/** What a node tells of changes, in the order of the log. `ChangeFeed` in change_feed.ts makes it. */

import type { Change } from "../kv/change.ts";

/** Told of changes as entries are applied, synchronously and at the end of the turn at the latest. Never throws. */
export interface ChangeWatcher {
  /** Entry `revision` was applied and changed keys: each once, in the order in which they were changed first. */
  changed(revision: number, changes: readonly Change[]): void;
  /** The state jumped to `revision` without its entries (a snapshot of the leader): what came between is not known here. */
  jumped(revision: number): void;
}

/** The changes of a node, with a bounded history. */
export interface Changes {
  /** Oldest revision of which `since` still knows everything behind it: `since(r)` answers for every r at or above it. */
  readonly oldest: number;
  /** The last entry applied. */
  readonly newest: number;
  /** Everything that was changed behind `revision`, oldest first; undefined when that is not known any more. */
  since(revision: number): Iterable<{ readonly revision: number; readonly changes: readonly Change[] }> | undefined;
  /** Tells `watcher` of what is applied from now on. Returns how to end that. */
  watch(watcher: ChangeWatcher): () => void;
}
