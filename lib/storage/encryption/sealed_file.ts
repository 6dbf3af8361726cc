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
/** Bytes of the magic with which such files begin. */
export const SEALED_MAGIC_BYTES = 8;

const MAGIC = new Uint8Array([0x01, 0x4b, 0x56, 0x53, 0x45, 0x41, 0x01, 0x0a]);
/** Where what tells the key begins, behind magic and version. */
const DETAIL_OFFSET = 12;
const CHECKSUM_BYTES = 4;
const STEP_BYTES = BLOCK_BYTES_MAX + BLOCK_OVERHEAD_BYTES;
const UNCHANGED = "it is not authentic: it was changed, or is of another file";

/** What is read: a file, or a stream whose size is `Infinity`. */
export type SealedInput = Pick<DiskFile, "path" | "size" | "readAt">;

/** The head of one kind of file: a magic, and bytes that tell the key. */
export interface SealedKind {
  readonly magic: Uint8Array;
  readonly detailBytes: number;
  /** The cipher that these bytes tell. Throws where the key cannot be had. */
  open(detail: Uint8Array): FileCipher;
}

/** Whether a snapshot begins as an encrypted one does. */
export function isSealedFile(file: DiskFile): boolean {
  const start = new Uint8Array(SEALED_MAGIC_BYTES);
  return hasMagic(start.subarray(0, file.readAt(0, start)), { magic: MAGIC, offset: 0 });
}

/** Snapshots of a directory: the bytes are the salt. */
export function snapshotKind(keys: DirectoryKeys): SealedKind {
  return { magic: MAGIC, detailBytes: SALT_BYTES, open: (salt) => keys.snapshot(salt) };
}

/** Bytes of the head of a file whose key `detailBytes` tell. */
export function headBytes(detailBytes: number): number {
  return DETAIL_OFFSET + detailBytes + CHECKSUM_BYTES;
}

/** What is in an encrypted file. What was changed is found by `readAt`, which then throws `CorruptionError`. */
export class SealedContent implements SealedInput {
  readonly path: string;
  readonly #file: SealedInput;
  readonly #kind: SealedKind;
  readonly #headBytes: number;
  #cipher: FileCipher | undefined;
  readonly #sealed = new Uint8Array(STEP_BYTES);
  /** The block that was decrypted last. */
  #block: { readonly index: number; readonly plain: Uint8Array } | undefined;

  /** A stream is read from front to end. */
  constructor(file: SealedInput, kind: SealedKind) {
    this.path = file.path;
    this.#file = file;
    this.#kind = kind;
    this.#headBytes = headBytes(kind.detailBytes);
  }

  size(): number {
    const content = Math.max(0, this.#file.size() - this.#headBytes);
    if (content === Infinity) return content;
    const rest = Math.max(0, content % STEP_BYTES - BLOCK_OVERHEAD_BYTES);
    return Math.floor(content / STEP_BYTES) * BLOCK_BYTES_MAX + rest;
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

  #read(index: number): Uint8Array {
    if (this.#block?.index === index) return this.#block.plain;
    const cipher = this.#cipher ??= this.#readHead();
    const offset = this.#headBytes + index * STEP_BYTES;
    const sealed = this.#sealed.subarray(0, this.#file.readAt(offset, this.#sealed));
    // Behind the last block.
    if (sealed.length === 0) return sealed;
    const plain = cipher.open(sealed, index);
    if (plain === undefined) throw corruption({ file: this.path, offset, what: `block ${index}: ${UNCHANGED}` });
    this.#block = { index, plain };
    return plain;
  }

  #readHead(): FileCipher {
    const head = new Uint8Array(this.#headBytes);
    const isWhole = this.#file.readAt(0, head) === head.length;
    const [version, sealed] = [viewOf(head).getUint32(SEALED_MAGIC_BYTES, true), isWhole && isSealed(head)];
    if (isOtherVersion({ version, known: SEALED_FILE_VERSION, sealed })) {
      throw new FormatVersionError(this.path, { version, known: SEALED_FILE_VERSION });
    }
    if (!sealed) throw corruption({ file: this.path, offset: 0, what: "the checksum of the head does not match" });
    return this.#kind.open(head.slice(DETAIL_OFFSET, DETAIL_OFFSET + this.#kind.detailBytes));
  }
}

/** An encrypted snapshot opened for reading. */
export class SealedReader extends SealedContent implements DiskFile {
  readonly #opened: DiskFile;

  /** Takes over `file`. */
  constructor(file: DiskFile, keys: DirectoryKeys) {
    super(file, snapshotKind(keys));
    this.#opened = file;
  }

  writeAt(): void {
    throw new TypeError("An encrypted file is never written again");
  }

  syncData(): Promise<void> {
    return this.#opened.syncData();
  }

  truncate(): void {
    throw new TypeError("An encrypted file is never written again");
  }

  close(): void {
    this.#opened.close();
  }
}

/** What a new file begins with. */
export interface NewSealedFile {
  readonly magic: Uint8Array;
  readonly detail: Uint8Array;
  readonly cipher: FileCipher;
}

/** A new snapshot of a directory. */
export function newSnapshot(keys: DirectoryKeys): NewSealedFile {
  const { salt, cipher } = keys.newSnapshot();
  return { magic: MAGIC, detail: salt, cipher };
}

/** An encrypted file being written, from front to end. Each write ends with the block that is not full yet. */
export class SealedWriter implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #cipher: FileCipher;
  /** The block that is not full yet, in the plain. */
  readonly #block = new Uint8Array(BLOCK_BYTES_MAX);
  #size = 0;

  readonly #headBytes: number;

  /** Takes over `file`, which is empty; `detail` tells the key of `cipher`. Throws as its `writeAt`. */
  constructor(file: DiskFile, { magic, detail, cipher }: NewSealedFile) {
    this.path = file.path;
    this.#file = file;
    this.#cipher = cipher;
    this.#headBytes = headBytes(detail.length);
    const head = new Uint8Array(this.#headBytes);
    head.set(magic);
    viewOf(head).setUint32(SEALED_MAGIC_BYTES, SEALED_FILE_VERSION, true);
    head.set(detail, DETAIL_OFFSET);
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
      this.#file.writeAt(this.#headBytes + index * STEP_BYTES, sealed);
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
