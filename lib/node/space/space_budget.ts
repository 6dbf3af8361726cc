/** How much room the disk has, what the next snapshot needs of it, and so what may still be written (ADR 45). */

import { bytesToString } from "../../base/bytes.ts";
import { AccessError } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import { CommandGrowth } from "../../kv/command_growth.ts";
import { EntryReader, type Run } from "../../raft/run.ts";
import type { DiskSpace } from "../../storage/disk.ts";
import type { Storage } from "../../storage/storage.ts";
import type { SpaceView } from "../api.ts";
import type { AppliedState } from "../effects/applied.ts";
import {
  AMPLE_SPACE_BYTES,
  DISK_HIGH_SHARE,
  DISK_LOW_SHARE,
  DISK_MARGIN_BYTES_MAX,
  DISK_MARGIN_SHARE,
  SHORT_SNAPSHOT_SHARE,
  SPACE_LOOK_MS,
} from "../limits.ts";
import { inMib } from "../memory/memory_budget.ts";
import type { NodeLog } from "../options.ts";

/** What is added takes room in the log and in three snapshots; the growth of a command counts it twice already. */
const GROWTH_COPIES = 2;
/** Those of the bytes of an entry. */
const ENTRY_COPIES = 4;

/** Bytes of the snapshots that are there, and of one in the making. */
interface KeptBytes {
  readonly newest: number;
  readonly older: number;
  readonly temporary: number;
}

/** What is looked at. */
export interface SpaceParts {
  readonly storage: Pick<Storage, "space" | "keepFree" | "sizes" | "directory">;
  readonly applied: AppliedState;
  readonly clock: Clock;
  readonly log: NodeLog;
}

/**
 * Looks at the disk every `SPACE_LOOK_MS`, and compares what is free with what snapshots take at most.
 *
 *     0 ............ snapshots ............ snapshots and a margin ............ all of the disk
 *     the log takes no further     what removes is written,       all is taken
 *     segment, and a follower      and what adds is refused
 *     nothing that adds            by a leader
 *
 * The margin makes a leader refuse before a majority of equal disks does, whose logs are not equally long. Where the system does not tell
 * what is free, nothing is refused before the disk does it.
 */
export class SpaceBudget {
  /** There is more room than could be filled before the next look, or nothing is known: everything is taken, unasked. */
  isAmple = true;
  /** Bytes of log after which a snapshot is due however large the state is: only a snapshot gives room of the log back. */
  dueBytesMax = Infinity;
  readonly #parts: SpaceParts;
  #lookedAt = -Infinity;
  #view: SpaceView | undefined;
  #kept: KeptBytes = { newest: 0, older: 0, temporary: 0 };
  /** By entries of a leader since the last look, which may not be applied yet. */
  #takenBytes = 0;
  #isShort = false;
  /** Room has become short since the last snapshot began: the log may have grown far by what is otherwise due. */
  #isToShrink = false;
  #isHigh = false;
  #marginBytes = 0;
  #isTold = true;

  /** Looks for the first time. */
  constructor(parts: SpaceParts) {
    this.#parts = parts;
    this.look();
  }

  /** What the last look has found; undefined where the system does not tell. */
  get view(): SpaceView | undefined {
    return this.#view;
  }

  /** Bytes of log that may stay behind a snapshot for followers that lag. */
  get trailingBytesMax(): number {
    const { totalBytes = Infinity } = this.#view ?? {};
    return Math.min(totalBytes * DISK_MARGIN_SHARE, this.#shortShare);
  }

  /** A snapshot begins: the next one is due by what comes from now on. */
  snapshotBegins(): void {
    this.#isToShrink = false;
    this.#setDue();
  }

  /** Whether a command may be appended, while those before it that are not applied yet may add `promisedBytes`. */
  admits({ bytes, isDenied }: CommandGrowth, promisedBytes: number): boolean {
    if (bytes === 0 || !isDenied || this.#view === undefined) return true;
    if (this.#isShort) return false;
    const { freeBytes } = this.#view;
    if (this.#reserveBytes + GROWTH_COPIES * (promisedBytes + bytes) <= freeBytes) return true;
    this.#becomeShort(this.#view);
    return false;
  }

  /** Whether entries of a leader may be appended: those that add nothing always. */
  takes(entries: Pick<Run, "bytes" | "body">): boolean {
    if (!this.hasRoomFor(entries.bytes)) return !addsAny(entries.body);
    this.#takenBytes += ENTRY_COPIES * entries.bytes;
    return true;
  }

  /** Whether entries of so many bytes are taken whatever they do. */
  hasRoomFor(bytes: number): boolean {
    const { freeBytes = Infinity } = this.#view ?? {};
    return this.#neededBytes + this.#takenBytes + ENTRY_COPIES * bytes <= freeBytes;
  }

  /** Asks the system, and says once that the disk fills, and that room is short; called with every tick. */
  look(): void {
    const { clock, storage } = this.#parts;
    const now = clock.now();
    if (now - this.#lookedAt < SPACE_LOOK_MS) return;
    this.#lookedAt = now;
    const space = this.#ask();
    if (space === undefined) return this.#forget();
    const marginBytes = Math.min(DISK_MARGIN_BYTES_MAX, space.totalBytes * DISK_MARGIN_SHARE);
    const sizes = storage.sizes();
    const { walBytes, snapshotBytes, newestSnapshotBytes: newest, temporaryBytes } = sizes;
    this.#kept = { newest, older: snapshotBytes - newest, temporary: temporaryBytes };
    this.#marginBytes = marginBytes;
    this.#takenBytes = 0;
    storage.keepFree(this.#neededBytes);
    this.#view = {
      ...{ ...space, reserveBytes: this.#reserveBytes, marginBytes },
      ...{ walBytes, snapshotBytes, temporaryBytes },
    };
    this.#tellShort(this.#view);
    this.isAmple = !this.#isShort && space.freeBytes >= this.#reserveBytes + AMPLE_SPACE_BYTES;
    if (this.#wastedBytes > this.#shortShare) this.#isToShrink = true;
    this.#setDue();
    this.#tellHigh(this.#view);
  }

  /**
   * What snapshots take beside what is there: the next one, which takes the place of the older of two, and another one in the place of the
   * newest. Those may be smaller; with this much, one after the other can be written.
   */
  get #neededBytes(): number {
    const { newest, older, temporary } = this.#kept;
    const bytes = this.#parts.applied.state.snapshotBytesMax;
    return Math.max(0, bytes - temporary) + Math.max(0, bytes - newest) + Math.max(0, bytes - older);
  }

  /** What snapshots from before keys were removed have more than the next ones. */
  get #wastedBytes(): number {
    const { newest, older } = this.#kept;
    const bytes = this.#parts.applied.state.snapshotBytesMax;
    return Math.max(0, newest - bytes) + Math.max(0, older - bytes);
  }

  get #reserveBytes(): number {
    return this.#neededBytes + this.#marginBytes;
  }

  #setDue(): void {
    this.dueBytesMax = this.#isToShrink ? 1 : this.#shortShare;
  }

  get #shortShare(): number {
    return this.#isShort && this.#view !== undefined ? this.#view.marginBytes * SHORT_SNAPSHOT_SHARE : Infinity;
  }

  #ask(): DiskSpace | undefined {
    const { storage, log } = this.#parts;
    try {
      const space = storage.space();
      this.#isTold ||= space !== undefined;
      return space;
    } catch (error) {
      if (!(error instanceof AccessError)) throw error;
      if (this.#isTold) log("warn", `${error.message}; writes are refused only once the disk is full`);
      this.#isTold = false;
      return undefined;
    }
  }

  #forget(): void {
    this.#view = undefined;
    this.isAmple = true;
    this.#isShort = false;
    this.#isToShrink = false;
    this.#setDue();
    this.#parts.storage.keepFree(0);
  }

  /** With a half of the margin between its beginning and its end, so that it does not come and go with every write. */
  #tellShort(view: SpaceView): void {
    const { freeBytes, reserveBytes, marginBytes } = view;
    if (!this.#isShort && freeBytes < reserveBytes) return this.#becomeShort(view);
    if (!this.#isShort || freeBytes < reserveBytes + marginBytes / 2) return;
    this.#isShort = false;
    this.#isToShrink = false;
    this.#parts.log("info", `${this.#found(view)}: writes that add are taken again`);
  }

  #becomeShort(view: SpaceView): void {
    this.#isShort = true;
    this.#isToShrink = true;
    this.#setDue();
    const needed = `snapshots need up to ${inMib(this.#reserveBytes)} with a margin`;
    this.#parts.log("error", `${this.#found(view)}, and ${needed}: writes that add are refused until there is more`);
  }

  #found({ freeBytes }: SpaceView): string {
    return `${inMib(freeBytes)} of the disk under ${this.#parts.storage.directory} are free`;
  }

  #tellHigh(view: SpaceView): void {
    const share = 1 - view.freeBytes / view.totalBytes;
    const { log, storage: { directory } } = this.#parts;
    const found = `The disk under ${directory} is ${Math.floor(share * 100)} % full`;
    if (!this.#isHigh && share >= DISK_HIGH_SHARE) {
      this.#isHigh = true;
      log("warn", `${found}: ${describe(view)}; below ${inMib(view.reserveBytes)} free, writes that add are refused`);
    } else if (this.#isHigh && share < DISK_LOW_SHARE) {
      this.#isHigh = false;
      log("info", `${found}, no longer so much`);
    }
  }
}

/** Whether one of the entries in a body adds to the state. */
function addsAny(body: Uint8Array): boolean {
  const reader = new EntryReader(body);
  const growth = new CommandGrowth();
  while (reader.next()) {
    if (!reader.isCommand) continue;
    growth.read(bytesToString(body, reader.start, reader.end));
    if (growth.isDenied && growth.bytes > 0) return true;
  }
  return false;
}

/** What takes the space. */
function describe({ totalBytes, freeBytes, walBytes, snapshotBytes, temporaryBytes }: SpaceView): string {
  const other = Math.max(0, totalBytes - freeBytes - walBytes - snapshotBytes - temporaryBytes);
  const parts = { log: walBytes, snapshots: snapshotBytes, temporary: temporaryBytes, other };
  return Object.entries(parts).map(([name, bytes]) => `${name} ${inMib(bytes)}`).join(", ");
}
