/** Encrypts the bodies of the records of one segment. Their headers stay readable: by them a torn write is told from damage. */

import { concatBytes } from "../binary.ts";
import { type Binding, BLOCK_BYTES_MAX, decrypt, encryptInto, nonceOf, TAG_BYTES } from "./aead.ts";

/** The record that a body is of. */
export interface SealedRecord {
  /** Never the same twice under one key: a process counts its records up, and each process has keys of its own. */
  readonly number: number;
  /** The header as far as it does not follow from the ciphertext. */
  readonly header: Uint8Array;
}

/** Bytes of a body of `plainBytes` once it is encrypted. */
export function sealedBodyBytes(plainBytes: number): number {
  return plainBytes + TAG_BYTES * Math.max(1, Math.ceil(plainBytes / BLOCK_BYTES_MAX));
}

/** The cipher of one segment. */
export class RecordCipher {
  readonly #key: Uint8Array;
  readonly #context: Uint8Array;

  /** `context` says whose log it is. */
  constructor(key: Uint8Array, context: Uint8Array) {
    this.#key = key;
    this.#context = context;
  }

  /** The body in blocks, each with its tag. */
  seal(plain: Uint8Array, record: SealedRecord): Uint8Array {
    const sealed = new Uint8Array(sealedBodyBytes(plain.length));
    const associated = this.#associated(record);
    let at = 0;
    for (let block = 0; at < sealed.length; block++) {
      const start = block * BLOCK_BYTES_MAX;
      const part = plain.subarray(start, start + BLOCK_BYTES_MAX);
      const end = at + part.length + TAG_BYTES;
      const binding = { associated, nonce: nonceOf(record.number, block) };
      encryptInto(sealed.subarray(at, end), this.#key, { ...binding, plain: part });
      at = end;
    }
    return sealed;
  }

  /** The body that was sealed; undefined where anything of it or of the header is another. */
  open(sealed: Uint8Array, record: SealedRecord): Uint8Array | undefined {
    const parts: Uint8Array[] = [];
    const associated = this.#associated(record);
    const step = BLOCK_BYTES_MAX + TAG_BYTES;
    for (let at = 0; at < sealed.length || parts.length === 0; at += step) {
      const binding: Binding = { associated, nonce: nonceOf(record.number, parts.length) };
      const plain = decrypt(this.#key, { ...binding, sealed: sealed.subarray(at, at + step) });
      if (plain === undefined) return undefined;
      parts.push(plain);
    }
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : concatBytes(...parts);
  }

  #associated({ header }: SealedRecord): Uint8Array {
    return concatBytes(this.#context, header);
  }
}
