/** A `Disk` whose data directories may be encrypted: those with a key file are, and a node started with a master key makes one. */

import type { Disk, DiskFile, OpenMode } from "../disk.ts";
import { PassingDisk } from "../passing_disk.ts";
import { type RandomBytes, systemRandom } from "./aead.ts";
import type { DirectoryKeys } from "./directory_keys.ts";
import type { Encryption } from "./encryption.ts";
import { KEY_FILE_NAME } from "./key_file.ts";
import { describeEncryption, KeyFiles } from "./key_files.ts";
import type { MasterKeys } from "./master_key.ts";
import { isPlainSegment, RefusedFile } from "./plain_files.ts";
import { isSealedFile, newSnapshot, SealedReader, SealedWriter } from "./sealed_file.ts";

/** How directories are encrypted. */
export interface EncryptionOptions {
  /** Undefined where none was given: then encrypted directories are refused, and none becomes one. */
  readonly masterKeys: MasterKeys | undefined;
  /** Randomness of the system when left out. */
  readonly random?: RandomBytes;
}

const SNAPSHOT = /^(.*)\/(snapshots\/[^/]+\.(?:snap|tmp))$/;
const SEGMENT = /^(.*)\/(wal\/[^/]+\.wal)$/;

/** Encrypts snapshots; the log encrypts itself by what `encryption` gives, and the node file is authenticated the same way. */
export class EncryptedDisk extends PassingDisk {
  readonly encryption: Encryption;
  readonly #files: KeyFiles;

  /** The same files as `disk`. */
  constructor(disk: Disk, { masterKeys, random = systemRandom }: EncryptionOptions) {
    super(disk);
    const files = new KeyFiles(disk, { masterKeys, random });
    this.#files = files;
    this.encryption = {
      stored: disk,
      keysOf: (directory) => files.keysOf(directory),
      begin: (directory, owner) => files.begin(directory, owner),
      examine: (directory, bytes) => files.examine(directory, bytes),
      restore: (directory) => files.restore(directory),
      describe: (directory) => describeEncryption(disk, directory),
    };
  }

  override open(path: string, mode: OpenMode): DiskFile {
    const [, directory, name] = SNAPSHOT.exec(path) ?? SEGMENT.exec(path) ?? [];
    const keys = directory === undefined ? undefined : this.#files.keysOf(directory);
    const file = super.open(path, mode);
    if (keys === undefined || name === undefined) return file;
    if (SEGMENT.test(path)) return mode === "read" ? this.#openSegment(file, { keys, name }) : file;
    if (mode === "create") return new SealedWriter(file, newSnapshot(keys));
    return isSealedFile(file) ? new SealedReader(file, keys) : refuseForeign(file, { keys, name });
  }

  override remove(path: string): void {
    super.remove(path);
    if (path.endsWith(`/${KEY_FILE_NAME}`)) this.#files.forget(path.slice(0, -KEY_FILE_NAME.length - 1));
  }

  #openSegment(file: DiskFile, place: { readonly keys: DirectoryKeys; readonly name: string }): DiskFile {
    return isPlainSegment(file) ? refuseForeign(file, place) : file;
  }
}

/** A plain file counts only where the key file says that it was there before the keys were. */
function refuseForeign(file: DiskFile, { keys, name }: { keys: DirectoryKeys; name: string }): DiskFile {
  return keys.plain.includes(name) ? file : new RefusedFile(file);
}
