/** How fast a snapshot is written or read beside the requests of clients, who wait for the same processor and the same disk. */

import type { Clock } from "../../base/clock.ts";
import {
  BACKUP_REST,
  BACKUP_SLICE_MS,
  SNAPSHOT_DISK_REST,
  SNAPSHOT_REST_MS_MAX,
  SNAPSHOT_SLICE_MS,
} from "../limits.ts";

/** What the pace depends on. */
export interface PaceParts {
  readonly clock: Clock;
  /** Whether a backup alone waits for it; asked again for every piece. */
  isForBackup(): boolean;
  /** Resolves when the disk has what was handed to it, at once when it has nothing to do. Left out where nothing is written. */
  writtenBack?(): Promise<void>;
}

/** Leaves the processor alone for as long as it was used, or several times as long for a backup, and the disk for longer. */
export class Pace {
  readonly #parts: PaceParts;

  /** Nothing is measured yet. */
  constructor(parts: PaceParts) {
    this.#parts = parts;
  }

  /** How long the next piece may take, in ms. */
  get sliceMs(): number {
    return this.#parts.isForBackup() ? BACKUP_SLICE_MS : SNAPSHOT_SLICE_MS;
  }

  /** To be awaited after `workedMs` of work. Rejects as `writtenBack` does. */
  async rest(workedMs: number): Promise<void> {
    const { clock } = this.#parts;
    const begun = clock.now();
    await this.#parts.writtenBack?.();
    const diskMs = clock.now() - begun;
    const times = this.#parts.isForBackup() ? BACKUP_REST : 1;
    const ms = Math.min(Math.max(times * workedMs, SNAPSHOT_DISK_REST * diskMs), SNAPSHOT_REST_MS_MAX);
    await new Promise<void>((resolve) => clock.after(ms, resolve));
  }
}
