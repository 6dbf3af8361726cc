/** What a storage was told and what it acknowledged: all that a crash must be judged by. */

import { type Entry, type EntryId, type HardState, toTerm, ZERO_ENTRY_ID } from "../../lib/raft/types.ts";
import { canonicalConfiguration } from "../../lib/storage/canonical.ts";

/** One append; with `restart` the first after a snapshot that replaced a shorter or contradicting log (Raft 7). */
export interface Append {
  readonly entries: readonly Entry[];
  readonly restart: boolean;
}

/** A snapshot as it was made or sent. */
export interface KnownSnapshot {
  readonly id: EntryId;
  /** All blocks, joined. */
  readonly content: string;
}

/** No snapshot. */
export const NO_SNAPSHOT: KnownSnapshot = { id: ZERO_ENTRY_ID, content: "" };

/** An entry with everything in it, as text. */
export function textOf(entry: Entry): string {
  const id = `${entry.index}/${entry.term}`;
  if (entry.type === "NoOp") return id;
  if (entry.type === "Command") return `${id} ${entry.command}`;
  return `${id} ${JSON.stringify(canonicalConfiguration(entry.configuration))}`;
}

/** Everything asked of one directory, in order, over all its lives, and how much of it was acknowledged. */
export class History {
  /** Whether the directory was ever opened. */
  opened = false;
  appends: Append[] = [];
  /** How many of the appends a sync, or a recovery, has acknowledged. */
  acknowledged = 0;
  /** The last acknowledged one, then those asked for since. */
  hardStates: HardState[] = [{ currentTerm: toTerm(0), votedFor: undefined }];
  /** The newest that was acknowledged. */
  snapshot: KnownSnapshot = NO_SNAPSHOT;
  /** Those whose `finish` has not yet returned. */
  unfinished: KnownSnapshot[] = [];

  /** The log after the first `count` appends, as far as it follows the entry `snapshot`. */
  logAfter(count: number, snapshot: EntryId): readonly Entry[] {
    let log: Entry[] = [];
    for (const { entries, restart } of this.appends.slice(0, count)) {
      const first = entries[0]?.index ?? 0;
      log = restart ? [...entries] : [...log.filter((entry) => entry.index < first), ...entries];
    }
    const replaced = log.find((entry) => entry.index === snapshot.index);
    if (replaced !== undefined && replaced.term !== snapshot.term) return []; // Raft 7: the snapshot contradicts the log.
    return log.filter((entry) => entry.index > snapshot.index);
  }

  /** Takes up what a recovery has found: all of it is acknowledged now, and nothing else was ever there. */
  recover(found: { hardState: HardState; snapshot: KnownSnapshot; log: string }): void {
    let count = this.appends.length;
    while (count > 0 && logText(this.logAfter(count, found.snapshot.id)) !== found.log) count -= 1;
    this.opened = true;
    this.appends.length = count;
    this.acknowledged = count;
    this.hardStates = [found.hardState];
    this.snapshot = found.snapshot;
    this.unfinished = [];
  }
}

/** A whole log as text. */
export function logText(entries: readonly Entry[]): string {
  return entries.map(textOf).join("\n");
}
