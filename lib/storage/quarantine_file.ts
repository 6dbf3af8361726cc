/** What a directory keeps of the times when its node's state was not sound: the present one as a mark, the last ones as evidence. */

import { AccessError, NoSpaceError } from "../base/errors.ts";
import type { Disk } from "./disk.ts";
import { publishFile } from "./published_file.ts";

/** The folder in the directory of a node. */
export const QUARANTINE_NAME = "quarantine";
/** Files of times that are over; the one of the lowest entry goes. */
export const QUARANTINE_KEPT_MAX = 16;

const OPEN_NAME = "open.json";
const TEMPORARY_NAME = "open.json.tmp";
const CLOSED_NAME = /^(\d+)\.json$/;

/** The mark and the evidence of one directory. What it does not know for want of room or of rights does not keep the node from going on. */
export class QuarantineFile {
  readonly #disk: Disk;
  readonly #directory: string;
  readonly #folder: string;

  constructor(disk: Disk, directory: string) {
    this.#disk = disk;
    this.#directory = directory;
    this.#folder = `${directory}/${QUARANTINE_NAME}`;
  }

  /** Whether the state that the directory holds was found not to be sound, and has not been replaced since. */
  get isOpen(): boolean {
    return this.#disk.exists(this.#path(OPEN_NAME));
  }

  /** Marks the directory, durably, with what was found. Rejects with `NoSpaceError`, `AccessError` or `DiskFailureError`. */
  async open(found: Readonly<Record<string, unknown>>): Promise<void> {
    const disk = this.#disk;
    disk.makeDirectory(this.#folder);
    await disk.syncDirectory(this.#directory);
    const file = disk.open(this.#path(TEMPORARY_NAME), "create");
    try {
      file.writeAt(0, new TextEncoder().encode(`${JSON.stringify(found, undefined, 2)}\n`));
      await publishFile(disk, { file, path: this.#path(OPEN_NAME) });
    } finally {
      file.close();
    }
  }

  /** Takes the mark away, durably, and keeps it as evidence under the entry at which the state was replaced. Rejects as `open` does. */
  async close(index: number): Promise<void> {
    if (!this.isOpen) return;
    this.#disk.rename(this.#path(OPEN_NAME), this.#path(`${index}.json`));
    const kept = this.#disk.list(this.#folder).flatMap((name) => CLOSED_NAME.exec(name)?.[1] ?? []).map(Number);
    const ascending = kept.sort((left, right) => left - right);
    for (const old of ascending.slice(0, -QUARANTINE_KEPT_MAX)) this.#disk.remove(this.#path(`${old}.json`));
    await this.#disk.syncDirectory(this.#folder);
  }

  #path(name: string): string {
    return `${this.#folder}/${name}`;
  }
}

/** Whether a mark could not be written or taken away for a reason that is none of the log and the snapshots. */
export function isPassing(error: unknown): error is Error {
  return error instanceof NoSpaceError || error instanceof AccessError;
}
