/** AES-256-GCM and key derivation, synchronous: the log cannot wait for another thread between an append and its sync. */

import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { setUint53, viewOf } from "../binary.ts";

/** Bytes of every key. */
export const KEY_BYTES = 32;
/** Bytes of the tag behind each ciphertext. */
export const TAG_BYTES = 16;
/** Bytes of a nonce. */
export const NONCE_BYTES = 12;
/** Bytes encrypted under one nonce at most: the runtime slows down above that, and a reader wants a part of a file. */
export const BLOCK_BYTES_MAX = 65_536;

const CIPHER = "aes-256-gcm";

/** So many bytes that nobody can predict. Tests and simulations give a seeded source. */
export type RandomBytes = (count: number) => Uint8Array;

/** Randomness of the operating system. */
export function systemRandom(count: number): Uint8Array {
  return crypto.getRandomValues(new Uint8Array(count));
}

/** What one encryption is bound to. The same nonce never comes twice with one key. */
export interface Binding {
  readonly nonce: Uint8Array;
  /** Not encrypted, but authenticated: whoever decrypts has to name the same. */
  readonly associated: Uint8Array;
}

/** Writes ciphertext and tag into `target`, which has `TAG_BYTES` more than `plain`. */
export function encryptInto(target: Uint8Array, key: Uint8Array, what: Binding & { readonly plain: Uint8Array }): void {
  const cipher = createCipheriv(CIPHER, key, what.nonce);
  cipher.setAAD(what.associated);
  target.set(cipher.update(what.plain));
  // GCM is a stream: nothing is held back for the end.
  cipher.final();
  target.set(cipher.getAuthTag(), what.plain.length);
}

/** The plaintext of ciphertext and tag; undefined where they are not what was encrypted under this key, nonce and associated data. */
export function decrypt(
  key: Uint8Array,
  { nonce, associated, sealed }: Binding & { readonly sealed: Uint8Array },
): Uint8Array | undefined {
  if (sealed.length < TAG_BYTES) return undefined;
  const end = sealed.length - TAG_BYTES;
  const decipher = createDecipheriv(CIPHER, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(associated);
  decipher.setAuthTag(sealed.subarray(end));
  const plain = decipher.update(sealed.subarray(0, end));
  try {
    decipher.final();
  } catch {
    return undefined; // The only thing that it can say: the tag does not fit.
  }
  return plain;
}

/** 12 bytes: a number that counts what is encrypted under a key, and a block within that. */
export function nonceOf(number: number, block = 0): Uint8Array {
  const nonce = new Uint8Array(NONCE_BYTES);
  const view = viewOf(nonce);
  setUint53(view, { offset: 0, value: number });
  view.setUint32(8, block, true);
  return nonce;
}

/** A key of its own for `label`, by HMAC-SHA-256: from it nobody learns `key`, nor that of another label. */
export function deriveKey(key: Uint8Array, label: Uint8Array): Uint8Array {
  return createHmac("sha256", key).update(label).digest();
}
