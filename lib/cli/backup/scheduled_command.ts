/** `kvstore backup --every`: backups of a running cluster by time, in the foreground, of which the newest are kept. */

import { SystemClock } from "../../node/clock/system_clock.ts";
import { type BackupOutline, outlineGently } from "../../node/recovery/backup_file.ts";
import { DenoDisk } from "../../storage/deno_disk.ts";
import { refusal } from "../../storage/deno_file.ts";
import type { MasterKeys } from "../../storage/encryption/master_key.ts";
import { publishFile } from "../../storage/published_file.ts";
import { AdminConnection } from "../admin_connection.ts";
import type { CommandContext } from "../command_context.ts";
import { describeFailure, EXIT } from "../failures.ts";
import { onOneLine } from "../log.ts";
import { readMasterKeys } from "../master_key.ts";
import { StopSignals } from "../signals.ts";
import { quoteForPeople, UsageError } from "../usage_error.ts";
import { downloadBackup } from "./backup_download.ts";
import { type BackupFigures, showFigures } from "./backup_metrics.ts";
import { showOutline } from "./outline_text.ts";
import { isTemporaryName, KeptBackups } from "./kept_backups.ts";
import { backupInto, refuseExisting, STREAM, temporaryName } from "./output_file.ts";
import { runSchedule } from "./scheduled_backups.ts";

/** Shortest and longest time between two backups, in ms. */
export const EVERY_MS = { least: 1_000, most: 1_728_000_000 } as const;
const UNITS_MS: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Held in the directory: two runs would remove each other's. */
const LOCK_NAME = "LOCK";
/** For a collector that is another user; there is nothing secret in it. */
const FIGURES_MODE = 0o644;

/** Runs until a signal. Rejects with `UsageError`, `DirectoryLockedError`, and the errors of a directory that cannot be made. */
export async function runScheduledBackups(context: CommandContext, directory: string): Promise<number> {
  const { settings } = context;
  const everyMs = readEvery(settings.optionalText("every") ?? "");
  if (directory === STREAM) {
    throw new UsageError("--every takes a directory, for example --every 1h --keep 24 ./backups");
  }
  if (settings.enabled("force")) throw new UsageError("--force does not go with --every, which replaces no file");
  const masterKeys = await readMasterKeys(settings);
  const disk = new DenoDisk();
  disk.makeDirectory(directory);
  const lock = await disk.lock(`${directory}/${LOCK_NAME}`, directory);
  try {
    await runIn(context, { disk, directory, everyMs, masterKeys });
    return EXIT.ok;
  } finally {
    lock.release();
  }
}

async function runIn(
  context: CommandContext,
  { disk, directory, everyMs, masterKeys }: {
    readonly disk: DenoDisk;
    readonly directory: string;
    readonly everyMs: number;
    readonly masterKeys: MasterKeys | undefined;
  },
): Promise<void> {
  const { settings, surroundings } = context;
  // What a machine that lost its power has left.
  for (const name of disk.list(directory).filter(isTemporaryName)) disk.remove(`${directory}/${name}`);
  const { stop } = new StopSignals("terminal");
  const stamped = (line: string) => `${new Date().toISOString()} ${onOneLine(line)}`;
  const warn = (line: string) => surroundings.err(`kvstore: ${stamped(line)}\n`);
  const taking = new Taking(context, { disk, directory, masterKeys, stop, warn });
  const figuresPath = settings.optionalText("metrics-file");
  await runSchedule({
    kept: new KeptBackups({ disk, directory, masterKeys, warn }),
    everyMs,
    keep: settings.integer("keep"),
    now: Date.now,
    pause: (delayMs) => pauseUnless(stop, delayMs),
    take: (name) => taking.take(name),
    describe: (error) => describeFailure(error)?.line,
    say: (line) => settings.enabled("json") ? warn(line) : surroundings.out(`${line}\n`),
    warn,
    report: (figures) => {
      if (figuresPath !== undefined) writeFigures(figuresPath, figures);
      return Promise.resolve();
    },
  });
}

/** In ms. Throws `UsageError`. */
export function readEvery(text: string): number {
  const [, digits = "", unit = ""] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
  const everyMs = Number(digits) * (UNITS_MS[unit] ?? NaN);
  if (everyMs >= EVERY_MS.least && everyMs <= EVERY_MS.most) return everyMs;
  throw new UsageError(`--every is a time from 1s to 20d, for example 90s, 30m, 1h or 1d, not ${quoteForPeople(text)}`);
}

async function pauseUnless(stop: Promise<void>, delayMs: number): Promise<boolean> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const passed = new Promise<true>((resolve) => timer = setTimeout(() => resolve(true), delayMs));
  try {
    return await Promise.race([passed, stop.then(() => false)]);
  } finally {
    clearTimeout(timer);
  }
}

interface TakingParts {
  readonly disk: DenoDisk;
  readonly directory: string;
  readonly masterKeys: MasterKeys | undefined;
  readonly stop: Promise<void>;
  warn(line: string): void;
}

/** Takes one backup after the other. */
class Taking {
  readonly #context: CommandContext;
  readonly #parts: TakingParts;
  readonly #admin: AdminConnection;

  constructor(context: CommandContext, parts: TakingParts) {
    this.#context = context;
    this.#parts = parts;
    // Once: a password may have been asked for.
    this.#admin = new AdminConnection(context);
  }

  /** Undefined when it is told to stop meanwhile; then, and after any failure, nothing of it is left. */
  async take(name: string): Promise<BackupOutline | undefined> {
    const { disk, directory, masterKeys, stop } = this.#parts;
    const path = `${directory}/${name}`;
    refuseExisting(path, { isReplaced: false });
    const file = disk.open(temporaryName(path), "create");
    try {
      return await Promise.race([this.#takeInto(backupInto(file, masterKeys), path), stop.then(() => undefined)]);
    } finally {
      file.close();
      disk.remove(file.path);
    }
  }

  async #takeInto(file: ReturnType<DenoDisk["open"]>, path: string): Promise<BackupOutline> {
    const { settings, surroundings } = this.#context;
    const { disk, warn } = this.#parts;
    const address = await downloadBackup(this.#admin, { file, isStale: settings.enabled("stale"), warn });
    const outline = await outlineGently(file, new SystemClock());
    await publishFile(disk, { file, path });
    surroundings.out(
      settings.enabled("json")
        ? `${JSON.stringify({ file: path, from: address, ...outline })}\n`
        : showOutline(outline, { where: `Backed up to ${path}`, address }),
    );
    return outline;
  }
}

/** In one step: a collector that reads meanwhile sees the old figures or the new ones. Throws `AccessError` and `NoSpaceError`. */
function writeFigures(path: string, figures: BackupFigures): void {
  // The collector reads what ends with .prom, and this does not.
  const temporary = temporaryName(path);
  try {
    Deno.writeTextFileSync(temporary, showFigures(figures), { mode: FIGURES_MODE });
    Deno.renameSync(temporary, path);
  } catch (error) {
    throw refusal(error, { file: path, operation: "write" });
  }
}
