/** Rights as the model has them: single grants in a list, and what each command needs, call by call. */

import type { Call, Command, Compare } from "../../../lib/kv/commands.ts";
import type { Grant, Rights, RightsChange } from "../../../lib/kv/rights.ts";
import type { ModelState } from "./record.ts";

/** One right for the keys that begin with a prefix. */
export interface ModelGrant {
  readonly right: "read" | "write";
  readonly prefix: string;
}

/** What somebody may do. */
export interface ModelRights {
  readonly isAdmin: boolean;
  readonly grants: readonly ModelGrant[];
}

/** What somebody lacks, in the form of `resultToJson`. */
export interface ModelMissing {
  readonly right: "read" | "write" | "admin";
  readonly prefix?: string;
}

/** What everybody may while there are no users. */
export const EVERYTHING: ModelRights = { isAdmin: true, grants: [] };
/** What a new user may. */
export const NOTHING: ModelRights = { isAdmin: false, grants: [] };

/** Calls that pass over what may not be read. */
const LISTS: readonly string[] = ["KEYS", "SCAN", "RANGE", "PREFIX", "RANDOMKEY"];
/** Calls that read their first key and change nothing. */
const READS: readonly string[] = [
  ...["GET", "STRLEN", "GETRANGE", "TYPE", "REVISION"],
  ...["TTL", "PTTL", "EXPIRETIME", "PEXPIRETIME"],
];
/** Calls whose answers tell nothing of a value, if they have no more words than this. */
const BLIND: Readonly<Record<string, number>> = {
  SETNX: 3,
  SETEX: 4,
  PSETEX: 4,
  PERSIST: 2,
  DELEX: 2,
  EXPIRE: 3,
  PEXPIRE: 3,
  EXPIREAT: 3,
  PEXPIREAT: 3,
};

/** The rights after a change, or why there is none. The workload has fewer prefixes than a user may have grants. */
export function changed(
  before: ModelRights,
  { revoked, granted }: RightsChange,
): ModelRights | "NoSuchRight" | "WiderRight" {
  const left = revoked === "All" ? NOTHING : without(before, revoked);
  if (typeof left === "string") return left;
  return { isAdmin: left.isAdmin || granted.isAdmin, grants: [...left.grants, ...granted.grants.flatMap(singly)] };
}

/** Whether somebody may do that with a key, or with all keys of a prefix. */
export function may({ isAdmin, grants }: ModelRights, { right, prefix }: ModelGrant): boolean {
  return isAdmin || grants.some((grant) => grant.right === right && prefix.startsWith(grant.prefix));
}

/** The first right that is missing for a command, whatever is there. */
export function missingFor(command: Command, rights: ModelRights): ModelMissing | undefined {
  switch (command.type) {
    case "Put":
    case "Delete":
      return firstMissing(rights, [{ right: "write", prefix: command.key }]);
    case "Call":
      return missingForCall(command.call, rights);
    case "Transaction": {
      const compares = missingForCompares(command.compares, rights);
      const calls = [...command.then, ...command.otherwise];
      return compares ?? calls.map((call) => missingForCall(call, rights)).find((missing) => missing !== undefined);
    }
    case "OpenSession":
    case "KeepAlive":
    case "CloseSession":
      return rights.isAdmin || rights.grants.some(({ right }) => right === "write") ? undefined : { right: "write" };
    case "Advance":
      return undefined;
    case "AddToken":
    case "RemoveToken":
      return undefined; // It depends on whose they are.
    default:
      return rights.isAdmin ? undefined : { right: "admin" };
  }
}

/** The same for comparisons. */
export function missingForCompares(compares: readonly Compare[], rights: ModelRights): ModelMissing | undefined {
  return firstMissing(rights, compares.map(({ key }) => ({ right: "read", prefix: key })));
}

/** The same for a call of the workload. */
export function missingForCall(words: Call, rights: ModelRights): ModelMissing | undefined {
  return firstMissing(rights, needsOf(words, rights));
}

/** Prefixes of all that may be read, in byte order and none within another; undefined for everything. */
export function readableBy({ isAdmin, grants }: ModelRights): readonly string[] | undefined {
  const reads = new Set(grants.filter(({ right }) => right === "read").map(({ prefix }) => prefix));
  if (isAdmin || reads.has("")) return undefined;
  const isWithin = (prefix: string) => [...reads].some((other) => other !== prefix && prefix.startsWith(other));
  return [...reads].filter((prefix) => !isWithin(prefix)).sort();
}

/** A state of which lists show the keys that may be read. */
export function shownTo(readable: readonly string[] | undefined, state: ModelState): ModelState {
  if (readable === undefined) return state;
  const isShown = (key: string) => readable.some((prefix) => key.startsWith(prefix));
  return {
    get: (key) => state.get(key),
    names: () => state.names().filter(isShown),
    size: state.size,
    timeMs: state.timeMs,
  };
}

/** Whether the answer to a command depends on what may be read. */
export function lists(command: Command): boolean {
  const isList = ([name = ""]: Call) => LISTS.includes(name);
  if (command.type === "Call") return isList(command.call);
  return command.type === "Transaction" && [...command.then, ...command.otherwise].some(isList);
}

function without(before: ModelRights, { isAdmin, grants }: Rights): ModelRights | "NoSuchRight" | "WiderRight" {
  if (isAdmin && !before.isAdmin) return "NoSuchRight";
  const staysAdmin = before.isAdmin && !isAdmin;
  let left = before.grants;
  for (const { right, prefix } of grants.flatMap(singly)) {
    const goes = (grant: ModelGrant) => grant.right === right && grant.prefix.startsWith(prefix);
    const stays = left.filter((grant) => !goes(grant));
    if (staysAdmin || may({ isAdmin: false, grants: stays }, { right, prefix })) return "WiderRight";
    if (stays.length === left.length) return "NoSuchRight";
    left = stays;
  }
  return { isAdmin: staysAdmin, grants: left };
}

function singly({ prefix, read, write }: Grant): readonly ModelGrant[] {
  return [...read ? [{ right: "read", prefix }] as const : [], ...write ? [{ right: "write", prefix }] as const : []];
}

function firstMissing(rights: ModelRights, needs: readonly ModelGrant[]): ModelMissing | undefined {
  return needs.find((need) => !may(rights, need));
}

function needsOf(words: Call, rights: ModelRights): readonly ModelGrant[] {
  const [name = "", key = "", second = "", ...options] = words;
  const reads = (keys: readonly string[]) => keys.map((prefix) => ({ right: "read", prefix }) as const);
  const writes = (keys: readonly string[]) => keys.map((prefix) => ({ right: "write", prefix }) as const);
  const both = [...reads([key]), ...writes([key])];
  if (LISTS.includes(name)) return [];
  if (READS.includes(name)) return reads([key]);
  if (words.length <= (BLIND[name] ?? 0)) return writes([key]);
  switch (name) {
    case "DBSIZE":
      return reads([""]);
    case "MGET":
      return reads(words.slice(1));
    case "OBJECT":
    case "MEMORY":
      return reads([second]);
    case "EXISTS":
    case "TOUCH":
      return reads(words.slice(1).filter((each) => !may(rights, { right: "write", prefix: each })));
    case "DEL":
    case "UNLINK":
      return writes(words.slice(1));
    case "MSET":
    case "MSETNX":
      return writes(words.filter((_, at) => at % 2 === 1));
    case "RENAME":
    case "RENAMENX":
      return [...reads([key]), ...writes([key, second])];
    case "COPY":
      return [...reads([key]), ...writes([second])];
    case "GETEX":
      return words.length === 2 ? reads([key]) : both;
    case "SET":
      return options.includes("GET") || options.includes("IFEQ") ? both : writes([key]);
    default:
      return both;
  }
}
