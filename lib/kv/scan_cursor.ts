/**
 * Cursors of SCAN: numbers below 2^53, as clients want them, that stand for the last key that was returned.
 *
 * A cursor is a hash of that key, so every node understands it: by its memory of what it gave out, else by a search through
 * the keys. A key that is gone since, on a node that never gave the cursor out, begins the scan anew: SCAN may return a key
 * twice and must not leave one out.
 */

import { isShown, type Shown } from "./rights.ts";

/** Cursors that are remembered; one not remembered is searched for. */
const REMEMBERED_MAX = 10_000;
const HIGH_BITS = 20;

/** The cursor behind a key: from 1 to 2^52. */
export function cursorOf(key: string): number {
  let low = 0x811c9dc5;
  let high = 0x9e3779b1;
  for (let at = 0; at < key.length; at++) {
    const code = key.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ code, 0x85ebca6b);
    high = (high << 13) | (high >>> 19);
  }
  return (high >>> (32 - HIGH_BITS)) * 2 ** 32 + (low >>> 0) + 1;
}

/** The cursors that a node gave out last. */
export class CursorMemory {
  readonly #keys = new Map<number, string>();

  /** Notes the key of a cursor that is given out. */
  add(cursor: number, key: string): void {
    this.#keys.delete(cursor);
    this.#keys.set(cursor, key);
    if (this.#keys.size <= REMEMBERED_MAX) return;
    const oldest = this.#keys.keys().next();
    if (oldest.done !== true) this.#keys.delete(oldest.value);
  }

  /** The key of a cursor; undefined when it was not given out or is forgotten. */
  get(cursor: number): string | undefined {
    return this.#keys.get(cursor);
  }
}

/**
 * The key that a cursor stands for; undefined when it is gone and nobody remembers, and for every key that is not in `shown`, from which
 * `readable` comes: anybody can work out the cursor of a key, and is not to learn whether that is there.
 */
export function findCursor(
  cursor: number,
  { readable, shown, memory }: {
    readonly readable: Iterable<string>;
    readonly shown: Shown;
    readonly memory: CursorMemory | undefined;
  },
): string | undefined {
  const known = memory?.get(cursor);
  if (known !== undefined && isShown(shown, known)) return known;
  for (const key of readable) if (cursorOf(key) === cursor) return key;
  return undefined;
}
