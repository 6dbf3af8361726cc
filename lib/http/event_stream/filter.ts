/** Which changes a watcher wants: a range of keys, and kinds of changes. */

import type { Change } from "../../kv/change.ts";
import type { Shown } from "../../kv/rights.ts";

/** The kinds of changes by their names in the query. */
export const CHANGE_TYPES: ReadonlyMap<string, Change["type"]> = new Map([
  ["put", "Put"],
  ["delete", "Delete"],
  ["expire", "Expire"],
]);

/** Keys from `from`, included, to `to`, excluded; undefined for no end. Byte strings. */
export interface KeyRange {
  readonly from: string;
  readonly to: string | undefined;
}

/** What a watcher wants. */
export interface EventFilter extends KeyRange {
  readonly types: ReadonlySet<Change["type"]>;
  /** Of the range only keys with one of these prefixes; undefined for all of it. */
  readonly shown?: Shown;
  /** Equal for equal filters. */
  readonly name: string;
}

/** What of the query makes a filter; "" is the same as nothing. */
export interface WrittenFilter {
  readonly prefix: string;
  readonly start: string;
  readonly end: string;
  /** Names with commas between. */
  readonly types: string;
}

/** Makes a filter of what was written: keys must have the prefix and lie in the range. A text says what is wrong. */
export function makeFilter({ prefix, start, end, types }: WrittenFilter): EventFilter | string {
  const wanted = readTypes(types);
  if (typeof wanted === "string") return wanted;
  const from = start > prefix ? start : prefix;
  const behind = endOfPrefix(prefix);
  const to = end !== "" && (behind === undefined || end < behind) ? end : behind;
  return { from, to, types: wanted, name: JSON.stringify([from, to, [...wanted].sort()]) };
}

/** Whether a key lies in a range. */
export function isInRange({ from, to }: KeyRange, key: string): boolean {
  return key >= from && (to === undefined || key < to);
}

/** Whether a filter wants a key. */
export function wantsKey(filter: EventFilter, key: string): boolean {
  return isInRange(filter, key) &&
    (filter.shown === undefined || filter.shown.some((prefix) => key.startsWith(prefix)));
}

/** The part of a filter that may be read, and the prefixes by which it may; undefined where nothing of it may. */
export function readablePart(
  filter: EventFilter,
  shown: Shown,
): { readonly filter: EventFilter; readonly by: readonly string[] } | undefined {
  if (shown === undefined) return { filter, by: [""] };
  const parts = shown.flatMap((prefix): readonly KeyRange[] => {
    const end = endOfPrefix(prefix);
    const from = filter.from > prefix ? filter.from : prefix;
    const to = filter.to !== undefined && (end === undefined || filter.to < end) ? filter.to : end;
    return to !== undefined && from >= to ? [] : [{ from, to }];
  });
  const [first] = parts;
  if (first === undefined) return undefined;
  const by = shown.filter((prefix) => parts.some(({ from }) => from.startsWith(prefix)));
  const name = (range: KeyRange, ...more: readonly string[]) =>
    JSON.stringify([range.from, range.to, [...filter.types].sort(), ...more]);
  if (parts.length === 1) return { filter: { ...filter, ...first, name: name(first) }, by };
  const range = { from: first.from, to: parts.at(-1)?.to };
  return { filter: { ...filter, ...range, shown: by, name: name(range, ...by) }, by };
}

/** Whether a filter lets a change through. */
export function isWanted(filter: EventFilter, { key, type }: Change): boolean {
  return filter.types.has(type) && wantsKey(filter, key);
}

/** The least byte string that is greater than every one with that prefix; undefined when there is none. */
export function endOfPrefix(prefix: string): string | undefined {
  let length = prefix.length;
  while (length > 0 && prefix.charCodeAt(length - 1) === 0xff) length -= 1;
  if (length === 0) return undefined;
  return prefix.slice(0, length - 1) + String.fromCharCode(prefix.charCodeAt(length - 1) + 1);
}

function readTypes(names: string): ReadonlySet<Change["type"]> | string {
  if (names === "") return new Set(CHANGE_TYPES.values());
  const types = new Set<Change["type"]>();
  for (const name of names.split(",")) {
    const type = CHANGE_TYPES.get(name);
    if (type === undefined) return `The types must be some of ${[...CHANGE_TYPES.keys()].join(", ")}`;
    types.add(type);
  }
  return types;
}
