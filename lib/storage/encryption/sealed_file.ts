/**
 * A file in encrypted blocks, as a `DiskFile` of what is in it: whoever reads or writes snapshots notices nothing. It is written from
 * front to end by one process, and never continued by another.
 */

import { assert } from "../../base/assert.ts";
import { FormatVersionError } from "../../base/errors.ts";
import { hasMagic, isSealed, seal, viewOf } from "../binary.ts";
import { corruption } from "../damage.ts";
import type { DiskFile } from "../disk.ts";
import { isOtherVersion } from "../format_version.ts";
import { BLOCK_BYTES_MAX } from "./aead.ts";
import { type DirectoryKeys, SALT_BYTES } from "./directory_keys.ts";
import { BLOCK_OVERHEAD_BYTES, type FileCipher } from "./file_cipher.ts";

/** Version of such a file. */
export const SEALED_FILE_VERSION = 1;
/** Bytes of its head. */
export const SEALED_HEAD_BYTES = 32;

const MAGIC = new Uint8Array([0x01, 0x4b, 0x56, 0x53, 0x45, 0x41, 0x01, 0x0a]);
const SALT_OFFSET = 12;
const STEP_BYTES = BLOCK_BYTES_MAX + BLOCK_OVERHEAD_BYTES;
const UNCHANGED = "it is not authentic: it was changed, or is of another file";

/** Whether a file begins as an encrypted one does. */
export function isSealedFile(file: DiskFile): boolean {
  const start = new Uint8Array(MAGIC.length);
  return hasMagic(start.subarray(0, file.readAt(0, start)), { magic: MAGIC, offset: 0 });
}

/** Bytes of what is in an encrypted file of `bytes`. */
function plainBytes(bytes: number): number {
  const content = Math.max(0, bytes - SEALED_HEAD_BYTES);
  const rest = content % STEP_BYTES;
  return Math.floor(content / STEP_BYTES) * BLOCK_BYTES_MAX + Math.max(0, rest - BLOCK_OVERHEAD_BYTES);
}

/** Where the block with index `index` begins in the file. */
function placeOf(index: number): number {
  return SEALED_HEAD_BYTES + index * STEP_BYTES;
}

/** An encrypted file opened for reading. What was changed is found by `readAt`, which then throws `CorruptionError`. */
export class SealedReader implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #keys: DirectoryKeys;
  #cipher: FileCipher | undefined;
  readonly #sealed = new Uint8Array(STEP_BYTES);
  /** The block that was decrypted last. */
  #block: { readonly index: number; readonly plain: Uint8Array } | undefined;

  /** Takes over `file`. */
  constructor(file: DiskFile, keys: DirectoryKeys) {
    this.path = file.path;
    this.#file = file;
    this.#keys = keys;
  }

  size(): number {
    return plainBytes(this.#file.size());
  }

  readAt(offset: number, target: Uint8Array): number {
    let count = 0;
    while (count < target.length) {
      const from = offset + count;
      const plain = this.#read(Math.floor(from / BLOCK_BYTES_MAX));
      const part = plain.subarray(from % BLOCK_BYTES_MAX, from % BLOCK_BYTES_MAX + target.length - count);
      if (part.length === 0) break;
      target.set(part, count);
      count += part.length;
    }
    return count;
  }

  writeAt(): void {
    throw new TypeError("An encrypted file is never written again");
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  truncate(): void {
    throw new TypeError("An encrypted file is never written again");
  }

  close(): void {
    this.#file.close();
  }

  #read(index: number): Uint8Array {
    if (this.#block?.index === index) return this.#block.plain;
    const cipher = this.#cipher ??= this.#readHead();
    const offset = placeOf(index);
    const sealed = this.#sealed.subarray(0, this.#file.readAt(offset, this.#sealed));
    // Behind the last block.
    if (sealed.length === 0) return sealed;
    const plain = cipher.open(sealed, index);
    if (plain === undefined) throw corruption({ file: this.path, offset, what: `block ${index}: ${UNCHANGED}` });
    this.#block = { index, plain };
    return plain;
  }

  #readHead(): FileCipher {
    const head = new Uint8Array(SEALED_HEAD_BYTES);
    const isWhole = this.#file.readAt(0, head) === head.length;
    const [version, sealed] = [viewOf(head).getUint32(8, true), isWhole && isSealed(head)];
    if (isOtherVersion({ version, known: SEALED_FILE_VERSION, sealed })) {
      throw new FormatVersionError(this.path, { version, known: SEALED_FILE_VERSION });
    }
    if (!sealed) throw corruption({ file: this.path, offset: 0, what: "the checksum of the head does not match" });
    return this.#keys.snapshot(head.slice(SALT_OFFSET, SALT_OFFSET + SALT_BYTES));
  }
}

/** An encrypted file being written, from front to end. Each write ends with the block that is not full yet. */
export class SealedWriter implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #cipher: FileCipher;
  /** The block that is not full yet, in the plain. */
  readonly #block = new Uint8Array(BLOCK_BYTES_MAX);
  #size = 0;

  /** Takes over `file`, which is empty. Throws as its `writeAt`. */
  constructor(file: DiskFile, keys: DirectoryKeys) {
    this.path = file.path;
    this.#file = file;
    const { salt, cipher } = keys.newSnapshot();
    this.#cipher = cipher;
    const head = new Uint8Array(SEALED_HEAD_BYTES);
    head.set(MAGIC);
    viewOf(head).setUint32(8, SEALED_FILE_VERSION, true);
    head.set(salt, SALT_OFFSET);
    seal(head);
    file.writeAt(0, head);
  }

  size(): number {
    return this.#size;
  }

  readAt(): number {
    throw new TypeError("An encrypted file that is being written cannot be read");
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    assert(offset === this.#size, `Cannot write at ${offset}: an encrypted file ends at ${this.#size}`);
    for (let at = 0; at < bytes.length;) {
      const used = this.#size % BLOCK_BYTES_MAX;
      const part = bytes.subarray(at, at + BLOCK_BYTES_MAX - used);
      const index = Math.floor(this.#size / BLOCK_BYTES_MAX);
      this.#block.set(part, used);
      // Under another nonce each time, also where it takes the place of the same block with less in it.
      const sealed = this.#cipher.seal(this.#block.subarray(0, used + part.length), index);
      this.#file.writeAt(placeOf(index), sealed);
      this.#size += part.length;
      at += part.length;
    }
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  truncate(): void {
    throw new TypeError("An encrypted file is written from front to end");
  }

  close(): void {
    this.#file.close();
  }
}
