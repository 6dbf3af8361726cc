/** Watchers that want the same changes are a group, and a change finds its groups without asking each. */

import type { Change } from "../../kv/change.ts";
import { EventText } from "./event_text.ts";
import { endOfPrefix, type EventFilter, wantsKey } from "./filter.ts";
import { INDEXED_PREFIX_BYTES_MAX, RANGE_GROUPS_MAX } from "./limits.ts";

/** Watchers with equal filters that have everything up to the same revision. */
export class WatcherGroup<W> {
  readonly filter: EventFilter;
  readonly watchers = new Set<W>();
  /** What they get next. */
  text = new EventText();

  constructor(filter: EventFilter) {
    this.filter = filter;
  }
}

/**
 * Every group, found by the keys it wants: single keys and prefixes by one look into a map for each length of prefix in use,
 * other ranges one by one.
 */
export class WatcherGroups<W> {
  readonly #byName = new Map<string, WatcherGroup<W>>();
  readonly #byKey = new Map<string, WatcherGroup<W>[]>();
  /** By the length of the prefix, then by the prefix. */
  readonly #byPrefix = new Map<number, Map<string, WatcherGroup<W>[]>>();
  readonly #ranges: WatcherGroup<W>[] = [];

  /** Number of groups. */
  get size(): number {
    return this.#byName.size;
  }

  /** Whether a filter finds room: false when too many of its kind are in use. */
  hasRoomFor(filter: EventFilter): boolean {
    return kindOf(filter).type !== "Range" || this.#byName.has(filter.name) || this.#ranges.length < RANGE_GROUPS_MAX;
  }

  /** Adds a watcher to its group. */
  add(filter: EventFilter, watcher: W): void {
    let group = this.#byName.get(filter.name);
    if (group === undefined) {
      group = new WatcherGroup<W>(filter);
      this.#byName.set(filter.name, group);
      this.#listOf(filter).push(group);
    }
    group.watchers.add(watcher);
  }

  /** Takes a watcher out of its group. */
  remove(filter: EventFilter, watcher: W): void {
    const group = this.#byName.get(filter.name);
    if (group === undefined || !group.watchers.delete(watcher) || group.watchers.size > 0) return;
    this.#byName.delete(filter.name);
    const list = this.#listOf(filter);
    list.splice(list.indexOf(group), 1);
    if (list.length > 0) return;
    const kind = kindOf(filter);
    if (kind.type === "Key") this.#byKey.delete(kind.key);
    if (kind.type !== "Prefix") return;
    const prefixes = this.#byPrefix.get(kind.prefix.length);
    prefixes?.delete(kind.prefix);
    if (prefixes?.size === 0) this.#byPrefix.delete(kind.prefix.length);
  }

  /** Calls `found` with every group that wants a change. */
  find({ key, type }: Pick<Change, "key" | "type">, found: (group: WatcherGroup<W>) => void): void {
    const each = (groups: readonly WatcherGroup<W>[] | undefined): void => {
      for (const group of groups ?? NONE) if (group.filter.types.has(type)) found(group);
    };
    if (this.#byKey.size > 0) each(this.#byKey.get(key));
    for (const [length, prefixes] of this.#byPrefix) {
      if (length <= key.length) each(prefixes.get(key.slice(0, length)));
    }
    for (const group of this.#ranges) {
      if (wantsKey(group.filter, key) && group.filter.types.has(type)) found(group);
    }
  }

  /** Every group. */
  all(): Iterable<WatcherGroup<W>> {
    return this.#byName.values();
  }

  /** The list that leads to a filter's group; made where there is none. */
  #listOf(filter: EventFilter): WatcherGroup<W>[] {
    const kind = kindOf(filter);
    switch (kind.type) {
      case "Key":
        return listIn(this.#byKey, kind.key);
      case "Prefix": {
        const prefixes = this.#byPrefix.get(kind.prefix.length) ?? new Map<string, WatcherGroup<W>[]>();
        this.#byPrefix.set(kind.prefix.length, prefixes);
        return listIn(prefixes, kind.prefix);
      }
      default:
        return this.#ranges;
    }
  }
}

const NONE: readonly never[] = [];

function listIn<G>(lists: Map<string, G[]>, key: string): G[] {
  const list = lists.get(key) ?? [];
  lists.set(key, list);
  return list;
}

type Kind =
  | { readonly type: "Key"; readonly key: string }
  | { readonly type: "Prefix"; readonly prefix: string }
  | { readonly type: "Range" };

function kindOf({ from, to, shown }: EventFilter): Kind {
  if (shown !== undefined) return { type: "Range" };
  if (to === `${from}\0`) return { type: "Key", key: from };
  const isPrefix = endOfPrefix(from) === to && from.length <= INDEXED_PREFIX_BYTES_MAX;
  return isPrefix ? { type: "Prefix", prefix: from } : { type: "Range" };
}
