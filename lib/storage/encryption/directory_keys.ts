/** The key of one data directory, and the keys of its files, which are all derived from it. */

import { createHmac, timingSafeEqual } from "node:crypto";
import { concatBytes } from "../binary.ts";
import { deriveKey, KEY_BYTES, type RandomBytes } from "./aead.ts";
import { FileCipher } from "./file_cipher.ts";
import { RecordCipher } from "./record_cipher.ts";

/** Random bytes in the head of each file, by which it gets a key that no other file has. */
export const SALT_BYTES = 16;

/** Whose directory it is, as its key file says: bound into every key and every block. */
export interface KeyOwner {
  readonly nodeId: number;
  /** "" where the operator gave none. */
  readonly clusterName: string;
}

/** What is in the key file. */
export interface DirectoryKeysOptions {
  readonly owner: KeyOwner;
  readonly key: Uint8Array;
  /** Files from before the directory was encrypted, by their paths in it. Any other file that is plain is refused. */
  readonly plain: readonly string[];
  readonly random: RandomBytes;
}

/** A salt and what it made. */
export interface Salted<Cipher> {
  readonly salt: Uint8Array;
  readonly cipher: Cipher;
}

/** Gives each file its cipher. The key itself stands in no property. */
export class DirectoryKeys {
  readonly owner: KeyOwner;
  readonly plain: readonly string[];
  readonly #key: Uint8Array;
  readonly #random: RandomBytes;

  constructor({ owner, key, plain, random }: DirectoryKeysOptions) {
    this.owner = owner;
    this.plain = plain;
    this.#key = key;
    this.#random = random;
  }

  /** A new directory key, for `owner`. */
  static generate(owner: KeyOwner, { plain, random }: Pick<DirectoryKeysOptions, "plain" | "random">): DirectoryKeys {
    return new DirectoryKeys({ owner, key: random(KEY_BYTES), plain, random });
  }

  /** The same key with another list of plain files. */
  withPlain(plain: readonly string[]): DirectoryKeys {
    return new DirectoryKeys({ owner: this.owner, key: this.#key, plain, random: this.#random });
  }

  /** For the key file alone, which wraps it. */
  reveal(): Uint8Array {
    return this.#key;
  }

  /** For a new segment of the log. */
  newSegment(): Salted<RecordCipher> {
    const salt = this.#random(SALT_BYTES);
    return { salt, cipher: this.segment(salt) };
  }

  /** For a segment whose header has that salt. */
  segment(salt: Uint8Array): RecordCipher {
    const context = this.#context("log");
    return new RecordCipher(deriveKey(this.#key, concatBytes(context, salt)), context);
  }

  /** For a new snapshot file. */
  newSnapshot(): Salted<FileCipher> {
    const salt = this.#random(SALT_BYTES);
    return { salt, cipher: this.snapshot(salt) };
  }

  /** For a snapshot file whose head has that salt. */
  snapshot(salt: Uint8Array): FileCipher {
    const context = this.#context("snapshot");
    return new FileCipher(deriveKey(this.#key, concatBytes(context, salt)), context);
  }

  /** The code that nobody without the key can make for `bytes`, the content of the node file: 64 hexadecimal digits. */
  authenticate(bytes: Uint8Array): string {
    return createHmac("sha256", deriveKey(this.#key, this.#context("node"))).update(bytes).digest("hex");
  }

  /** Whether `code` is that of `bytes`. */
  isAuthentic(bytes: Uint8Array, code: string): boolean {
    const encoder = new TextEncoder();
    const [wanted, given] = [encoder.encode(this.authenticate(bytes)), encoder.encode(code)];
    return wanted.length === given.length && timingSafeEqual(wanted, given);
  }

  #context(kind: string): Uint8Array {
    const { nodeId, clusterName } = this.owner;
    return new TextEncoder().encode(`${JSON.stringify(["kvstore", 1, kind, clusterName, nodeId])}\0`);
  }
}
