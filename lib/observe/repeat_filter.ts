/** Folds a log line that comes again and again into one with a count. */

/** Equal lines in one window that are shown one by one. */
export const SHOWN_REPEATS_MAX = 10;
/** Length of a window in ms; it begins with the first line. */
export const REPEAT_WINDOW_MS = 10_000;
/** Different lines that are remembered; beyond them all are shown, since what differs is no repetition. */
export const REMEMBERED_LINES_MAX = 256;

interface Repeated<T> {
  readonly since: number;
  readonly line: T;
  count: number;
}

/** A line that was held back `count` times. */
export interface Folded<T> {
  readonly line: T;
  readonly count: number;
}

/**
 * Counts lines by a key of theirs. There is no timer: what was held back is told of before the next line of any kind that
 * comes after the window, or at the end.
 */
export class RepeatFilter<T> {
  readonly #seen = new Map<string, Repeated<T>>();

  /** Whether the line is to be shown. Ask `due` before. */
  pass(key: string, { line, now }: { readonly line: T; readonly now: number }): boolean {
    const known = this.#seen.get(key);
    if (known !== undefined) {
      known.count += 1;
      return known.count <= SHOWN_REPEATS_MAX;
    }
    if (this.#seen.size < REMEMBERED_LINES_MAX) this.#seen.set(key, { since: now, line, count: 1 });
    return true;
  }

  /** Forgets windows that are over at `now` (all of them for Infinity) and returns what was held back in them. */
  due(now: number): readonly Folded<T>[] {
    const folded: Folded<T>[] = [];
    // Windows began in the order of the map, so the first one that is still open ends the search.
    for (const [key, { since, line, count }] of this.#seen) {
      // A clock that was set back must not keep a window open for ever.
      if (now - since < REPEAT_WINDOW_MS && now >= since) break;
      this.#seen.delete(key);
      if (count > SHOWN_REPEATS_MAX) folded.push({ line, count: count - SHOWN_REPEATS_MAX });
    }
    return folded;
  }
}
