/** The one log that the cluster agreed on, as its first applications showed it. */

import type { Entry } from "../../../../lib/raft/types.ts";

/** Grows by what is applied for the first time. */
export class CommittedLog {
  /** By index - 1. */
  readonly entries: Entry[] = [];

  /** Index of the last entry. */
  get lastIndex(): number {
    return this.entries.length;
  }

  /** The entry at an index. */
  at(index: number): Entry | undefined {
    return this.entries[index - 1];
  }

  /** Takes the next entry. */
  append(entry: Entry): void {
    this.entries.push(entry);
  }
}
