/** Shared by the tests of encryption: keys, encrypted directories in memory, and a disk that remembers all that was ever written. */

import { Buffer } from "node:buffer";
import { Random } from "../../../../lib/base/random.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../../../../lib/storage/disk.ts";
import { EncryptedDisk } from "../../../../lib/storage/encryption/encrypted_disk.ts";
import { MasterKey, type MasterKeys } from "../../../../lib/storage/encryption/master_key.ts";
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
export class WitnessDisk implements Disk {
  readonly written: { readonly path: string; readonly bytes: Uint8Array }[] = [];
  readonly #disk: Disk;

  constructor(disk: Disk) {
    this.#disk = disk;
  }

  /** Paths of the writes that held `text`. */
  whereWritten(text: string): readonly string[] {
    return this.written.filter(({ bytes }) => Buffer.from(bytes).includes(text)).map(({ path }) => path);
  }

  makeDirectory(path: string): void {
    this.#disk.makeDirectory(path);
  }

  exists(path: string): boolean {
    return this.#disk.exists(path);
  }

  space(path: string): DiskSpace | undefined {
    return this.#disk.space(path);
  }

  list(path: string): readonly string[] {
    return this.#disk.list(path);
  }

  open(path: string, mode: OpenMode): DiskFile {
    const file = this.#disk.open(path, mode);
    return {
      path: file.path,
      size: () => file.size(),
      readAt: (offset, target) => file.readAt(offset, target),
      writeAt: (offset, bytes) => {
        this.written.push({ path, bytes: bytes.slice() });
        file.writeAt(offset, bytes);
      },
      syncData: () => file.syncData(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
    };
  }

  rename(from: string, to: string): void {
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.#disk.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.#disk.syncDirectory(path);
  }

  lock(path: string, directory: string): Promise<DiskLock> {
    return this.#disk.lock(path, directory);
  }
}

/** Every file as hexadecimal digits, to compare two moments; LOCK files have nothing in them. */
export function contentsOf(disk: MemoryDisk): Readonly<Record<string, string>> {
  return Object.fromEntries(Array.from(disk.files(), ([path, bytes]) => [path, Buffer.from(bytes).toString("hex")]));
}
