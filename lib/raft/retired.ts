/**
 * Ids of servers that were removed: never used again (divergence D21), so that whoever has one knows that it is no member any more, and no
 * directory can be taken for another (thesis 4.1 leaves the ids to the caller).
 */

import { type Configuration, NODE_ID_MAX, type NodeId } from "./types.ts";

/** The first and the last id of a range, both included. */
export type IdRange = readonly [first: NodeId, last: NodeId];

/** From this level of the cluster on (ADR 18) configurations list removed and drained servers: a program before does not keep the lists. */
export const MEMBER_LISTS_LEVEL = 7;

/** Whether a configuration may list them. */
export function keepsMemberLists({ level = 0 }: Pick<Configuration, "level">): boolean {
  return level >= MEMBER_LISTS_LEVEL;
}

/** Ranges that a configuration may list: ids given in order make one. Every configuration entry carries them all. */
export const RETIRED_RANGES_MAX = 1_000;

/** Whether the server with that id was removed from the cluster. */
export function isRetired({ retired = [] }: Configuration, id: NodeId): boolean {
  return retired.some(([first, last]) => first <= id && id <= last);
}

/** The lowest id that no server has or had. */
export function lowestFreeId(configuration: Configuration, reserved: ReadonlySet<NodeId> = new Set()): NodeId {
  const taken = new Set(configuration.members.map((member) => member.id));
  let id = 0;
  while (taken.has(id) || reserved.has(id) || isRetired(configuration, id)) id += 1;
  return id;
}

/** The ranges with those ids as well, in ascending order and none beside another. */
export function retire(ranges: readonly IdRange[], ids: readonly NodeId[]): readonly IdRange[] {
  const all = [...ranges, ...ids.map((id): IdRange => [id, id])].sort(([left], [right]) => left - right);
  const merged: IdRange[] = [];
  for (const [first, last] of all) {
    const before = merged.at(-1);
    if (before !== undefined && first <= before[1] + 1) {
      merged[merged.length - 1] = [before[0], Math.max(before[1], last)];
    } else merged.push([first, last]);
  }
  return merged;
}

/** Whether a value is what `retire` makes. */
export function isRetiredList(value: unknown): value is readonly IdRange[] {
  if (!Array.isArray(value) || value.length > RETIRED_RANGES_MAX) return false;
  let after = 0;
  for (const range of value) {
    if (!Array.isArray(range) || range.length !== 2) return false;
    const [first, last] = range;
    if (!Number.isInteger(first) || !Number.isInteger(last) || first < after || last < first || last > NODE_ID_MAX) {
      return false;
    }
    after = last + 2;
  }
  return true;
}
