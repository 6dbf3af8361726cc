/** Collects what the entry being applied does to keys, and makes one change of each key of it. */

import type { Change } from "./change.ts";
import type { KeyRecord } from "./key_record.ts";

/** A key as the entry found it. */
export interface FoundKey {
  readonly record: KeyRecord;
  /** Whether its deadline had come. */
  readonly isDue: boolean;
}

/** The touched keys of one entry. `Keyspace` tells of each before it changes. */
export class ChangeRecorder {
  /** Nearly every entry touches one key: a map would have to hash it, and is made anew whenever it is emptied. */
  #first: string | undefined;
  #firstFound: FoundKey | undefined;
  readonly #others = new Map<string, FoundKey | undefined>();
  #tooMany = false;

  /** The entry is about to change or remove a key, which so far is `found`; undefined when it is not there. */
  touch(key: string, found: FoundKey | undefined): void {
    if (this.#first === undefined) {
      this.#first = key;
      this.#firstFound = found;
    } else if (key !== this.#first && !this.#others.has(key)) this.#others.set(key, found);
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
    const first = this.#first;
    if (first === undefined) return tooMany ? undefined : NONE;
    const changes: Change[] = [];
    addChange(changes, { key: first, found: this.#firstFound, record: recordOf(first) });
    this.#first = undefined;
    this.#firstFound = undefined;
    if (this.#others.size > 0) {
      for (const [key, found] of this.#others) addChange(changes, { key, found, record: recordOf(key) });
      this.#others.clear();
    }
    return tooMany ? undefined : changes;
  }
}

const NONE: readonly Change[] = [];

interface Touched {
  readonly key: string;
  readonly found: FoundKey | undefined;
  readonly record: KeyRecord | undefined;
}

function addChange(changes: Change[], { key, found, record }: Touched): void {
  const previous = found?.record;
  const previousRevision = previous?.revision;
  if (record !== undefined) changes.push({ type: "Put", key, record, previousRevision, previous });
  // A key that the entry made and removed again was never there for anybody else.
  else if (found !== undefined) {
    changes.push({ type: found.isDue ? "Expire" : "Delete", key, record, previousRevision, previous });
  }
}
