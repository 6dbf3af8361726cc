/** The backups of one directory that were made by time: their names, which of them are whole, and which of them may go. */

import { AccessError, CorruptionError, FormatVersionError } from "../../base/errors.ts";
import { type BackupOutline, outlineBackup } from "../../node/recovery/backup_file.ts";
import type { Disk } from "../../storage/disk.ts";

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

/** One directory. Each file is verified once, when it is first looked at; what is found damaged is told, and never removed. */
export class KeptBackups {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #damaged: (line: string) => void;
  /** By name; undefined for one that is not whole. */
  readonly #known = new Map<string, BackupOutline | undefined>();

  constructor(
    { disk, directory, damaged }: {
      readonly disk: Disk;
      readonly directory: string;
      /** Hears of each file that is not whole, once. */
      readonly damaged: (line: string) => void;
    },
  ) {
    this.#disk = disk;
    this.#directory = directory;
    this.#damaged = damaged;
  }

  /** A file was made, and has been verified. */
  made(name: string, outline: BackupOutline): void {
    this.#known.set(name, outline);
  }

  /** The newest whole backup of any cluster; undefined where there is none. Throws what the disk throws when it cannot be listed. */
  newest(): KeptBackup | undefined {
    for (const kept of this.#whole()) return kept;
    return undefined;
  }

  /**
   * Removes whole backups of that cluster of which `keep` newer ones are whole. What is damaged, has another name, or is of another cluster
   * stays, and does not count. Resolves to the names.
   */
  async prune(clusterId: string | null, keep: number): Promise<readonly string[]> {
    // Nothing can go, so nothing has to be read.
    if (this.#names().length <= keep) return [];
    let kept = 0;
    const removed: string[] = [];
    for (const { name, outline } of this.#whole()) {
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

  /** Newest first. */
  #names(): readonly string[] {
    return this.#disk.list(this.#directory).filter((name) => timeOfName(name) !== undefined).toSorted().reverse();
  }

  /** Newest first; each is verified when it is its turn. */
  *#whole(): Generator<KeptBackup> {
    for (const name of this.#names()) {
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
        return outlineBackup(file);
      } finally {
        file.close();
      }
    } catch (error) {
      if (
        error instanceof CorruptionError || error instanceof FormatVersionError || error instanceof AccessError
      ) {
        this.#damaged(`${error.message}; it is left as it is, and does not count`);
        return undefined;
      }
      throw error;
    }
  }
}
