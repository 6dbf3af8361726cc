/** Reads, makes and wraps anew the key files of data directories. */

import { lacksResources } from "../../base/accepting.ts";
import {
  AccessError,
  CorruptionError,
  DirectoryLockedError,
  DiskFailureError,
  FormatVersionError,
  IncompatibleError,
  MasterKeyError,
} from "../../base/errors.ts";
import { bytesToString } from "../../base/bytes.ts";
import { corruption } from "../damage.ts";
import type { Disk, DiskLock } from "../disk.ts";
import { publishFile } from "../published_file.ts";
import { readWhole } from "../read_whole.ts";
import type { RandomBytes } from "./aead.ts";
import { DirectoryKeys, type KeyOwner } from "./directory_keys.ts";
import type { EncryptionFacts } from "./encryption.ts";
import {
  encodeKeyFile,
  isOfOtherProgram,
  KEY_FILE_NAME,
  KEY_LOCK_NAME,
  type KeyFile,
  readKeyFile,
  unwrapKeyFile,
  type Unwrapped,
} from "./key_file.ts";
import type { MasterKeys } from "./master_key.ts";
import { listPlainFiles } from "./plain_files.ts";

/** What wraps and makes keys. */
export interface KeySources {
  readonly masterKeys: MasterKeys | undefined;
  readonly random: RandomBytes;
}

/** How the directory is encrypted, which takes no key to tell; undefined where it is not, or where its key file is damaged. */
export function describeEncryption(disk: Disk, directory: string): EncryptionFacts | undefined {
  const path = `${directory}/${KEY_FILE_NAME}`;
  if (!disk.exists(path)) return undefined;
  try {
    const { masterKeyId } = readKeyFile(readWhole(disk, path), path);
    return { masterKeyId, plainFiles: listPlainFiles(disk, directory) };
  } catch (error) {
    if (error instanceof CorruptionError || error instanceof FormatVersionError) return undefined;
    throw error;
  }
}

/** The key files on one disk. */
export class KeyFiles {
  readonly #disk: Disk;
  readonly #sources: KeySources;
  /** What was unwrapped. The keys of a directory never change, only how they are wrapped. */
  readonly #known = new Map<string, DirectoryKeys>();
  /** The files as they were when they were last sound. */
  readonly #sound = new Map<string, Uint8Array>();

  constructor(disk: Disk, sources: KeySources) {
    this.#disk = disk;
    this.#sources = sources;
  }

  /** See `Encryption.keysOf`. */
  keysOf(directory: string): DirectoryKeys | undefined {
    return this.#known.get(directory) ?? this.#read(directory)?.keys;
  }

  /** See `Encryption.begin`. */
  async begin(directory: string, owner: KeyOwner): Promise<DirectoryKeys | undefined> {
    const { masterKeys, random } = this.#sources;
    if (masterKeys === undefined) return undefined;
    const lock = await this.#lock(directory);
    try {
      const found = this.#read(directory);
      if (found !== undefined && found.keys.owner.nodeId !== owner.nodeId) {
        throw new IncompatibleError(
          `Cannot use ${directory}: its keys are those of node ${found.keys.owner.nodeId}, and this is node ${owner.nodeId}`,
        );
      }
      const plain = listPlainFiles(this.#disk, directory);
      // A plain file that is not known stays unknown: it is refused where it is read.
      const left = found?.keys.plain.filter((name) => plain.includes(name)) ?? plain;
      if (found !== undefined && left.length === found.keys.plain.length) return found.keys;
      await this.#settle(directory);
      const keys = found?.keys.withPlain(left) ?? DirectoryKeys.generate(owner, { plain: left, random });
      return await this.#write(directory, { keys, by: found?.by ?? masterKeys[0] });
    } finally {
      lock.release();
    }
  }

  /**
   * Wraps the keys of a directory by the first master key. A node may run on it: it has read the file, and does so no more. True where
   * another key wrapped them before. Rejects as `keysOf` throws, with `IncompatibleError` for a directory that is not encrypted, and as
   * the disk does: then the file is what it was.
   */
  async rewrap(directory: string): Promise<boolean> {
    const lock = await this.#lock(directory);
    try {
      const found = this.#read(directory);
      const [first] = this.#sources.masterKeys ?? [];
      if (found === undefined || first === undefined) {
        throw new IncompatibleError(`Cannot rekey ${directory}: it is not encrypted`);
      }
      if (found.by.id === first.id) return false;
      await this.#write(directory, { keys: found.keys, by: first });
      return true;
    } finally {
      lock.release();
    }
  }

  /** See `Encryption.examine`. */
  examine(directory: string, bytes: Uint8Array): void {
    const file = `${directory}/${KEY_FILE_NAME}`;
    // By `kvstore rekey` of a later version: the master key of before may be gone for ever.
    if (isOfOtherProgram(bytes, file)) return;
    const known = this.#known.get(directory);
    const keys = this.#unwrapIfGiven(readKeyFile(bytes, file), file)?.keys;
    if (known !== undefined && keys !== undefined && bytesToString(keys.reveal()) !== bytesToString(known.reveal())) {
      throw corruption({ file, offset: 0, what: "it has the keys of another directory" });
    }
    this.#sound.set(directory, bytes);
  }

  /** See `Encryption.restore`. */
  async restore(directory: string): Promise<boolean> {
    const bytes = this.#sound.get(directory);
    if (bytes === undefined) {
      throw new IncompatibleError(`Cannot restore the keys of ${directory}: it is not encrypted`);
    }
    const lock = await this.#lockIfFree(directory);
    if (lock === undefined) return false;
    try {
      if (!this.#isSound(directory)) await this.#publish(directory, bytes);
      return true;
    } finally {
      lock.release();
    }
  }

  /** The key file of that directory was removed. */
  forget(directory: string): void {
    this.#known.delete(directory);
    this.#sound.delete(directory);
  }

  /** Makes durable what was removed and replaced: a plain file that is listed no more must not come back with a power failure. */
  async #settle(directory: string): Promise<void> {
    for (const place of [`${directory}/wal`, `${directory}/snapshots`, directory]) {
      if (this.#disk.exists(place)) await this.#disk.syncDirectory(place);
    }
  }

  #lock(directory: string): Promise<DiskLock> {
    return this.#disk.lock(`${directory}/${KEY_LOCK_NAME}`, directory);
  }

  async #lockIfFree(directory: string): Promise<DiskLock | undefined> {
    try {
      return await this.#lock(directory);
    } catch (error) {
      if (error instanceof DirectoryLockedError) return undefined;
      throw error;
    }
  }

  #isSound(directory: string): boolean {
    const file = `${directory}/${KEY_FILE_NAME}`;
    if (!this.#disk.exists(file)) return false;
    try {
      this.examine(directory, readWhole(this.#disk, file));
      return true;
    } catch (error) {
      // What cannot be read is as good as gone, and nobody else has the keys.
      const isUnreadable = error instanceof DiskFailureError ||
        error instanceof AccessError && !lacksResources(error.cause);
      if (isUnreadable || error instanceof CorruptionError || error instanceof FormatVersionError) return false;
      throw error;
    }
  }

  #unwrapIfGiven(found: KeyFile, file: string): Unwrapped | undefined {
    const { masterKeys: masters, random } = this.#sources;
    try {
      return unwrapKeyFile(found, { file, masters, random });
    } catch (error) {
      if (error instanceof MasterKeyError) return undefined;
      throw error;
    }
  }

  #read(directory: string): Unwrapped | undefined {
    const file = `${directory}/${KEY_FILE_NAME}`;
    if (!this.#disk.exists(file)) return undefined;
    const bytes = readWhole(this.#disk, file);
    const { masterKeys: masters, random } = this.#sources;
    const unwrapped = unwrapKeyFile(readKeyFile(bytes, file), { file, masters, random });
    this.#known.set(directory, unwrapped.keys);
    this.#sound.set(directory, bytes);
    return unwrapped;
  }

  async #write(directory: string, { keys, by: master }: Unwrapped): Promise<DirectoryKeys> {
    const bytes = encodeKeyFile(keys, { master, random: this.#sources.random });
    await this.#publish(directory, bytes);
    this.#known.set(directory, keys);
    this.#sound.set(directory, bytes);
    return keys;
  }

  async #publish(directory: string, bytes: Uint8Array): Promise<void> {
    const path = `${directory}/${KEY_FILE_NAME}`;
    const file = this.#disk.open(`${path}.tmp`, "create");
    try {
      file.writeAt(0, bytes);
      await publishFile(this.#disk, { file, path });
    } finally {
      file.close();
    }
  }
}
