/** What a user may do: grants of reading and writing by prefixes of keys, or everything. */

import { FieldReader, writeField } from "./fields.ts";

/** Grants of one user. */
export const GRANTS_MAX = 32;
/** Longest prefix of a grant, in bytes. */
export const GRANT_PREFIX_BYTES_MAX = 256;

/** Keys that begin with `prefix`, which are all where it is "", may be read, written, or both. */
export interface Grant {
  readonly prefix: string;
  readonly read: boolean;
  readonly write: boolean;
}

/** What one user may do. Invariant: grants are in byte order of their prefixes, each of which stands once, and each grants something. */
export interface Rights {
  /** Every key, the cluster and its nodes, and the users. */
  readonly isAdmin: boolean;
  readonly grants: readonly Grant[];
}

/** Everything. */
export const ADMIN: Rights = { isAdmin: true, grants: [] };
/** No key, and nothing but what every user may see. */
export const NO_RIGHTS: Rights = { isAdmin: false, grants: [] };

/** What somebody may not do who wants to. */
export interface MissingRight {
  readonly right: "read" | "write" | "admin";
  /** The key or prefix, cut to the longest prefix of a grant; undefined where it is about no keys, or about any. */
  readonly prefix: string | undefined;
}

/** A change of rights: first `revoked` goes, or everything, then `granted` comes. */
export interface RightsChange {
  readonly revoked: Rights | "All";
  readonly granted: Rights;
}

/** Why rights were not changed. */
export type RightsRefusal =
  /** What shall go was never granted. */
  | "NoSuchRight"
  /** What shall go is granted by a shorter prefix, or to administrators, as well: it would stay. */
  | "WiderRight"
  | "TooManyGrants";

/** Puts grants together, in whatever order they come; undefined when one is none or they are too many. */
export function makeRights(isAdmin: boolean, grants: readonly Grant[]): Rights | undefined {
  const byPrefix = new Map<string, Grant>();
  for (const { prefix, read, write } of grants) {
    const before = byPrefix.get(prefix);
    byPrefix.set(prefix, { prefix, read: read || before?.read === true, write: write || before?.write === true });
  }
  const ordered = [...byPrefix.values()].sort((a, b) => (a.prefix < b.prefix ? -1 : 1));
  const isWrong = ({ prefix, read, write }: Grant) => prefix.length > GRANT_PREFIX_BYTES_MAX || (!read && !write);
  return ordered.length > GRANTS_MAX || ordered.some(isWrong) ? undefined : { isAdmin, grants: ordered };
}

/** The rights after a change. */
export function changeRights(before: Rights, { revoked, granted }: RightsChange): Rights | RightsRefusal {
  const left = revoked === "All" ? NO_RIGHTS : revoke(before, revoked);
  if (typeof left === "string") return left;
  const rights = makeRights(left.isAdmin || granted.isAdmin, [...left.grants, ...granted.grants]);
  return rights ?? "TooManyGrants";
}

function revoke(before: Rights, { isAdmin, grants }: Rights): Rights | RightsRefusal {
  if (isAdmin && !before.isAdmin) return "NoSuchRight";
  const staysAdmin = before.isAdmin && !isAdmin;
  let left = before.grants;
  for (const { prefix, read, write } of grants) {
    for (const right of [...read ? ["read"] as const : [], ...write ? ["write"] as const : []]) {
      const without = left.map((grant) => grant.prefix.startsWith(prefix) ? { ...grant, [right]: false } : grant);
      const isWider = staysAdmin || without.some((grant) => grant[right] && prefix.startsWith(grant.prefix));
      if (isWider) return "WiderRight";
      if (!left.some((grant) => grant[right] && grant.prefix.startsWith(prefix))) return "NoSuchRight";
      left = without;
    }
  }
  return { isAdmin: staysAdmin, grants: left.filter((grant) => grant.read || grant.write) };
}

/** Reading or writing a key, or all keys with a prefix. */
export interface Use {
  readonly right: "read" | "write";
  readonly prefix: string;
}

/** Whether `rights` have that one for a key, or for every key with that prefix. */
export function mayUse(rights: Rights, { right, prefix }: Use): boolean {
  return rights.isAdmin || rights.grants.some((grant) => grant[right] && prefix.startsWith(grant.prefix));
}

/** That right for a key or prefix, where it is missing. */
export function missingUse(rights: Rights, { right, prefix }: Use): MissingRight | undefined {
  return mayUse(rights, { right, prefix }) ? undefined : { right, prefix: prefix.slice(0, GRANT_PREFIX_BYTES_MAX) };
}

/** The right of administrators, where it is missing. */
export function missingAdmin({ isAdmin }: Rights): MissingRight | undefined {
  return isAdmin ? undefined : { right: "admin", prefix: undefined };
}

/** Prefixes in byte order, none of which begins with another; undefined for every key. */
export type Shown = readonly string[] | undefined;

/** What may be read. */
export function shownBy({ isAdmin, grants }: Rights): Shown {
  if (isAdmin) return undefined;
  const shown: string[] = [];
  for (const { prefix, read } of grants) {
    const last = shown.at(-1);
    if (read && (last === undefined || !prefix.startsWith(last))) shown.push(prefix);
  }
  return shown[0] === "" ? undefined : shown;
}

/** Whether a key is among what is shown. */
export function isShown(shown: Shown, key: string): boolean {
  return shown === undefined || shown.some((prefix) => key.startsWith(prefix));
}

/** The first keys of what is shown, from `start` on: each with the prefix that its keys have. */
export function* shownRanges(
  shown: readonly string[],
  start: string,
): Iterable<readonly [from: string, prefix: string]> {
  for (const prefix of shown) {
    if (start <= prefix) yield [prefix, prefix];
    else if (start.startsWith(prefix)) yield [start, prefix];
  }
}

/** The form of rights in the log and in snapshots: `a` for administrators, then `r`, `w` or `b` and the prefix of each grant. */
export function writeRights({ isAdmin, grants }: Rights): string {
  const parts = grants.map(({ prefix, read, write }) =>
    `${read && write ? "b" : read ? "r" : "w"}${writeField(prefix)}`
  );
  return `${isAdmin ? "a" : ""}${parts.join("")}`;
}

/** Reads what `writeRights` wrote; undefined for everything else. */
export function readRights(text: string): Rights | undefined {
  const isAdmin = text.startsWith("a");
  const grants: Grant[] = [];
  const reader = new FieldReader(text, isAdmin ? 1 : 0);
  while (!reader.endsHere) {
    const letter = reader.letter();
    const prefix = reader.field();
    if (!reader.valid || grants.length === GRANTS_MAX || !"rwb".includes(letter)) return undefined;
    grants.push({ prefix, read: letter !== "w", write: letter !== "r" });
  }
  const rights = makeRights(isAdmin, grants);
  // In another order or with a prefix twice it is not what was written.
  return rights !== undefined && writeRights(rights) === text ? rights : undefined;
}

/** Bytes of memory that rights take, about. */
export function bytesOfRights({ grants }: Rights): number {
  return grants.reduce((sum, { prefix }) => sum + prefix.length + GRANT_BYTES, 0);
}

const GRANT_BYTES = 64;
/** The most of it. */
export const RIGHTS_BYTES_MAX = GRANTS_MAX * (GRANT_PREFIX_BYTES_MAX + GRANT_BYTES);
