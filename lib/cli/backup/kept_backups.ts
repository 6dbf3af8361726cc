/** The backups of one directory that were made by time: their names, which of them are whole, and which of them may go. */

import { AccessError, CorruptionError, FormatVersionError, MasterKeyError } from "../../base/errors.ts";
import { type BackupOutline, outlineBackup } from "../../node/recovery/backup_file.ts";
import type { Disk } from "../../storage/disk.ts";
import type { MasterKeys } from "../../storage/encryption/master_key.ts";
import { openBackup } from "../../storage/encryption/sealed_backup.ts";

const NAME = /^kvstore-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z\.snap$/;
const TEMPORARY = /^kvstore-\d{8}T\d{6}Z\.snap\.[0-9a-f]{8}\.tmp$/;
const TIME = /[-:]|\.\d{3}/g;

/** A whole backup. */
export interface KeptBackup {
  readonly name: string;
  /** When it was begun, in ms since 1970, to the second, by its name. */
  readonly timeMs: number;
  readonly outline: BackupOutline;
}

/** The name of a backup that is begun at a moment, in ms since 1970: names sort as their moments do. */
export function backupName(timeMs: number): string {
  return `kvstore-${new Date(timeMs).toISOString().replace(TIME, "")}.snap`;
}

/** The moment that a name tells; undefined for any other name. */
export function timeOfName(name: string): number | undefined {
  const match = NAME.exec(name);
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second] = match;
  const timeMs = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
  return Number.isNaN(timeMs) ? undefined : timeMs;
}

/** Whether it is the name of a backup in the making. */
export function isTemporaryName(name: string): boolean {
  return TEMPORARY.test(name);
}

/**
 * One directory. Each file is verified once, when it is first looked at; what is found damaged is told, and never removed. So is what a clock
 * that was ahead has left: it would be the newest for as long, and what is made now would go for it.
 */
export class KeptBackups {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #masterKeys: MasterKeys | undefined;
  readonly #warn: (line: string) => void;
  /** By name; undefined for one that is not whole. */
  readonly #known = new Map<string, BackupOutline | undefined>();
  #toldOfFuture = false;

  constructor(
    { disk, directory, masterKeys, warn }: {
      readonly disk: Disk;
      readonly directory: string;
      /** For those that are encrypted; one under another key is told of, and does not count. */
      readonly masterKeys?: MasterKeys | undefined;
      /** Hears of each file that is not whole, once, and once that there are some of the future. */
      readonly warn: (line: string) => void;
    },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#masterKeys = masterKeys;
    this.#warn = warn;
  }

  /** A file was made, and has been verified. */
  made(name: string, outline: BackupOutline): void {
    this.#known.set(name, outline);
  }

  /**
   * The newest whole backup of any cluster that is not of later than `nowMs`; undefined where there is none. Throws what the disk throws when
   * it cannot be listed.
   */
  newest(nowMs: number): KeptBackup | undefined {
    for (const kept of this.#whole(nowMs)) return kept;
    return undefined;
  }

  /**
   * Removes whole backups of that cluster of which `keep` newer ones are whole. What is damaged, has another name, is of another cluster, or of
   * later than `nowMs`, which is when the last one was begun, stays, and does not count. Resolves to the names.
   */
  async prune(
    clusterId: string | null,
    { keep, nowMs }: { readonly keep: number; readonly nowMs: number },
  ): Promise<readonly string[]> {
    // Nothing can go, so nothing has to be read.
    if (this.#names(nowMs).length <= keep) return [];
    let kept = 0;
    const removed: string[] = [];
    for (const { name, outline } of this.#whole(nowMs)) {
      if (outline.clusterId !== clusterId) continue;
      if (kept < keep) kept += 1;
      else removed.push(name);
    }
    for (const name of removed) {
      this.#disk.remove(`${this.#directory}/${name}`);
      this.#known.delete(name);
    }
    if (removed.length > 0) await this.#disk.syncDirectory(this.#directory);
    return removed;
  }

  /** Those that are not of later than `nowMs`, newest first. */
  #names(nowMs: number): readonly string[] {
    const names = this.#disk.list(this.#directory).filter((name) => timeOfName(name) !== undefined).toSorted()
      .reverse();
    const past = names.filter((name) => (timeOfName(name) ?? Infinity) <= nowMs);
    const [newest = ""] = names;
    if (past.length < names.length && !this.#toldOfFuture) {
      this.#toldOfFuture = true;
      this.#warn(`${newest} is of the future; such backups are left as they are, and do not count`);
    }
    return past;
  }

  /** Newest first; each is verified when it is its turn. */
  *#whole(nowMs: number): Generator<KeptBackup> {
    for (const name of this.#names(nowMs)) {
      const timeMs = timeOfName(name);
      const outline = timeMs === undefined ? undefined : this.#outlineOf(name);
      if (timeMs !== undefined && outline !== undefined) yield { name, timeMs, outline };
    }
  }

  #outlineOf(name: string): BackupOutline | undefined {
    if (this.#known.has(name)) return this.#known.get(name);
    const outline = this.#verify(name);
    this.#known.set(name, outline);
    return outline;
  }

  #verify(name: string): BackupOutline | undefined {
    try {
      const file = this.#disk.open(`${this.#directory}/${name}`, "read");
      try {
        return outlineBackup(openBackup(file, this.#masterKeys));
      } finally {
        file.close();
      }
    } catch (error) {
      if (
        error instanceof CorruptionError || error instanceof FormatVersionError || error instanceof AccessError ||
        error instanceof MasterKeyError
      ) {
        this.#warn(`${error.message}; it is left as it is, and does not count`);
        return undefined;
      }
      throw error;
    }
  }
}
