/** Backups: the file of a fresh snapshot, verified, for whoever wants to keep it elsewhere. */

import type { Clock } from "../../base/clock.ts";
import { CorruptionError } from "../../base/errors.ts";
import type { Index } from "../../raft/types.ts";
import type { SnapshotSource } from "../../storage/storage.ts";
import type { BackupOutcome, SnapshotOutcome } from "../api.ts";
import { BACKUPS_MAX } from "../limits.ts";
import { inSlices } from "./load_state.ts";
import { Pace } from "./pace.ts";

/** Takes a snapshot, or joins one that is under way. */
export type TakeSnapshot = () => Promise<SnapshotOutcome>;

/** What backups are made with. */
export interface BackupParts {
  readonly clock: Clock;
  /** The last entry applied. */
  lastApplied(): Index;
  /** The newest snapshot, opened once more. */
  openSnapshot(): SnapshotSource | undefined;
}

/** Opens backups, a few at a time: each keeps a file alive that the node may have replaced. */
export class Backups {
  readonly #parts: BackupParts;
  #open = 0;

  /** Opens nothing yet. */
  constructor(parts: BackupParts) {
    this.#parts = parts;
  }

  /** Takes a snapshot unless the newest has everything, reads it through, and opens it. Never rejects. */
  async open(takeSnapshot: TakeSnapshot): Promise<BackupOutcome> {
    if (this.#open >= BACKUPS_MAX) return { type: "Busy" };
    this.#open += 1;
    const outcome = await this.#tryToOpen(takeSnapshot);
    if (outcome.type !== "Opened") this.#open -= 1;
    return outcome;
  }

  /** What ends the node reaches it by itself; a client that waits for a backup hears that there is none. */
  async #tryToOpen(takeSnapshot: TakeSnapshot): Promise<BackupOutcome> {
    try {
      return await this.#openOne(takeSnapshot);
    } catch (error) {
      return { type: "Failed", message: error instanceof Error ? error.message : String(error) };
    }
  }

  async #openOne(takeSnapshot: TakeSnapshot): Promise<BackupOutcome> {
    const { openSnapshot, lastApplied } = this.#parts;
    const wanted = lastApplied();
    let taken = await takeSnapshot();
    // It may have joined a snapshot that was under way, of a state before this request; the next one begins later.
    if ("id" in taken && taken.id.index < wanted) taken = await takeSnapshot();
    if (!("id" in taken)) return taken;
    const source = openSnapshot();
    if (source === undefined) return { type: "Empty" };
    let isWhole = false;
    try {
      const damage = await this.#verify(source);
      isWhole = damage === undefined;
      if (damage !== undefined) return { type: "Failed", message: damage };
    } finally {
      if (!isWhole) source.close();
    }
    return { type: "Opened", backup: this.#hand(source) };
  }

  /**
   * What is wrong with the file; it was right when it was written. Its compression is left to whoever takes the backup, and has to undo
   * it to know that the backup is whole.
   */
  async #verify(source: SnapshotSource): Promise<string | undefined> {
    const { clock } = this.#parts;
    const blocks = source.check()[Symbol.iterator]();
    try {
      await inSlices(clock, () => blocks.next().done !== true, new Pace({ clock, isForBackup: () => true }));
      return undefined;
    } catch (error) {
      if (error instanceof CorruptionError) return error.message;
      throw error;
    }
  }

  #hand(source: SnapshotSource): (BackupOutcome & { readonly type: "Opened" })["backup"] {
    let isOpen = true;
    return {
      id: source.description.lastIncluded,
      bytes: source.description.bytes,
      read: (offset, lengthMax) => source.readChunk(offset, lengthMax),
      close: () => {
        if (!isOpen) return;
        isOpen = false;
        this.#open -= 1;
        source.close();
      },
    };
  }
}
