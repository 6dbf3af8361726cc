/** `kvstore rekey`: another master key for encrypted directories, also while their nodes run. */

import { MasterKeyError } from "../base/errors.ts";
import { DenoDisk } from "../storage/deno_disk.ts";
import { systemRandom } from "../storage/encryption/aead.ts";
import { GIVE_KEY } from "../storage/encryption/key_file.ts";
import { KeyFiles } from "../storage/encryption/key_files.ts";
import { KEPT_NAME } from "../storage/kept_copy.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT } from "./failures.ts";
import { refuseOtherDirectory } from "./inspect_command.ts";
import { readMasterKeys } from "./master_key.ts";
import { UsageError } from "./usage_error.ts";

/** Directories that are named at once: more than any machine has nodes. */
export const REKEYED_MAX = 32;

/** Each directory is done before the next one, and one that is done already is left as it is: so it may be repeated. */
export async function runRekeyCommand({ settings, operands, surroundings }: CommandContext): Promise<number> {
  if (operands.length === 0 || operands.length > REKEYED_MAX) {
    throw new UsageError(
      `rekey takes 1 to ${REKEYED_MAX} directories of nodes, for example kvstore rekey ./kvstore-data/node-0 --master-key-file keys`,
    );
  }
  const masterKeys = await readMasterKeys(settings);
  if (masterKeys === undefined) {
    throw new MasterKeyError(`rekey needs the new master key, and the old one behind it; ${GIVE_KEY}`);
  }
  const files = new KeyFiles(new DenoDisk(), { masterKeys, random: systemRandom });
  for (const directory of operands) {
    refuseOtherDirectory(directory);
    let changed = await files.rewrap(directory);
    const kept = `${directory}/${KEPT_NAME}`;
    if (files.keysOf(kept) !== undefined) changed = await files.rewrap(kept) || changed;
    const [{ id }] = masterKeys;
    surroundings.out(
      changed ? `${directory} is under master key ${id} now.\n` : `${directory} is under master key ${id} already.\n`,
    );
  }
  return EXIT.ok;
}
