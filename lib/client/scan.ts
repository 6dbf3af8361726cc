/** Keys in byte order, page by page: each page begins behind the last key of the one before, so that no key comes twice. */

import { bytesOf, KeyEntry, listOf } from "./entries.ts";
import { ServerError } from "./errors.ts";
import { SCAN_PAGE_BYTES, SCAN_PAGE_FIRST, SCAN_PAGE_MAX } from "./limits.ts";
import type { Reply } from "./replies.ts";
import type { OperationOptions } from "./scope.ts";
import { type Bytes, keyAfter, type Word } from "./words.ts";

/** Which keys: those with a `prefix`, or those from `start` (included) to `end` (left out), or all. */
export interface ScanOptions extends OperationOptions {
  /** The beginning that all keys have in common. Not together with `start` and `end`. */
  readonly prefix?: Bytes | undefined;
  /** The first key, if it is there. */
  readonly start?: Bytes | undefined;
  /** The first key that is left out; without it or empty, the range has no end. */
  readonly end?: Bytes | undefined;
  /** Keys at most, in all pages together. */
  readonly limit?: number | undefined;
  /** Reads keys without their values. */
  readonly keysOnly?: boolean | undefined;
}

/** Asks a server. */
export type Ask = (words: readonly Word[], options: OperationOptions) => Promise<Reply>;

/** Keys and values. */
export async function* scanEntries(ask: Ask, options: ScanOptions): AsyncGenerator<KeyEntry, void, undefined> {
  for await (const page of scanPages(ask, { ...options, keysOnly: false })) {
    for (let at = 0; at < page.length; at += 2) yield new KeyEntry(bytesOf(page[at]), bytesOf(page[at + 1]));
  }
}

/** Keys alone. */
export async function* scanKeys(ask: Ask, options: ScanOptions): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const page of scanPages(ask, { ...options, keysOnly: true })) {
    for (const key of page) yield bytesOf(key);
  }
}

async function* scanPages(ask: Ask, options: ScanOptions): AsyncGenerator<readonly Reply[], void, undefined> {
  const { limit = Infinity, keysOnly = false, signal, timeoutMs } = options;
  let last: Uint8Array | undefined;
  let missing = limit;
  let pageKeys = SCAN_PAGE_FIRST;
  while (missing > 0) {
    const wanted = Math.min(pageKeys, missing);
    let page: readonly Reply[];
    try {
      page = listOf(await ask(pageWords(options, { last, wanted }), { signal, timeoutMs }));
    } catch (error) {
      // Behind short values came so many long ones that no reply can hold them.
      if (!(error instanceof ServerError) || last === undefined || wanted === 1) throw error;
      pageKeys = wanted >> 1;
      continue;
    }
    const count = keysOnly ? page.length : page.length / 2;
    if (count > 0) yield page;
    if (count < wanted) return;
    last = bytesOf(page[page.length - (keysOnly ? 1 : 2)]);
    missing -= count;
    pageKeys = nextPageKeys(pageKeys, page);
  }
}

function pageWords(
  { prefix, start = "", end = "", keysOnly }: ScanOptions,
  { last, wanted }: { readonly last: Uint8Array | undefined; readonly wanted: number },
): readonly Word[] {
  const tail: readonly Word[] = keysOnly === true ? ["LIMIT", wanted, "KEYS"] : ["LIMIT", wanted];
  if (prefix !== undefined) return ["PREFIX", prefix, ...(last === undefined ? [] : ["AFTER", last]), ...tail];
  return ["RANGE", last === undefined ? start : keyAfter(last), end, ...tail];
}

/** Twice as many keys while pages stay short, half as many when values are long. */
function nextPageKeys(pageKeys: number, page: readonly Reply[]): number {
  const bytes = page.reduce<number>((sum, item) => sum + (item instanceof Uint8Array ? item.length : 0), 0);
  if (bytes > SCAN_PAGE_BYTES) return Math.max(1, pageKeys >> 1);
  return 2 * bytes > SCAN_PAGE_BYTES ? pageKeys : Math.min(2 * pageKeys, SCAN_PAGE_MAX);
}

/** Throws TypeError for options that exclude each other, and RangeError for a limit that is none. */
export function checkScanOptions({ prefix, start, end, limit }: ScanOptions): void {
  if (prefix !== undefined && (start !== undefined || end !== undefined)) {
    throw new TypeError("Cannot scan by prefix and by start and end at once");
  }
  if (limit !== undefined && !(limit >= 0 && (Number.isSafeInteger(limit) || limit === Infinity))) {
    throw new RangeError(`Cannot scan ${limit} keys: the limit is a whole number from 0`);
  }
}
