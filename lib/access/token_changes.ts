/** Tokens that somebody asks for or revokes. */

import { isTokenName, isTokenTtl } from "../kv/tokens.ts";
import type { NodeWriter } from "../node/api.ts";
import { hashSecret, makeSecret, writeToken } from "./tokens.ts";
import { describeRefusal, submitChange, type UserOutcome } from "./user_changes.ts";

/** Whose token it is, and what it is called. Byte strings. */
export interface TokenPlace {
  readonly user: string;
  readonly name: string;
}

/** A token that was made: it is told now, and never again. */
export interface MadeToken {
  readonly type: "Made";
  readonly revision: number;
  readonly token: string;
  /** See `TokenRecord`. */
  readonly expiresAt: number;
}

/** Makes a token that lives for `ttlMs`, `NEVER` for good, on behalf of whose `node` it is. Never rejects. */
export async function addToken(
  { user, name, ttlMs }: TokenPlace & { readonly ttlMs: number },
  node: Pick<NodeWriter, "submit">,
): Promise<MadeToken | UserOutcome> {
  if (!isTokenName(name) || !isTokenTtl(ttlMs)) {
    return { type: "Refused", reason: "BadToken", why: describeRefusal("BadToken") };
  }
  const secret = makeSecret();
  const outcome = await submitChange({ type: "AddToken", user, name, hash: hashSecret(secret), ttlMs }, { node });
  if (outcome.type !== "Done") return outcome;
  const { revision, reply } = outcome;
  return { type: "Made", revision, token: writeToken({ id: revision, secret }), expiresAt: Number(reply) };
}

/** Revokes one: nothing is done with it any more, on any node. Never rejects. */
export function removeToken({ user, name }: TokenPlace, node: Pick<NodeWriter, "submit">): Promise<UserOutcome> {
  return submitChange({ type: "RemoveToken", user, name }, { node });
}
