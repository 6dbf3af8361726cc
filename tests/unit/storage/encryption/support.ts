/** Shared by the tests of encryption: keys, encrypted directories in memory, and a disk that remembers all that was ever written. */

import { Buffer } from "node:buffer";
import { Random } from "../../../../lib/base/random.ts";
import type { Disk, DiskFile, OpenMode } from "../../../../lib/storage/disk.ts";
import { EncryptedDisk } from "../../../../lib/storage/encryption/encrypted_disk.ts";
import { MasterKey, type MasterKeys } from "../../../../lib/storage/encryption/master_key.ts";
import { PassingDisk, PassingFile } from "../../../../lib/storage/passing_disk.ts";
import type { MemoryDisk } from "../../../support/memory/memory_disk.ts";
import { DIRECTORY } from "../support.ts";

export const KEY_FILE = `${DIRECTORY}/RaftKeys.json`;

/** A master key of one byte value. */
export function masterKey(byte: number): MasterKey {
  return new MasterKey(new Uint8Array(32).fill(byte));
}

export const OLD = masterKey(1);
export const NEW = masterKey(2);

/** Bytes from a seed, as a source of randomness. */
export function seeded(seed: number): (count: number) => Uint8Array {
  const random = new Random(seed);
  return (count) => Uint8Array.from({ length: count }, () => random.below(256));
}

/** The disk as a start with these master keys sees it. */
export function keyed(disk: Disk, masterKeys: MasterKeys = [OLD], seed = 1): EncryptedDisk {
  return new EncryptedDisk(disk, { masterKeys, random: seeded(seed) });
}

/** The disk as a start without a master key sees it. */
export function keyless(disk: Disk): EncryptedDisk {
  return new EncryptedDisk(disk, { masterKeys: undefined });
}

/** Passes everything on, and keeps every byte that was ever written, deleted files and overwritten ones included. */
export class WitnessDisk extends PassingDisk {
  readonly written: { readonly path: string; readonly bytes: Uint8Array }[] = [];

  /** Paths of the writes that held `text`. */
  whereWritten(text: string): readonly string[] {
    return this.written.filter(({ bytes }) => Buffer.from(bytes).includes(text)).map(({ path }) => path);
  }

  override open(path: string, mode: OpenMode): DiskFile {
    return new WitnessFile(super.open(path, mode), this.written);
  }
}

class WitnessFile extends PassingFile {
  readonly #written: WitnessDisk["written"];

  constructor(file: DiskFile, written: WitnessDisk["written"]) {
    super(file);
    this.#written = written;
  }

  override writeAt(offset: number, bytes: Uint8Array): void {
    this.#written.push({ path: this.path, bytes: bytes.slice() });
    super.writeAt(offset, bytes);
  }
}

/** Every file as hexadecimal digits, to compare two moments; LOCK files have nothing in them. */
export function contentsOf(disk: MemoryDisk): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from(disk.files(), ([path, bytes]) => [path, Buffer.from(bytes).toString("hex")]));
}
