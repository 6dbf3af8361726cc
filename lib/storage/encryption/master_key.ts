/** The master key: it wraps the keys of directories and backups, and encrypts nothing else. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { MasterKeyError } from "../../base/errors.ts";
import { type Binding, decrypt, encryptInto, KEY_BYTES, NONCE_BYTES, type RandomBytes, TAG_BYTES } from "./aead.ts";

/** Keys that count at once: the one that wraps, and the one before it. */
export const MASTER_KEYS_MAX = 2;
/** Bytes of a wrapped key: nonce, ciphertext, tag. */
export const WRAPPED_KEY_BYTES = NONCE_BYTES + KEY_BYTES + TAG_BYTES;

const HEXADECIMAL = /^[0-9a-fA-F]{64}$/;
const BASE64 = /^[A-Za-z0-9+/]{43}=$/;
const ID_DIGITS = 16;

/** One key. Its bytes stand in no property that a log or an error could show. */
export class MasterKey {
  /** 16 hexadecimal digits that name the key and tell nothing of it. */
  readonly id: string;
  readonly #bytes: Uint8Array;

  /** Takes 32 bytes. */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    const hash = createHash("sha256").update("kvstore master key id\0").update(bytes);
    this.id = hash.digest("hex").slice(0, ID_DIGITS);
  }

  /** Encrypts under a random nonce, which comes first. */
  wrap(plain: Uint8Array, { associated, random }: { associated: Uint8Array; random: RandomBytes }): Uint8Array {
    const wrapped = new Uint8Array(NONCE_BYTES + plain.length + TAG_BYTES);
    const nonce = random(NONCE_BYTES);
    wrapped.set(nonce);
    encryptInto(wrapped.subarray(NONCE_BYTES), this.#bytes, { nonce, associated, plain });
    return wrapped;
  }

  /** What `wrap` was given; undefined where this is not its key, or anything was changed. */
  unwrap(wrapped: Uint8Array, associated: Binding["associated"]): Uint8Array | undefined {
    if (wrapped.length < NONCE_BYTES) return undefined;
    const [nonce, sealed] = [wrapped.subarray(0, NONCE_BYTES), wrapped.subarray(NONCE_BYTES)];
    return decrypt(this.#bytes, { nonce, associated, sealed });
  }
}

/** The keys that count: the first wraps, all of them unwrap. */
export type MasterKeys = readonly [MasterKey, ...MasterKey[]];

/**
 * Reads one key, or two with white space between: 64 hexadecimal digits or 44 characters of base64 each. `origin` says where the text is
 * from. Throws `MasterKeyError`, which never shows the text.
 */
export function parseMasterKeys(text: string, origin: string): MasterKeys {
  const [first, ...others] = text.split(/\s+/).filter((word) => word !== "").map((word) => parseOne(word, origin));
  if (first === undefined) throw new MasterKeyError(`${origin} holds no master key; ${FORM}`);
  if (others.length >= MASTER_KEYS_MAX) {
    throw new MasterKeyError(`${origin} holds ${others.length + 1} master keys; at most ${MASTER_KEYS_MAX} count`);
  }
  return [first, ...others];
}

const FORM = "make one with openssl rand -hex 32";

function parseOne(word: string, origin: string): MasterKey {
  if (HEXADECIMAL.test(word)) return new MasterKey(Buffer.from(word, "hex"));
  if (BASE64.test(word)) return new MasterKey(Buffer.from(word, "base64"));
  throw new MasterKeyError(`${origin} holds no master key, which is 32 bytes in hexadecimal or base64; ${FORM}`);
}
