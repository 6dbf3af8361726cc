/** Collects what the entry being applied does to keys, and makes one change of each key of it. */

import { type Change, REPLACED_BYTES_TOLD_MAX } from "./change.ts";
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
  #replacedBytes = 0;

  /**
   * Whether to `touch` a key whose value has so many bytes: not one that was touched before, nor any once they are too many. To be asked
   * before the record is copied, since one entry may remove more than the memory holds twice.
   */
  wants(key: string, valueBytes: number): boolean {
    if (this.#tooMany || key === this.#first || this.#others.has(key)) return false;
    this.#replacedBytes += valueBytes;
    if (this.#replacedBytes <= REPLACED_BYTES_TOLD_MAX) return true;
    this.tooMany();
    return false;
  }

  /** The entry is about to change or remove a key that it wants, which so far is `found`; undefined when it is not there. */
  touch(key: string, found: FoundKey | undefined): void {
    if (this.#first === undefined) {
      this.#first = key;
      this.#firstFound = found;
    } else this.#others.set(key, found);
  }

  /** The entry changes more than is told one by one: forgets what was touched. */
  tooMany(): void {
    this.#tooMany = true;
    this.#forget();
  }

  /**
   * The changes since the last call, and forgets them. `recordOf` gives what a key leads to now, one that is due included.
   * Undefined when they were too many.
   */
  take(recordOf: (key: string) => KeyRecord | undefined): readonly Change[] | undefined {
    const tooMany = this.#tooMany;
    this.#tooMany = false;
    this.#replacedBytes = 0;
    if (tooMany) return undefined;
    const first = this.#first;
    if (first === undefined) return NONE;
    const changes: Change[] = [];
    addChange(changes, { key: first, found: this.#firstFound, record: recordOf(first) });
    for (const [key, found] of this.#others) addChange(changes, { key, found, record: recordOf(key) });
    this.#forget();
    return changes;
  }

  #forget(): void {
    this.#first = undefined;
    this.#firstFound = undefined;
    if (this.#others.size > 0) this.#others.clear();
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
