/** `kvstore export`: the keys of a running cluster as of one revision, as lines of JSON. */

import { textToByteString } from "../../base/bytes.ts";
import { outlineBackup } from "../../node/recovery/backup_file.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import type { DiskFile } from "../../storage/disk.ts";
import { publishFile } from "../../storage/published_file.ts";
import { AdminConnection } from "../admin_connection.ts";
import { downloadBackup } from "../backup/backup_download.ts";
import { count } from "../backup/backup_text.ts";
import { refuseExisting, STREAM, temporaryName, writeOut } from "../backup/output_file.ts";
import type { CommandContext } from "../command_context.ts";
import { EXIT } from "../failures.ts";
import { ProgressLine } from "../progress_line.ts";
import { StopSignals } from "../signals.ts";
import { UsageError } from "../usage_error.ts";
import { type Exported, writeLines } from "./export_lines.ts";

/** Runs the command to its end, or to a signal; then no temporary file is left. Rejects as `kvstore backup` does. */
export async function runExportCommand(context: CommandContext): Promise<number> {
  const { operands: [path = STREAM, ...others], settings } = context;
  if (path === "" || others.length > 0) {
    throw new UsageError("export takes one file, or - for standard output, for example kvstore export export.ndjson");
  }
  if (path !== STREAM) refuseExisting(path, { isReplaced: settings.enabled("force") });
  const { stop } = new StopSignals("terminal");
  const disk = new DenoDisk();
  const made: DiskFile[] = [];
  const create = (name: string): DiskFile => {
    const file = disk.open(name, "create");
    made.push(file);
    return file;
  };
  try {
    // The snapshot first: lines are made of it once it is whole.
    const snapshot = create(
      path === STREAM ? Deno.makeTempFileSync({ prefix: "kvstore-export-" }) : temporaryName(path),
    );
    const lines = path === STREAM ? undefined : create(temporaryName(path));
    const files = { path, disk, snapshot, lines };
    return await Promise.race([exportState(context, files), stop.then(() => EXIT.interrupted)]);
  } finally {
    for (const file of made) {
      file.close();
      disk.remove(file.path);
    }
  }
}

interface ExportFiles {
  readonly path: string;
  readonly disk: DenoDisk;
  readonly snapshot: DiskFile;
  /** Undefined for standard output. */
  readonly lines: DiskFile | undefined;
}

async function exportState(context: CommandContext, { path, disk, snapshot, lines }: ExportFiles): Promise<number> {
  const { settings, surroundings } = context;
  const progress = new ProgressLine(surroundings);
  const address = await downloadBackup(new AdminConnection(context), {
    file: snapshot,
    isStale: settings.enabled("stale"),
    warn: (line) => surroundings.err(`kvstore: ${line}\n`),
    onProgress: (received, total) => progress.show(`${received} of ${total} bytes received`),
  });
  const { keys } = outlineBackup(snapshot);
  let bytes = 0;
  const exported = await writeLines(snapshot, {
    prefix: textToByteString(settings.optionalText("prefix") ?? ""),
    now: Date.now,
    write: (piece) => {
      if (lines === undefined) writeOut(piece);
      else lines.writeAt(bytes, piece);
      bytes += piece.length;
    },
    onProgress: (done) => progress.show(`${done} of ${count(keys, "key")}`),
  });
  if (lines !== undefined) {
    refuseExisting(path, { isReplaced: settings.enabled("force") });
    await publishFile(disk, { file: lines, path });
  }
  progress.clear();
  const told = settings.enabled("json")
    ? `${JSON.stringify({ file: path, from: address, ...exported, bytes })}\n`
    : showExported(exported, { path, address, bytes });
  // Standard output is the export's where it goes there.
  if (lines === undefined) surroundings.err(told);
  else surroundings.out(told);
  return EXIT.ok;
}

function showExported(
  { clusterId, revision, keys }: Exported,
  { path, address, bytes }: { readonly path: string; readonly address: string; readonly bytes: number },
): string {
  const where = path === STREAM ? "Exported" : `Exported to ${path}`;
  return `${where}: cluster ${clusterId ?? "without an id"} at revision ${revision}, ${count(keys, "key")}, ` +
    `from ${address}; ${count(bytes, "byte")} in all\n`;
}
