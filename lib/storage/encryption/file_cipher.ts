/** Encrypts the blocks of one file. */

import { concatBytes, setUint53, viewOf } from "../binary.ts";
import { decrypt, encryptInto, nonceOf, TAG_BYTES } from "./aead.ts";

/** In front of each ciphertext: the number of its encryption, which makes the nonce. */
export const COUNTER_BYTES = 8;
/** What encryption adds to a block. */
export const BLOCK_OVERHEAD_BYTES = COUNTER_BYTES + TAG_BYTES;

/** The cipher of one file. Only the process that made the file encrypts with it, and it never uses a number twice. */
export class FileCipher {
  readonly #key: Uint8Array;
  readonly #context: Uint8Array;
  #counter = 0;

  /** `context` says whose file it is, and of which kind. */
  constructor(key: Uint8Array, context: Uint8Array) {
    this.#key = key;
    this.#context = context;
  }

  /** Number, ciphertext and tag of the block at that place in the file, counted from 0. */
  seal(plain: Uint8Array, index: number): Uint8Array {
    this.#counter += 1;
    const sealed = new Uint8Array(plain.length + BLOCK_OVERHEAD_BYTES);
    setUint53(viewOf(sealed), { offset: 0, value: this.#counter });
    const binding = { nonce: nonceOf(this.#counter), associated: this.#associated(index) };
    encryptInto(sealed.subarray(COUNTER_BYTES), this.#key, { ...binding, plain });
    return sealed;
  }

  /** The block that was sealed; undefined where it is another, or stood at another place. */
  open(sealed: Uint8Array, index: number): Uint8Array | undefined {
    if (sealed.length < BLOCK_OVERHEAD_BYTES) return undefined;
    const nonce = new Uint8Array(nonceOf(0));
    nonce.set(sealed.subarray(0, COUNTER_BYTES));
    return decrypt(this.#key, {
      nonce,
      associated: this.#associated(index),
      sealed: sealed.subarray(COUNTER_BYTES),
    });
  }

  #associated(index: number): Uint8Array {
    const place = new Uint8Array(8);
    setUint53(viewOf(place), { offset: 0, value: index });
    return concatBytes(this.#context, place);
  }
}
