/**
 * Tokens as clients carry them: `kvs_<id>_<secret>`. The id tells which one it may be, and of the secret its SHA-256 is kept: nobody guesses
 * 160 random bits, however fast he computes, so that the work of a password would protect nothing (ADR 35).
 */

import { Buffer } from "node:buffer";
import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** The name that may stand for the user of a token where one has to be given: no user can be called so. */
export const TOKEN_USER = "__token__";

const SECRET_BYTES = 20;
const FORM = /^kvs_([1-9][0-9]{0,15})_([0-9a-f]{40})$/;
const HASH_PREFIX = "sha256:";
/** Stands for the token that does not exist, so that asking for it is the same work. */
const NOBODY = hashSecret("");

/** The parts of a token. */
export interface SaidToken {
  /** See `TokenRecord`. */
  readonly id: number;
  readonly secret: string;
}

/** A new secret: 40 hexadecimal digits. */
export function makeSecret(): string {
  return randomBytes(SECRET_BYTES).toString("hex");
}

/** What is kept of a secret. */
export function hashSecret(secret: string): string {
  return HASH_PREFIX + createHash("sha256").update(secret).digest("hex");
}

/** The token with that id. */
export function writeToken({ id, secret }: SaidToken): string {
  return `kvs_${id}_${secret}`;
}

/** The parts of a token; undefined for what is none. */
export function readToken(text: string): SaidToken | undefined {
  const [, id, secret] = FORM.exec(text) ?? [];
  return id === undefined || secret === undefined ? undefined : { id: Number(id), secret };
}

/**
 * Whether that was kept of this secret; undefined is nobody's. The same work for every answer, whether there is such a token or not. The written
 * forms are compared: to cut the digits off what is kept and to decode them took some runtimes a time that told where the string lay.
 */
export function isSecret(secret: string, hash: string | undefined): boolean {
  const [said, kept] = [Buffer.from(hashSecret(secret), "latin1"), Buffer.from(hash ?? NOBODY, "latin1")];
  const isEqual = kept.length === said.length && timingSafeEqual(said, kept);
  return isEqual && hash !== undefined;
}
