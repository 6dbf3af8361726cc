/** `kvstore verify`: whether the file of a backup is whole, and what is in it. */

import { AccessError } from "../../base/errors.ts";
import { randomNumber } from "../../cluster/random_number.ts";
import { SystemClock } from "../../node/clock/system_clock.ts";
import { describeBackup, loadBackup, type LoadedBackup } from "../../node/recovery/backup_file.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import type { MasterKeys } from "../../storage/encryption/master_key.ts";
import { openBackup } from "../../storage/encryption/sealed_backup.ts";
import type { SnapshotInput } from "../../storage/snapshot_format.ts";
import type { CommandContext } from "../command_context.ts";
import { EXIT } from "../failures.ts";
import { readMasterKeys } from "../master_key.ts";
import { UsageError } from "../usage_error.ts";
import { showBackup } from "./backup_text.ts";
import { STREAM } from "./output_file.ts";

/** Changes nothing. Rejects with `CorruptionError`, `FormatVersionError`, `AccessError`, `UsageError`. */
export async function runVerifyCommand({ settings, operands, surroundings }: CommandContext): Promise<number> {
  const [path, ...others] = operands;
  if (path === undefined || others.length > 0) {
    throw new UsageError("verify takes one file, or - for standard input, for example kvstore verify backup.snap");
  }
  const masterKeys = await readMasterKeys(settings);
  const facts = describeBackup(
    path === STREAM
      ? await readBackup(new InputStream("standard input", Deno.stdin), masterKeys)
      : await readBackupFile(path, masterKeys),
  );
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify({ file: path, ...facts })}\n`
      : `${path === STREAM ? "Standard input" : path} is whole: ${showBackup(facts)}`,
  );
  return EXIT.ok;
}

/**
 * Loads the file of a backup, which may be a pipe. Rejects as `loadBackup`, with `MasterKeyError` where its key is none of `masterKeys`, with
 * `AccessError` when it cannot be opened or read, and with `UsageError` for a directory.
 */
export async function readBackupFile(path: string, masterKeys: MasterKeys | undefined): Promise<LoadedBackup> {
  const kind = kindOf(path);
  if (kind === "directory") {
    throw new UsageError(
      `${path} is a directory: give the file of a backup, or see kvstore inspect for the directory of a node`,
    );
  }
  if (kind === "pipe") {
    using pipe = Deno.openSync(path);
    return await readBackup(new InputStream(path, pipe), masterKeys);
  }
  const file = new DenoDisk().open(path, "read");
  try {
    return await readBackup(file, masterKeys);
  } finally {
    file.close();
  }
}

function readBackup(file: SnapshotInput, masterKeys: MasterKeys | undefined): Promise<LoadedBackup> {
  return loadBackup(openBackup(file, masterKeys), { clock: new SystemClock(), random: randomNumber });
}

/** A pipe is what is neither a file nor a directory: it has no size, and nothing in it can be looked for. */
function kindOf(path: string): "file" | "directory" | "pipe" {
  try {
    const { isFile, isDirectory } = Deno.statSync(path);
    return isFile ? "file" : isDirectory ? "directory" : "pipe";
  } catch (error) {
    throw new AccessError(path, { operation: "read", cause: error });
  }
}

/** Standard input, or a pipe of that path, which is read once, from its beginning. */
class InputStream implements SnapshotInput {
  constructor(readonly path: string, readonly input: Pick<typeof Deno.stdin, "readSync">) {}

  size(): number {
    return Infinity;
  }

  readAt(_offset: number, target: Uint8Array): number {
    let total = 0;
    while (total < target.length) {
      const count = this.#read(target.subarray(total));
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  #read(target: Uint8Array): number {
    try {
      return this.input.readSync(target) ?? 0;
    } catch (error) {
      throw new AccessError(this.path, { operation: "read", cause: error });
    }
  }
}
