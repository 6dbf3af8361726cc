/** Collects what the entry being applied does to keys, and makes one change of each key of it. */

import type { Change } from "./change.ts";
import type { KeyRecord } from "./key_record.ts";

/** A key as the entry found it. */
export interface FoundKey {
  readonly revision: number;
  /** Whether its deadline had come. */
  readonly isDue: boolean;
}

/** The touched keys of one entry. `Keyspace` tells of each before it changes. */
export class ChangeRecorder {
  readonly #found = new Map<string, FoundKey | undefined>();
  #tooMany = false;

  /** The entry is about to change or remove a key, which so far is `found`; undefined when it is not there. */
  touch(key: string, found: FoundKey | undefined): void {
    if (!this.#found.has(key)) this.#found.set(key, found);
  }

  /** The entry removes more keys than are told one by one. */
  tooMany(): void {
    this.#tooMany = true;
  }

  /**
   * The changes since the last call, and forgets them. `recordOf` gives what a key leads to now, one that is due included.
   * Undefined when they were too many.
   */
  take(recordOf: (key: string) => KeyRecord | undefined): readonly Change[] | undefined {
    const tooMany = this.#tooMany;
    this.#tooMany = false;
    if (this.#found.size === 0 && !tooMany) return NONE;
    const changes: Change[] = [];
    for (const [key, found] of this.#found) {
      const record = recordOf(key);
      const previousRevision = found?.revision;
      if (record !== undefined) changes.push({ type: "Put", key, record, previousRevision });
      // A key that the entry made and removed again was never there for anybody else.
      else if (found !== undefined) {
        changes.push({ type: found.isDue ? "Expire" : "Delete", key, record, previousRevision });
      }
    }
    this.#found.clear();
    return tooMany ? undefined : changes;
  }
}

const NONE: readonly Change[] = [];
