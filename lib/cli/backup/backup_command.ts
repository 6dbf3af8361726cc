/** `kvstore backup`: the state of a running cluster into a file. */

import { randomNumber } from "../../cluster/random_number.ts";
import { randomDigits } from "../../node/core.ts";
import { type BackupOutline, outlineBackup } from "../../node/recovery/backup_file.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import { refusal } from "../../storage/deno_file.ts";
import type { DiskFile } from "../../storage/disk.ts";
import { publishFile } from "../../storage/published_file.ts";
import { AdminConnection } from "../admin_connection.ts";
import type { CommandContext } from "../command_context.ts";
import { EXIT, Failure } from "../failures.ts";
import { StopSignals } from "../signals.ts";
import { UsageError } from "../usage_error.ts";
import { downloadBackup } from "./backup_download.ts";
import { count } from "./backup_text.ts";
import { STREAM } from "./verify_command.ts";

/** Bytes that are written to standard output at a time. */
const COPY_BYTES = 1_048_576;
/** Digits that tell the temporary files of two runs apart. */
const TEMPORARY_DIGITS = 8;

/** Runs the command to its end, or to a signal; then no temporary file is left. Rejects with `Failure` and the errors of the disk. */
export async function runBackupCommand(context: CommandContext): Promise<number> {
  const { operands: [path, ...others], settings } = context;
  if (path === undefined || path === "" || others.length > 0) {
    throw new UsageError("backup takes one file, or - for standard output, for example kvstore backup backup.snap");
  }
  if (path !== STREAM) refuseExisting(path, { isReplaced: settings.enabled("force") });
  const { stop } = new StopSignals("terminal");
  const temporary = path === STREAM
    ? Deno.makeTempFileSync({ prefix: "kvstore-backup-" })
    : `${path}.${randomDigits(randomNumber, TEMPORARY_DIGITS)}.tmp`;
  const disk = new DenoDisk();
  const file = disk.open(temporary, "create");
  try {
    return await Promise.race([takeBackup(context, { path, disk, file }), stop.then(() => EXIT.interrupted)]);
  } finally {
    file.close();
    // Once it has its name there is none.
    disk.remove(temporary);
  }
}

async function takeBackup(
  context: CommandContext,
  { path, disk, file }: { readonly path: string; readonly disk: DenoDisk; readonly file: DiskFile },
): Promise<number> {
  const { settings, surroundings } = context;
  const admin = new AdminConnection(context);
  const address = await downloadBackup(admin, {
    file,
    isStale: settings.enabled("stale"),
    warn: (line) => surroundings.err(`kvstore: ${line}\n`),
  });
  // Before anything has the name: what cannot be read is no backup.
  const outline = outlineBackup(file);
  if (path === STREAM) copyOut(file);
  else {
    refuseExisting(path, { isReplaced: settings.enabled("force") });
    await publishFile(disk, { file, path });
  }
  const told = settings.enabled("json")
    ? `${JSON.stringify({ file: path, from: address, ...outline })}\n`
    : showOutline(outline, { path, address });
  // Standard output is the backup's where it goes there.
  if (path === STREAM) surroundings.err(told);
  else surroundings.out(told);
  return EXIT.ok;
}

function showOutline(
  { clusterId, index, term, keys, keyBytes, bytes }: BackupOutline,
  { path, address }: { readonly path: string; readonly address: string },
): string {
  const where = path === STREAM ? "Backed up" : `Backed up to ${path}`;
  return `${where}: cluster ${clusterId ?? "without an id"} at revision ${index} (term ${term}), ${
    count(keys, "key")
  } of ` +
    `${count(keyBytes, "byte")}, from ${address}; ${count(bytes, "byte")} in all\n`;
}

/** Throws `Failure`. A file may be replaced, but no device, pipe or directory: it would be gone. */
function refuseExisting(path: string, { isReplaced }: { readonly isReplaced: boolean }): void {
  if (!new DenoDisk().exists(path)) return;
  if (!isReplaced) throw new Failure(`${path} is there already, and stays as it is; --force replaces it`);
  if (Deno.statSync(path).isFile) return;
  throw new Failure(`${path} is no file, and stays as it is; name another, or - for standard output`);
}

/** Throws `NoSpaceError`, and `AccessError` where nobody reads it to its end. */
function copyOut(file: DiskFile): void {
  const buffer = new Uint8Array(COPY_BYTES);
  for (let at = 0; at < file.size();) {
    const count = file.readAt(at, buffer);
    for (let written = 0; written < count;) written += writeOut(buffer.subarray(written, count));
    at += count;
  }
}

function writeOut(bytes: Uint8Array): number {
  try {
    return Deno.stdout.writeSync(bytes);
  } catch (error) {
    throw refusal(error, { file: "standard output", operation: "write to" });
  }
}
