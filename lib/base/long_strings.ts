/**
 * JSON lists in which long byte strings stand behind the list, as they are: JSON makes six characters of one byte below 0x20,
 * so writing and reading 8 MiB of random bytes takes the event loop longer than everything else that is done with them.
 *
 * Without a long string this is plain JSON. With one, `[<length>]` stands in its place, and behind the list come a line feed,
 * which JSON text has none of, and the strings. In what follows the line feed `GUARDED` is followed by a zero byte, so that no
 * string can make the head of a record of the log.
 */

/** Strings from here on stand behind the list. Shorter ones are parts of no longer text, which they would keep in memory. */
export const LONG_BYTES_MIN = 65_536;

const END_OF_LIST = "\n";
/** The first three of the four bytes that every record of the log begins with. */
const GUARDED = "\x01KR";
const GUARD = "\0";

/** Writes a list of JSON values none of which is a list. */
export function writeList(items: readonly unknown[]): string {
  if (!items.some(isLong)) return JSON.stringify(items);
  let long = "";
  const listed = items.map((item) => {
    if (!isLong(item)) return item;
    long += item;
    return [item.length];
  });
  return JSON.stringify(listed) + END_OF_LIST + long.replaceAll(GUARDED, GUARDED + GUARD);
}

/** Reads what `writeList` wrote; undefined for every other text. */
export function readList(text: string): unknown[] | undefined {
  const end = text.indexOf(END_OF_LIST);
  const list = parse(end < 0 ? text : text.slice(0, end));
  if (!Array.isArray(list) || end < 0) return Array.isArray(list) ? list : undefined;
  const guarded = text.slice(end + END_OF_LIST.length);
  const long = guarded.replaceAll(GUARDED + GUARD, GUARDED);
  if (long.replaceAll(GUARDED, GUARDED + GUARD) !== guarded) return undefined;
  let at = 0;
  for (const [place, item] of list.entries()) {
    if (!Array.isArray(item)) continue;
    const [length]: readonly unknown[] = item;
    if (item.length !== 1 || typeof length !== "number" || !Number.isInteger(length)) return undefined;
    if (length < LONG_BYTES_MIN || at + length > long.length) return undefined;
    list[place] = long.slice(at, at + length);
    at += length;
  }
  // A list without a long string has nothing behind it.
  return at > 0 && at === long.length ? list : undefined;
}

/** Whether a text of `writeList` may hold characters that are no bytes: only an escape makes them. */
export function mayBeWide(text: string): boolean {
  const end = text.indexOf(END_OF_LIST);
  return ESCAPE_BEYOND_BYTES.test(end < 0 ? text : text.slice(0, end));
}

const ESCAPE_BEYOND_BYTES = /\\u(?!00)/;

function isLong(item: unknown): item is string {
  return typeof item === "string" && item.length >= LONG_BYTES_MIN;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // Not JSON: the answer is the same as for JSON of another shape.
  }
}
