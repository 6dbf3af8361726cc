/**
 * JSON lists in which long byte strings stand behind the list, as they are: JSON makes six characters of one byte below 0x20,
 * so writing and reading 8 MiB of random bytes takes the event loop longer than everything else that is done with them.
 *
 * Without a long string this is plain JSON. With one, `[<length>]` stands in its place, and behind the list come a line feed,
 * which JSON text has none of, and the strings. In what follows the line feed `GUARDED` is followed by a zero byte, so that no
 * string can make the head of a record of the log. Strings that are full of `GUARDED` come in base64 behind a carriage return
 * instead: putting in and taking out millions of guards would take the event loop as long as the escapes of JSON.
 */

import { atob, btoa } from "node:buffer";

/** Strings from here on stand behind the list. Shorter ones are parts of no longer text, which they would keep in memory. */
export const LONG_BYTES_MIN = 65_536;

const END_OF_LIST = "\n";
const END_BEFORE_BASE64 = "\r";
const GUARD = "\0";
/** Where more than these are to be guarded, base64 is cheaper. Random bytes have one in two values of the longest length. */
const GUARDS_MAX = 1_024;
/** The first three of the four bytes that every record of the log begins with. */
const GUARDED = "\x01KR";
/** With a class for its last character: else it is searched for as a text, which takes ten times as long (55 ms for 8 MiB) where its first is frequent. */
const EVERY_GUARDED = new RegExp(GUARDED.replace("R", "[R]"), "g");

/** Writes a list of JSON values none of which is a list. */
export function writeList(items: readonly unknown[]): string {
  if (!items.some(isLong)) return JSON.stringify(items);
  let long = "";
  const listed = items.map((item) => {
    if (!isLong(item)) return item;
    long += item;
    return [item.length];
  });
  const head = JSON.stringify(listed);
  const guarded = guard(long);
  return guarded === undefined ? head + END_BEFORE_BASE64 + btoa(long) : head + END_OF_LIST + guarded;
}

/** Reads what `writeList` wrote; undefined for every other text. */
export function readList(text: string): unknown[] | undefined {
  const end = endOfList(text);
  const list = parse(end === undefined ? text : text.slice(0, end));
  if (!Array.isArray(list) || end === undefined) return Array.isArray(list) ? list : undefined;
  const tail = text.slice(end + 1);
  const long = text[end] === END_OF_LIST ? unguard(tail) : decodeBase64(tail);
  if (long === undefined) return undefined;
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
  const end = endOfList(text);
  return ESCAPE_BEYOND_BYTES.test(end === undefined ? text : text.slice(0, end));
}

const ESCAPE_BEYOND_BYTES = /\\u(?!00)/;

/** Where the list ends that strings stand behind; undefined where none do. */
function endOfList(text: string): number | undefined {
  const end = text.indexOf(END_OF_LIST);
  // Base64 has no line feeds, and JSON neither: a carriage return behind a line feed is one of a string.
  const found = end >= 0 ? end : text.indexOf(END_BEFORE_BASE64);
  return found >= 0 ? found : undefined;
}

/** The strings with a guard behind each `GUARDED`; undefined when there are too many of them. */
function guard(long: string): string | undefined {
  let guarded = "";
  let from = 0;
  let count = 0;
  for (const { index } of long.matchAll(EVERY_GUARDED)) {
    count += 1;
    if (count > GUARDS_MAX) return undefined;
    guarded += long.slice(from, index + GUARDED.length) + GUARD;
    from = index + GUARDED.length;
  }
  return guarded + long.slice(from);
}

/** What `guard` was given; undefined for what it does not make. */
function unguard(guarded: string): string | undefined {
  let long = "";
  let from = 0;
  let count = 0;
  for (const { index } of guarded.matchAll(EVERY_GUARDED)) {
    const end = index + GUARDED.length;
    count += 1;
    if (guarded[end] !== GUARD || count > GUARDS_MAX) return undefined;
    long += guarded.slice(from, end);
    from = end + GUARD.length;
  }
  return long + guarded.slice(from);
}

function decodeBase64(base64: string): string | undefined {
  try {
    const long = atob(base64);
    // Other forms of the same bytes are nothing that `writeList` writes.
    return btoa(long) === base64 ? long : undefined;
  } catch {
    return undefined; // No base64.
  }
}

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
