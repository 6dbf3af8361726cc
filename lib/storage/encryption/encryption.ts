/** What storage asks of a disk that encrypts. */

import type { Disk } from "../disk.ts";
import type { DirectoryKeys, KeyOwner } from "./directory_keys.ts";

/** How a directory is encrypted; JSON-able. */
export interface EncryptionFacts {
  /** Names the master key that wraps its keys. */
  readonly masterKeyId: string;
  /** Paths in it of files from before it was encrypted. */
  readonly plainFiles: readonly string[];
}

/** Keys by data directory. */
export interface Encryption {
  /** The files as they lie there, encrypted, for who copies them: also those that cannot be read any more. */
  readonly stored: Disk;
  /** The keys of a directory; undefined where it is not encrypted. Throws `MasterKeyError`, `CorruptionError` or `FormatVersionError`. */
  keysOf(directory: string): DirectoryKeys | undefined;
  /**
   * Makes the directory an encrypted one where there is a master key, and forgets the plain files that are gone. The caller has LOCK.
   * Rejects as `keysOf` throws, with `IncompatibleError` for keys of another node, and as the disk does.
   */
  begin(directory: string, owner: KeyOwner): Promise<DirectoryKeys | undefined>;
  /**
   * Throws `CorruptionError` or `FormatVersionError` where `bytes`, the content of its key file, are not what was written there. What
   * `kvstore rekey` has wrapped by a key that is not given is looked at as far as that goes without it, and so is what one of another version
   * has written.
   */
  examine(directory: string, bytes: Uint8Array): void;
  /**
   * Writes its key file as it was when it was last sound, unless it is sound. False while somebody else has its lock. Rejects with
   * `IncompatibleError` where the directory is not encrypted, and as the disk does.
   */
  restore(directory: string): Promise<boolean>;
  /** How it is encrypted, which takes no key to tell; undefined where it is not, or where its key file is damaged. */
  describe(directory: string): EncryptionFacts | undefined;
}
