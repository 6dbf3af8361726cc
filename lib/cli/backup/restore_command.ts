/** `kvstore restore`: a new cluster from the file of a backup. */

import { randomNumber } from "../../cluster/random_number.ts";
import { describeBackup } from "../../node/recovery/backup_file.ts";
import { planRestore, restoreBackup, type RestorePlan, type RestoreWish } from "../../node/recovery/restore.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import { EncryptedDisk } from "../../storage/encryption/encrypted_disk.ts";
import { refuseOccupied } from "../../storage/restore_mark.ts";
import type { CommandContext } from "../command_context.ts";
import { EXIT } from "../failures.ts";
import { readMasterKeys } from "../master_key.ts";
import { readMembers } from "../recover_force.ts";
import type { Settings } from "../settings.ts";
import { runPrefixRestore } from "../transfer/prefix_restore_command.ts";
import { UsageError } from "../usage_error.ts";
import { count, showBackup } from "./backup_text.ts";
import { readBackupFile } from "./verify_command.ts";

/** The id of a cluster that a restore has made. */
const CLUSTER_ID = /^[0-9a-f]{32}$/;

/** Nothing is changed before all of the file is found to be whole. Rejects as `loadBackup` and `restoreBackup` do, and with `UsageError`. */
export async function runRestoreCommand(context: CommandContext): Promise<number> {
  const { settings, operands, surroundings } = context;
  const [path, ...others] = operands;
  if (path === undefined || others.length > 0) {
    throw new UsageError("restore takes one file, for example kvstore restore backup.snap --data-dir ./node-0");
  }
  if (settings.given("prefix") !== undefined) return await runPrefixRestore(context, path);
  const other = (["connect", "dry-run", "yes"] as const).find((flag) => settings.given(flag)?.origin === `--${flag}`);
  if (other !== undefined) throw new UsageError(`--${other} goes with --prefix, which restores into a running cluster`);
  const wish = readWish(settings);
  const masterKeys = await readMasterKeys(settings);
  const disk = new EncryptedDisk(new DenoDisk(), { masterKeys });
  // Before a long file is read for nothing.
  refuseOccupied(disk, wish.directory);
  const backup = await readBackupFile(path, masterKeys);
  const facts = describeBackup(backup);
  const plan = planRestore(backup, wish, { random: randomNumber });
  await restoreBackup(backup, plan, { disk, random: randomNumber });
  const { directory, nodeId, clusterId, raise: { begins, raisedBy } } = plan;
  const told = { directory, nodeId, clusterId, revision: begins.index, raisedBy, voters: plan.configuration.voters };
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify({ ...told, backup: { file: path, ...facts } })}\n`
      : `${path}: ${showBackup(facts)}${showRestore(plan, facts.keys)}`,
  );
  return EXIT.ok;
}

function readWish(settings: Settings): RestoreWish {
  const directory = settings.optionalText("data-dir");
  if (directory === undefined) throw new UsageError("restore needs --data-dir DIR, a directory that is empty or new");
  const list = settings.optionalText("members");
  const clusterId = settings.optionalText("restored-cluster");
  if (clusterId !== undefined && !CLUSTER_ID.test(clusterId)) {
    throw new UsageError("--restored-cluster is the id of 32 digits that the restore of the first node printed");
  }
  if (clusterId !== undefined && list === undefined) {
    throw new UsageError("--restored-cluster goes with --members, which names all nodes of the new cluster");
  }
  return {
    directory,
    nodeId: settings.optionalInteger("node-id") ?? 0,
    clusterName: settings.optionalText("cluster-id") ?? "",
    members: list === undefined ? [] : readMembers(list),
    revisionStep: settings.integer("revision-step"),
    clusterId,
    keepsSessions: !settings.enabled("drop-sessions"),
    keepsDeadlines: !settings.enabled("drop-deadlines"),
  };
}

function showRestore({ directory, nodeId, clusterId, raise, configuration: { voters } }: RestorePlan, keys: number) {
  const others = voters.filter((id) => id !== nodeId);
  const next = others.length === 0
    ? `Start node ${nodeId}; other nodes join it with empty directories and --join.`
    : `Restore ${others.length === 1 ? "node" : "nodes"} ${others.join(", ")} from the same file in the same way, ` +
      `with --restored-cluster ${clusterId}; then start all.`;
  return [
    `Restored into ${directory}: node ${nodeId} with ${count(keys, "key")} of the new cluster ${clusterId}.\n`,
    `Every revision has risen by ${raise.raisedBy}; new ones are above ${raise.begins.index}.\n`,
    `${next}\n`,
  ].join("");
}
