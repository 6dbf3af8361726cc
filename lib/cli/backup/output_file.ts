/** Files that a command writes under a temporary name, and standard output in their place. */

import { randomNumber } from "../../cluster/random_number.ts";
import { randomDigits } from "../../node/core.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import { refusal } from "../../storage/deno_file.ts";
import type { DiskFile } from "../../storage/disk.ts";
import { systemRandom } from "../../storage/encryption/aead.ts";
import type { MasterKeys } from "../../storage/encryption/master_key.ts";
import { SealedBackup } from "../../storage/encryption/sealed_backup.ts";
import { Failure } from "../failures.ts";

/** Stands for standard input, and for standard output. */
export const STREAM = "-";
/** Digits that tell the temporary files of two runs apart. */
const TEMPORARY_DIGITS = 8;

/** Throws `Failure`. A file may be replaced, but no device, pipe or directory: it would be gone. */
export function refuseExisting(path: string, { isReplaced }: { readonly isReplaced: boolean }): void {
  if (!new DenoDisk().exists(path)) return;
  if (!isReplaced) throw new Failure(`${path} is there already, and stays as it is; --force replaces it`);
  if (Deno.statSync(path).isFile) return;
  throw new Failure(`${path} is no file, and stays as it is; name another, or - for standard output`);
}

/** A name beside `path`, for what is not whole yet. */
export function temporaryName(path: string): string {
  return `${path}.${randomDigits(randomNumber, TEMPORARY_DIGITS)}.tmp`;
}

/** The file of a backup in the making, which is empty: what is written into it is encrypted where there is a key. */
export function backupInto(file: DiskFile, masterKeys: MasterKeys | undefined): DiskFile {
  return masterKeys === undefined ? file : new SealedBackup(file, { masterKeys, random: systemRandom });
}

/** Writes all of it to standard output. Throws `NoSpaceError`, and `AccessError` where nobody reads it. */
export function writeOut(bytes: Uint8Array): void {
  try {
    for (let written = 0; written < bytes.length;) written += Deno.stdout.writeSync(bytes.subarray(written));
  } catch (error) {
    throw refusal(error, { file: "standard output", operation: "write to" });
  }
}
