/** Files of the in-memory disk: what the page cache shows, what is durable, and every version in between. */

import { DiskFailureError, NoSpaceError } from "../../../lib/base/errors.ts";
import type { DiskFile } from "../../../lib/storage/disk.ts";

/** What a drive writes entirely or not at all. */
export const SECTOR_BYTES = 512;

/** Decides what of the data that was never synced outlives a crash. */
export interface DataSurvival {
  /** How many of the `versions` (at least 1) that sector `sector` went through since its last sync reached the disk. */
  keepVersions?(path: string, sector: number, versions: number): number;
  /** Whether an unsynced change of the file's size reached the disk. */
  keepSize?(path: string): boolean;
}

/** A sector after a write. */
interface Version {
  readonly change: number;
  readonly content: Uint8Array;
}

/** The content of a file, whatever its names. */
export class Inode {
  /** What reads return; longer than `size`, zero beyond it. */
  #cache = new Uint8Array(0);
  #size = 0;
  /** What a crash leaves for certain. */
  #durable = new Uint8Array(0);
  #durableSize = 0;
  /** Contents of each unsynced sector after each write to it, oldest first. */
  readonly #unsynced = new Map<number, Version[]>();
  /** Counts changes, so that a sync knows which came before it, also when a later one ends first. */
  #changes = 0;
  /** The change up to which the durable size is known. */
  #durableSizeAt = 0;

  get size(): number {
    return this.#size;
  }

  /** A copy of what reads return. */
  contents(): Uint8Array {
    return this.#cache.slice(0, this.#size);
  }

  read(offset: number, target: Uint8Array): number {
    const count = Math.max(0, Math.min(target.length, this.#size - offset));
    target.set(this.#cache.subarray(offset, offset + count));
    return count;
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#cache = grown(this.#cache, offset + bytes.length);
    this.#cache.set(bytes, offset);
    this.#size = Math.max(this.#size, offset + bytes.length);
    this.#remember(offset, offset + bytes.length);
  }

  truncate(size: number): void {
    const before = this.#size;
    this.#cache = grown(this.#cache, size);
    this.#size = size;
    this.#changes += 1;
    if (size >= before) return;
    this.#cache.fill(0, size, before);
    this.#remember(size, before);
  }

  /** Lets `change` change the bytes, in the page cache and on the drive alike. For files of which everything is synced. */
  damage(change: (bytes: Uint8Array) => void): void {
    change(this.#cache.subarray(0, this.#size));
    this.#durable = this.#cache.slice();
  }

  /** What a sync started now will cover; call the result when it ends. Writes in between are not covered. */
  startSync(): (success: boolean) => void {
    const size = this.#size;
    const upTo = this.#changes;
    const covered = Array.from(this.#unsynced.keys());
    return (success) => {
      // After a failed sync Linux takes the pages for clean: what they held is never written by a later sync.
      for (const sector of covered) this.#settle(sector, { upTo, success });
      if (!success || upTo < this.#durableSizeAt) return;
      if (size < this.#durableSize) this.#durable.fill(0, size, this.#durableSize);
      this.#durableSize = size;
      this.#durableSizeAt = upTo;
    };
  }

  /** The file as a crash at this moment leaves it. */
  survivor(path: string, survival: DataSurvival): Inode {
    const result = new Inode();
    const keepsSize = this.#durableSize !== this.#size && (survival.keepSize?.(path) ?? false);
    result.#size = keepsSize ? this.#size : this.#durableSize;
    result.#cache = new Uint8Array(result.#size);
    result.#cache.set(this.#durable.subarray(0, result.#size));
    for (const [sector, versions] of this.#unsynced) {
      const kept = survival.keepVersions?.(path, sector, versions.length) ?? 0;
      const content = kept === 0 ? undefined : versions[kept - 1]?.content;
      const start = sector * SECTOR_BYTES;
      if (content !== undefined && start < result.#size) {
        result.#cache.set(content.subarray(0, result.#size - start), start);
      }
    }
    result.#durable = result.#cache.slice();
    result.#durableSize = result.#size;
    return result;
  }

  #remember(from: number, to: number): void {
    this.#cache = grown(this.#cache, to + SECTOR_BYTES);
    this.#changes += 1;
    const change = this.#changes;
    for (let sector = Math.floor(from / SECTOR_BYTES); sector * SECTOR_BYTES < to; sector++) {
      const content = this.#cache.slice(sector * SECTOR_BYTES, (sector + 1) * SECTOR_BYTES);
      const versions = this.#unsynced.get(sector);
      if (versions === undefined) this.#unsynced.set(sector, [{ change, content }]);
      else versions.push({ change, content });
    }
  }

  #settle(sector: number, outcome: { readonly upTo: number; readonly success: boolean }): void {
    const versions = this.#unsynced.get(sector) ?? [];
    const left = versions.findIndex(({ change }) => change > outcome.upTo);
    const settled = versions.splice(0, left === -1 ? versions.length : left);
    if (versions.length === 0) this.#unsynced.delete(sector);
    const content = settled.at(-1)?.content;
    if (content === undefined || !outcome.success) return;
    this.#durable = grown(this.#durable, (sector + 1) * SECTOR_BYTES);
    this.#durable.set(content, sector * SECTOR_BYTES);
  }
}

/** What an open file asks of the disk it is on. */
export interface MemoryFileHost {
  /** Room for `bytes` more in a file of `size` bytes: less than asked when the disk is full. */
  takeSpace(size: number, bytes: number): number;
  /** Throws the planned failure of a read; else nothing. */
  beforeRead(path: string): void;
  /** Throws the planned failure of a write; else nothing. */
  beforeWrite(path: string): void;
  afterCall(operation: string, path: string): void;
  /** The planned outcome of a sync. */
  runSync(path: string): Promise<boolean>;
  /** Whether a sync that succeeds does nothing. */
  losesSync(path: string): boolean;
  /** The most bytes one write takes. */
  readonly pieceBytes: number;
}

/** An open file of the in-memory disk. */
export class MemoryFile implements DiskFile {
  readonly #inode: Inode;
  readonly #host: MemoryFileHost;
  #open = true;

  constructor(readonly path: string, inode: Inode, host: MemoryFileHost) {
    this.#inode = inode;
    this.#host = host;
  }

  size(): number {
    return this.#inode.size;
  }

  readAt(offset: number, target: Uint8Array): number {
    this.#check("read");
    this.#host.beforeRead(this.path);
    return this.#inode.read(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#check("write");
    this.#host.beforeWrite(this.path);
    for (let done = 0; done < bytes.length;) {
      const piece = Math.min(bytes.length - done, this.#host.pieceBytes);
      const growth = Math.max(0, offset + done + piece - this.#inode.size);
      const missing = growth - this.#host.takeSpace(this.#inode.size, growth);
      this.#inode.write(offset + done, bytes.subarray(done, done + piece - missing));
      this.#host.afterCall("write", this.path);
      if (missing > 0) throw new NoSpaceError(this.path);
      done += piece;
    }
  }

  async syncData(): Promise<void> {
    this.#check("sync");
    const finish = this.#inode.startSync();
    this.#host.afterCall("startSync", this.path);
    const success = await this.#host.runSync(this.path);
    if (!this.#host.losesSync(this.path)) finish(success);
    this.#host.afterCall("sync", this.path);
    if (!success) throw new DiskFailureError(this.path, { operation: "sync", cause: "planned fault" });
  }

  truncate(size: number): void {
    this.#check("truncate");
    const growth = Math.max(0, size - this.#inode.size);
    if (this.#host.takeSpace(this.#inode.size, growth) < growth) throw new NoSpaceError(this.path);
    this.#inode.truncate(size);
    this.#host.afterCall("truncate", this.path);
  }

  close(): void {
    this.#open = false;
  }

  #check(operation: string): void {
    if (!this.#open) throw new DiskFailureError(this.path, { operation, cause: "the file is closed" });
  }
}

function grown(bytes: Uint8Array<ArrayBuffer>, size: number): Uint8Array<ArrayBuffer> {
  if (size <= bytes.length) return bytes;
  const result = new Uint8Array(Math.max(size, bytes.length * 2));
  result.set(bytes);
  return result;
}
