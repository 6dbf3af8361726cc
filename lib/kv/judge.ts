/** What a command needs of the rights of who submitted it, decided by its words alone: before anything is looked at. */

import type { CallSpec, Needs } from "./call.ts";
import { findCall, isArity, keysOf } from "./calls.ts";
import type { Call, Command, Compare } from "./commands.ts";
import { mayUse, missingAdmin, type MissingRight, missingUse, type Rights } from "./rights.ts";

/** The first right that a command lacks; undefined when it may be done. */
export function missingForCommand(command: Command, rights: Rights): MissingRight | undefined {
  if (rights.isAdmin) return undefined;
  switch (command.type) {
    case "Put":
    case "Delete":
      return missingUse(rights, { right: "write", prefix: command.key });
    case "Call":
      return missingForCall(command.call, rights);
    case "Transaction":
      return missingForParts({ compares: command.compares, calls: [...command.then, ...command.otherwise] }, rights);
    case "OpenSession":
    case "KeepAlive":
    case "CloseSession":
      return rights.grants.some(({ write }) => write) ? undefined : { right: "write", prefix: undefined };
    case "Advance":
      return undefined; // The time is the leader's own.
    case "AddToken":
    case "RemoveToken":
      return undefined; // Whose tokens they are is known by the users alone.
    default:
      return missingAdmin(rights);
  }
}

/** The same for comparisons and calls that belong together, whichever of the calls are done. */
export function missingForParts(
  { compares, calls }: { readonly compares: readonly Compare[]; readonly calls: readonly Call[] },
  rights: Rights,
): MissingRight | undefined {
  if (rights.isAdmin) return undefined;
  for (const { key } of compares) {
    const missing = missingUse(rights, { right: "read", prefix: key });
    if (missing !== undefined) return missing;
  }
  for (const call of calls) {
    const missing = missingForCall(call, rights);
    if (missing !== undefined) return missing;
  }
  return undefined;
}

/** The same for one call. One that cannot be done, whatever the keys are, needs none. */
export function missingForCall(call: Call, rights: Rights): MissingRight | undefined {
  if (rights.isAdmin) return undefined;
  const spec = findCall(call);
  if (spec === undefined || !isArity(spec, call.length)) return undefined;
  const needs = needsOf(spec, call);
  if (needs === "Shown") return undefined;
  if (typeof needs === "object") return missingOf(rights, needs);
  const named = keysOf(call);
  // About no key in particular is about every one.
  const keys = named.length === 0 ? [""] : named;
  if (needs === "Either") {
    const reads = keys.filter((key) => !mayUse(rights, { right: "write", prefix: key }));
    return missingOf(rights, { reads, writes: [] });
  }
  return missingOf(rights, { reads: needs === "Blind" ? [] : keys, writes: needs === "Reads" ? [] : keys });
}

/** Whether what a command answers depends on what may be read: its calls pass over all other keys. */
export function dependsOnShown(command: Command): boolean {
  const passesOver = (call: Call) => findCall(call)?.needs === "Shown";
  if (command.type === "Call") return passesOver(command.call);
  return command.type === "Transaction" && [...command.then, ...command.otherwise].some(passesOver);
}

function needsOf({ access, onlyReads, needs }: CallSpec, call: Call): Needs | "Reads" {
  if (needs !== undefined) return typeof needs === "function" ? needs(call) : needs;
  return access === "Read" || onlyReads?.(call) === true ? "Reads" : "Both";
}

function missingOf(rights: Rights, { reads, writes }: Needs & object): MissingRight | undefined {
  for (const key of reads) {
    if (!mayUse(rights, { right: "read", prefix: key })) return missingUse(rights, { right: "read", prefix: key });
  }
  for (const key of writes) {
    if (!mayUse(rights, { right: "write", prefix: key })) return missingUse(rights, { right: "write", prefix: key });
  }
  return undefined;
}
