/** What a node tells of changes, in the order of the log. `ChangeFeed` in change_feed.ts makes it. */

import type { Change } from "../../kv/change.ts";

/** What one entry of the log changed. */
export interface RevisionChanges {
  readonly revision: number;
  /** Each key once, in the order in which the entry touched them first. Not empty. */
  readonly changes: readonly Change[];
}

/** Told that there is something new, and looks for it with `since`. Never throws. */
export interface ChangeWatcher {
  /** Entries were applied, or the state jumped: at the end of the turn, once for all of them. */
  changed(): void;
  /** The node is stopping: nothing more is told. */
  ended(): void;
}

/** The changes of a node, with a bounded history. */
export interface Changes {
  /** Oldest revision of which `since` still knows everything behind it: `since(r)` answers for every r from it to `newest`. */
  readonly oldest: number;
  /** The last entry applied. */
  readonly newest: number;
  /**
   * Everything that was changed behind `revision`, oldest first; undefined when that is not known: it is too long ago, a
   * snapshot of the leader took the place of the state, or it lies ahead. To be gone through in the same turn.
   */
  since(revision: number): Iterable<RevisionChanges> | undefined;
  /** Tells `watcher` of what is applied from now on. Returns how to end that. */
  watch(watcher: ChangeWatcher): () => void;
}
