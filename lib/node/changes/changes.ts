/** What a node tells of changes, in the order of the log. `ChangeFeed` in change_feed.ts makes it. */

import type { Change } from "../../kv/change.ts";
import type { KeyRecord } from "../../kv/key_record.ts";

/** What one entry of the log changed. */
export interface RevisionChanges {
  readonly revision: number;
  /** Each key once, in the order in which the entry touched them first. Not empty. */
  readonly changes: readonly Change[];
}

/** One change of a key. */
export interface KeyChange {
  readonly revision: number;
  readonly change: Change;
}

/** Keys that were changed behind a revision. */
export interface PastKeys {
  /** In no order. */
  readonly keys: readonly string[];
  /** What one of them was at that revision, undefined when it was not there. To be asked in the same turn. */
  recordOf(key: string): KeyRecord | undefined;
}

/** When a key is looked at. */
export interface Moment {
  /** From `oldest` to `newest`. */
  readonly revision: number;
  /** What the state has of the key now, also where its deadline has come; undefined when it is not there. */
  readonly current: KeyRecord | undefined;
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
  /**
   * The key as the entry `revision` left it; undefined when it was not there. A key whose deadline has come is there until an entry
   * removes it.
   */
  recordAt(key: string, moment: Moment): KeyRecord | undefined;
  /** What is known of how the key came to be `current`, newest first: every change behind `oldest`. To be gone through in the same turn. */
  changesOf(key: string, current: KeyRecord | undefined): Iterable<KeyChange>;
  /** The keys with a prefix that were changed behind `revision`, which is from `oldest` to `newest`: `countMax` of them and one at most. */
  pastOf(revision: number, wanted: { readonly prefix: string; readonly countMax: number }): PastKeys;
  /** Tells `watcher` of what is applied from now on. Returns how to end that. */
  watch(watcher: ChangeWatcher): () => void;
}
