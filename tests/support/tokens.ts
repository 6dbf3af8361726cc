/** Tokens of tests. */

import { hashSecret, writeToken } from "../../lib/access/tokens.ts";
import type { Command } from "../../lib/kv/commands.ts";
import { NEVER } from "../../lib/kv/tokens.ts";

/** A secret; another one for each digit. */
export function secretOf(digit: number): string {
  return String(digit).repeat(40);
}

/** The token of that secret which the entry `id` made. */
export function tokenOf(id: number, digit = 1): string {
  return writeToken({ id, secret: secretOf(digit) });
}

/** Makes a token that does not expire unless it is told otherwise. */
export function addToken(
  user: string,
  name: string,
  { digit = 1, ttlMs = NEVER, hash = hashSecret(secretOf(digit)) }: { digit?: number; ttlMs?: number; hash?: string } =
    {},
): Command {
  return { type: "AddToken", user, name, hash, ttlMs };
}

/** Revokes one. */
export function removeToken(user: string, name: string): Command {
  return { type: "RemoveToken", user, name };
}
