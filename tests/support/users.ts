/** Users of tests. */

import type { Command } from "../../lib/kv/commands.ts";
import type { UserRule } from "../../lib/kv/users.ts";

/** What could be kept of a password; another one for each digit. */
export function hashOf(digit: number): string {
  return `scrypt:14:8:1:${"0".repeat(32)}:${String(digit).repeat(64)}`;
}

/** Makes a user. */
export function setUser(
  name: string,
  { rule = "Any", hash = hashOf(1) }: { rule?: UserRule; hash?: string } = {},
): Command {
  return { type: "SetUser", rule, name, hash };
}

/** Removes one. */
export function removeUser(name: string): Command {
  return { type: "RemoveUser", name };
}
