/** Encrypted backups: each has a key of its own in its head, wrapped by the master key, so that the file alone is enough to restore. */

import { Buffer } from "node:buffer";
import { MasterKeyError } from "../../base/errors.ts";
import { hasMagic } from "../binary.ts";
import { corruption } from "../damage.ts";
import type { DiskFile } from "../disk.ts";
import { KEY_BYTES, type RandomBytes } from "./aead.ts";
import { FileCipher } from "./file_cipher.ts";
import { GIVE_KEY } from "./key_file.ts";
import { type MasterKeys, WRAPPED_KEY_BYTES } from "./master_key.ts";
import { SEALED_MAGIC_BYTES, SealedContent, type SealedInput, type SealedKind, SealedWriter } from "./sealed_file.ts";

const MAGIC = new Uint8Array([0x01, 0x4b, 0x56, 0x53, 0x45, 0x42, 0x01, 0x0a]);
const CONTEXT = new TextEncoder().encode(`${JSON.stringify(["kvstore", 1, "backup"])}\0`);
const ID_BYTES = 8;

/** An encrypted backup in the making. It can be read again, and begun anew under another key. */
export class SealedBackup implements DiskFile {
  readonly path: string;
  readonly #file: DiskFile;
  readonly #keys: { readonly masterKeys: MasterKeys; readonly random: RandomBytes };
  #writer: SealedWriter;

  /** Takes over `file`, which is empty. Throws as its `writeAt`. */
  constructor(file: DiskFile, keys: { readonly masterKeys: MasterKeys; readonly random: RandomBytes }) {
    this.path = file.path;
    this.#file = file;
    this.#keys = keys;
    this.#writer = this.#begin();
  }

  size(): number {
    return this.#writer.size();
  }

  readAt(offset: number, target: Uint8Array): number {
    return new SealedContent(this.#file, backupKind(this.#file.path, this.#keys.masterKeys)).readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#writer.writeAt(offset, bytes);
  }

  syncData(): Promise<void> {
    return this.#file.syncData();
  }

  /** Only to nothing. */
  truncate(): void {
    this.#file.truncate(0);
    this.#writer = this.#begin();
  }

  close(): void {
    this.#file.close();
  }

  #begin(): SealedWriter {
    const { masterKeys: [master], random } = this.#keys;
    const key = random(KEY_BYTES);
    const detail = new Uint8Array(ID_BYTES + WRAPPED_KEY_BYTES);
    detail.set(Buffer.from(master.id, "hex"));
    detail.set(master.wrap(key, { associated: CONTEXT, random }), ID_BYTES);
    return new SealedWriter(this.#file, { magic: MAGIC, detail, cipher: new FileCipher(key, CONTEXT) });
  }
}

/**
 * What is in a backup, encrypted or not, which may be a stream. Throws what reading throws; what is read throws `MasterKeyError` where no key
 * of `masterKeys` fits.
 */
export function openBackup(file: SealedInput, masterKeys: MasterKeys | undefined): SealedInput {
  const start = new Uint8Array(SEALED_MAGIC_BYTES);
  const first = start.subarray(0, file.readAt(0, start));
  const whole = file.size() === Infinity ? new Unread(file, first) : file;
  return hasMagic(first, { magic: MAGIC, offset: 0 })
    ? new SealedContent(whole, backupKind(file.path, masterKeys))
    : whole;
}

function backupKind(path: string, masterKeys: MasterKeys | undefined): SealedKind {
  return {
    magic: MAGIC,
    detailBytes: ID_BYTES + WRAPPED_KEY_BYTES,
    open: (detail) => {
      const id = Buffer.from(detail.subarray(0, ID_BYTES)).toString("hex");
      const master = masterKeys?.find((each) => each.id === id);
      if (master === undefined) {
        const given = masterKeys === undefined
          ? ""
          : `, and the given one is ${masterKeys.map((each) => each.id).join(" and ")}`;
        throw new MasterKeyError(`Cannot read ${path}: it is encrypted under master key ${id}${given}; ${GIVE_KEY}`);
      }
      const key = master.unwrap(detail.subarray(ID_BYTES), CONTEXT);
      if (key !== undefined) return new FileCipher(key, CONTEXT);
      throw corruption({ file: path, offset: 0, what: "the key in the head is not authentic: it was changed" });
    },
  };
}

/** A stream whose first bytes were read already. */
class Unread implements SealedInput {
  readonly path: string;
  readonly #file: SealedInput;
  #first: Uint8Array;

  constructor(file: SealedInput, first: Uint8Array) {
    this.path = file.path;
    this.#file = file;
    this.#first = first;
  }

  size(): number {
    return this.#file.size();
  }

  readAt(offset: number, target: Uint8Array): number {
    const part = this.#first.subarray(0, target.length);
    target.set(part);
    this.#first = this.#first.subarray(part.length);
    return part.length + this.#file.readAt(offset + part.length, target.subarray(part.length));
  }
}
