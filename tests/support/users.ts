/** Users of tests. */

import type { Command } from "../../lib/kv/commands.ts";
import { makeRights, NO_RIGHTS, type Rights, type RightsChange } from "../../lib/kv/rights.ts";
import type { UserRule } from "../../lib/kv/users.ts";

/** What could be kept of a password; another one for each digit. */
export function hashOf(digit: number): string {
  return `scrypt:14:8:1:${"0".repeat(32)}:${String(digit).repeat(64)}`;
}

/** Makes a user: an administrator unless it is told otherwise. */
export function setUser(
  name: string,
  { rule = "Any", hash = hashOf(1), change }: { rule?: UserRule; hash?: string; change?: RightsChange } = {},
): Command {
  return { type: "SetUser", rule, name, hash, ...change === undefined ? {} : { change } };
}

/** What is told as words such as `read:p:`, `write:`, `both:p:` and `admin`. */
export function rightsOf(...words: readonly string[]): Rights {
  const grants = words.filter((word) => word !== "admin").map((word) => {
    const [what = "", prefix = ""] = [word.slice(0, word.indexOf(":")), word.slice(word.indexOf(":") + 1)];
    return { prefix, read: what !== "write", write: what !== "read" };
  });
  const rights = makeRights(words.includes("admin"), grants);
  if (rights === undefined) throw new Error(`No rights: ${words.join(" ")}`);
  return rights;
}

/** Gives a user other rights. */
export function changeOf(
  name: string,
  { revoked = NO_RIGHTS, granted = NO_RIGHTS }: { revoked?: Rights | "All"; granted?: Rights },
): Command {
  return { type: "SetUser", rule: "Change", name, hash: "", change: { revoked, granted } };
}

/** Removes one. */
export function removeUser(name: string): Command {
  return { type: "RemoveUser", name };
}
