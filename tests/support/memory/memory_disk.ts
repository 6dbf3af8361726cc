/** The Disk port in memory: same meaning as the real one, with crashes that lose what was not synced, and faults. */

import { AccessError, DirectoryLockedError, DiskFailureError } from "../../../lib/base/errors.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../../../lib/storage/disk.ts";
import { type DataSurvival, Inode, MemoryFile, type MemoryFileHost } from "./memory_file.ts";

/** A change of a directory that only `syncDirectory` makes durable. */
export interface DirectoryOperation {
  readonly type: "Create" | "Remove" | "Rename" | "MakeDirectory";
  /** The directory changed. */
  readonly directory: string;
  readonly path: string;
  /** The old name of a `Rename`. */
  readonly from?: string;
}

/** Decides what of the unsynced state outlives a crash. What is left out is lost. */
export interface CrashSurvival extends DataSurvival {
  keepOperation?(operation: DirectoryOperation): boolean;
}

/** Faults and observations. Every field may be changed at any time. */
export interface MemoryDiskHooks {
  /** After each call (each piece of a write, each start and end of a sync) that changes what a crash may leave. */
  afterCall?: ((operation: string, path: string) => void) | undefined;
  /** True makes this sync, of a file or a directory, fail. */
  failSync?: ((path: string) => boolean) | undefined;
  /** True makes this write fail with `DiskFailureError` before anything is written. */
  failWrite?: ((path: string) => boolean) | undefined;
  /** True makes this read of a file fail with `DiskFailureError`. */
  failRead?: ((path: string) => boolean) | undefined;
  /** True makes this sync of a file succeed without effect, as a drive that lies does. */
  loseSync?: ((path: string) => boolean) | undefined;
  /** Holds a sync back. */
  delaySync?: ((path: string) => Promise<void>) | undefined;
}

/** Sizes of a `MemoryDisk`; unlimited where left out. */
export interface MemoryDiskOptions {
  /** The sum of the sizes of all files. */
  readonly capacityBytes?: number;
  /** The size of one file. */
  readonly fileBytesMax?: number;
  /** Writes happen in pieces of this size, each a call of its own, as a short write that is looped over. */
  readonly pieceBytes?: number;
}

interface PendingOperation extends DirectoryOperation {
  readonly inode: Inode | undefined;
}

/** Names and directories, as they are seen or as they are durable. */
interface Namespace {
  readonly files: Map<string, Inode>;
  readonly directories: Set<string>;
}

/** A disk in memory. Paths are compared as they are; "/" and "." exist. */
export class MemoryDisk implements Disk {
  readonly hooks: MemoryDiskHooks = {};
  capacityBytes: number;
  /** Whether `space` tells of a capacity. Off, as on a system that tells nothing, so that a full disk is met by writing to it. */
  tellsSpace = false;
  readonly #options: MemoryDiskOptions;
  #seen: Namespace = { files: new Map(), directories: new Set(["/", "."]) };
  #durable: Namespace = { files: new Map(), directories: new Set(["/", "."]) };
  #pending: PendingOperation[] = [];
  readonly #locked = new Set<string>();
  readonly #host: MemoryFileHost;

  constructor(options: MemoryDiskOptions = {}) {
    this.#options = options;
    this.capacityBytes = options.capacityBytes ?? Infinity;
    this.#host = {
      pieceBytes: options.pieceBytes ?? Infinity,
      takeSpace: (size, bytes) => this.#takeSpace(size, bytes),
      beforeRead: (path) => this.#beforeRead(path),
      beforeWrite: (path) => this.#beforeWrite(path),
      afterCall: (operation, path) => this.hooks.afterCall?.(operation, path),
      runSync: (path) => this.#runSync(path),
      losesSync: (path) => this.hooks.loseSync?.(path) ?? false,
    };
  }

  makeDirectory(path: string): void {
    if (path === "" || this.#seen.directories.has(path)) return;
    this.makeDirectory(parentOf(path));
    this.#change({ type: "MakeDirectory", directory: parentOf(path), path, inode: undefined });
  }

  exists(path: string): boolean {
    return this.#seen.files.has(path) || this.#seen.directories.has(path);
  }

  list(path: string): readonly string[] {
    const names: string[] = [];
    for (const known of [...this.#seen.files.keys(), ...this.#seen.directories]) {
      if (known !== path && parentOf(known) === path) names.push(known.slice(known.lastIndexOf("/") + 1));
    }
    return names.sort((left, right) => left < right ? -1 : 1);
  }

  open(path: string, mode: OpenMode): DiskFile {
    const inode = this.#seen.files.get(path);
    if (mode !== "create") {
      if (inode === undefined) throw new AccessError(path, { operation: "open", cause: "no such file" });
      return new MemoryFile(path, inode, this.#host);
    }
    if (!this.#seen.directories.has(parentOf(path))) {
      throw new AccessError(path, { operation: "open", cause: "no such directory" });
    }
    if (inode !== undefined) {
      inode.truncate(0);
      this.hooks.afterCall?.("truncate", path);
      return new MemoryFile(path, inode, this.#host);
    }
    const created = new Inode();
    this.#change({ type: "Create", directory: parentOf(path), path, inode: created });
    return new MemoryFile(path, created, this.#host);
  }

  space(_path: string): DiskSpace | undefined {
    if (!this.tellsSpace || this.capacityBytes === Infinity) return undefined;
    const totalBytes = this.capacityBytes;
    return { totalBytes, freeBytes: Math.max(0, totalBytes - this.#usedBytes()) };
  }

  rename(from: string, to: string): void {
    const inode = this.#seen.files.get(from);
    if (inode === undefined) throw new AccessError(from, { operation: "rename", cause: "no such file" });
    this.#change({ type: "Rename", directory: parentOf(to), path: to, from, inode });
  }

  remove(path: string): void {
    if (!this.#seen.files.has(path)) return;
    this.#change({ type: "Remove", directory: parentOf(path), path, inode: undefined });
  }

  async syncDirectory(path: string): Promise<void> {
    const covered = new Set(this.#pending.filter((operation) => operation.directory === path));
    const success = await this.#runSync(path);
    // Unlike the pages of a file, what a directory's failed sync leaves is still in the journal for the next one.
    if (success) {
      for (const operation of covered) apply(this.#durable, operation);
      this.#pending = this.#pending.filter((operation) => !covered.has(operation));
    }
    this.hooks.afterCall?.("syncDirectory", path);
    if (!success) throw new DiskFailureError(path, { operation: "sync", cause: "planned fault" });
  }

  lock(path: string, directory: string): Promise<DiskLock> {
    if (this.#locked.has(path)) return Promise.reject(new DirectoryLockedError(directory));
    if (!this.#seen.files.has(path)) this.open(path, "create").close();
    this.#locked.add(path);
    return Promise.resolve({ release: () => void this.#locked.delete(path) });
  }

  /** The disk as a crash at this moment leaves it, without locks, hooks or limits. This one is not changed. */
  crash(survival: CrashSurvival = {}): MemoryDisk {
    const result = new MemoryDisk();
    const left: Namespace = { files: new Map(this.#durable.files), directories: new Set(this.#durable.directories) };
    for (const operation of this.#pending) {
      if (survival.keepOperation?.(operation) ?? false) apply(left, operation);
    }
    const reachable = Array.from(left.directories).filter((path) => isReachable(path, left.directories));
    for (const space of [result.#seen, result.#durable]) for (const path of reachable) space.directories.add(path);
    for (const [path, inode] of left.files) {
      if (!result.#seen.directories.has(parentOf(path))) continue;
      const survivor = inode.survivor(path, survival);
      result.#seen.files.set(path, survivor);
      result.#durable.files.set(path, survivor);
    }
    return result;
  }

  /** Gives all locks up, as the system does for a process that was killed. What it wrote stays in the page cache. */
  releaseLocks(): void {
    this.#locked.clear();
  }

  /** A copy of a file as reads show it; undefined when there is none. For tests. */
  contents(path: string): Uint8Array | undefined {
    return this.#seen.files.get(path)?.contents();
  }

  /** Changes what is stored of a file, as a drive that decays does: `change` gets its bytes and changes them in place. */
  damage(path: string, change: (bytes: Uint8Array) => void): void {
    this.#seen.files.get(path)?.damage(change);
  }

  /** Every file with its contents, in order of path. For tests. */
  files(): ReadonlyMap<string, Uint8Array> {
    const paths = Array.from(this.#seen.files.keys()).sort();
    return new Map(paths.map((path) => [path, this.contents(path) ?? new Uint8Array(0)]));
  }

  #change(operation: PendingOperation): void {
    this.#pending.push(operation);
    apply(this.#seen, operation);
    this.hooks.afterCall?.(operation.type, operation.path);
  }

  #usedBytes(): number {
    let used = 0;
    for (const inode of new Set(this.#seen.files.values())) used += inode.size;
    return used;
  }

  #takeSpace(size: number, bytes: number): number {
    if (bytes === 0) return 0;
    const room = Math.min(this.capacityBytes - this.#usedBytes(), (this.#options.fileBytesMax ?? Infinity) - size);
    return Math.max(0, Math.min(bytes, room));
  }

  #beforeRead(path: string): void {
    if (this.hooks.failRead?.(path)) throw new DiskFailureError(path, { operation: "read", cause: "planned fault" });
  }

  #beforeWrite(path: string): void {
    if (this.hooks.failWrite?.(path)) throw new DiskFailureError(path, { operation: "write", cause: "planned fault" });
  }

  async #runSync(path: string): Promise<boolean> {
    await this.hooks.delaySync?.(path);
    return !(this.hooks.failSync?.(path) ?? false);
  }
}

function apply(space: Namespace, operation: PendingOperation): void {
  if (operation.type === "MakeDirectory") space.directories.add(operation.path);
  else if (operation.type === "Remove") space.files.delete(operation.path);
  else if (operation.inode !== undefined) {
    // A rename also removes the old name, unless another file has it by now.
    if (operation.from !== undefined && space.files.get(operation.from) === operation.inode) {
      space.files.delete(operation.from);
    }
    space.files.set(operation.path, operation.inode);
  }
}

function parentOf(path: string): string {
  const slash = path.lastIndexOf("/");
  return slash < 0 ? "." : slash === 0 ? "/" : path.slice(0, slash);
}

function isReachable(path: string, directories: ReadonlySet<string>): boolean {
  if (path === "/" || path === ".") return true;
  return directories.has(parentOf(path)) && isReachable(parentOf(path), directories);
}
