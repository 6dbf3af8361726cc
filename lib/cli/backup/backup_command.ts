/** `kvstore backup`: the state of a running cluster into a file. */

import { SystemClock } from "../../node/clock/system_clock.ts";
import { outlineGently } from "../../node/recovery/backup_file.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import type { DiskFile } from "../../storage/disk.ts";
import { publishFile } from "../../storage/published_file.ts";
import { AdminConnection } from "../admin_connection.ts";
import type { CommandContext } from "../command_context.ts";
import { EXIT } from "../failures.ts";
import { readMasterKeys } from "../master_key.ts";
import { StopSignals } from "../signals.ts";
import { UsageError } from "../usage_error.ts";
import { downloadBackup } from "./backup_download.ts";
import { showOutline } from "./outline_text.ts";
import { runScheduledBackups } from "./scheduled_command.ts";
import { backupInto, refuseExisting, STREAM, temporaryName, writeOut } from "./output_file.ts";

/** Bytes that are written to standard output at a time. */
const COPY_BYTES = 1_048_576;

/** Runs the command to its end, or to a signal; then no temporary file is left. Rejects with `Failure` and the errors of the disk. */
export async function runBackupCommand(context: CommandContext): Promise<number> {
  const { operands: [path, ...others], settings } = context;
  if (path === undefined || path === "" || others.length > 0) {
    throw new UsageError("backup takes one file, or - for standard output, for example kvstore backup backup.snap");
  }
  if (settings.given("every") !== undefined) return await runScheduledBackups(context, path);
  const alone = (["keep", "metrics-file"] as const).find((flag) => settings.given(flag) !== undefined);
  if (alone !== undefined) throw new UsageError(`--${alone} goes with --every, for example --every 1h --keep 24 DIR`);
  if (path !== STREAM) refuseExisting(path, { isReplaced: settings.enabled("force") });
  const masterKeys = await readMasterKeys(settings);
  const { stop } = new StopSignals("terminal");
  const temporary = path === STREAM ? Deno.makeTempFileSync({ prefix: "kvstore-backup-" }) : temporaryName(path);
  const disk = new DenoDisk();
  const stored = disk.open(temporary, "create");
  try {
    const file = backupInto(stored, masterKeys);
    return await Promise.race([takeBackup(context, { path, disk, file, stored }), stop.then(() => EXIT.interrupted)]);
  } finally {
    stored.close();
    // Once it has its name there is none.
    disk.remove(temporary);
  }
}

async function takeBackup(
  context: CommandContext,
  { path, disk, file, stored }: {
    readonly path: string;
    readonly disk: DenoDisk;
    /** What is in the backup. */
    readonly file: DiskFile;
    /** What it is stored as: another one where it is encrypted. */
    readonly stored: DiskFile;
  },
): Promise<number> {
  const { settings, surroundings } = context;
  const admin = new AdminConnection(context);
  const address = await downloadBackup(admin, {
    file,
    isStale: settings.enabled("stale"),
    warn: (line) => surroundings.err(`kvstore: ${line}\n`),
  });
  // Before anything has the name: what cannot be read is no backup.
  const outline = await outlineGently(file, new SystemClock());
  if (path === STREAM) copyOut(stored);
  else {
    refuseExisting(path, { isReplaced: settings.enabled("force") });
    await publishFile(disk, { file, path });
  }
  const told = settings.enabled("json")
    ? `${JSON.stringify({ file: path, from: address, ...outline })}\n`
    : showOutline(outline, { where: path === STREAM ? "Backed up" : `Backed up to ${path}`, address });
  // Standard output is the backup's where it goes there.
  if (path === STREAM) surroundings.err(told);
  else surroundings.out(told);
  return EXIT.ok;
}

/** Throws `NoSpaceError`, and `AccessError` where nobody reads it to its end. */
function copyOut(file: DiskFile): void {
  const buffer = new Uint8Array(COPY_BYTES);
  for (let at = 0; at < file.size();) {
    const count = file.readAt(at, buffer);
    writeOut(buffer.subarray(0, count));
    at += count;
  }
}
