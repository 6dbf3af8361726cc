/** The Disk port: all that storage asks of a file system. Implemented over Deno, in memory, and by the simulator. */

import type { Encryption } from "./encryption/encryption.ts";

/** An open file. Offsets and sizes are in bytes. */
export interface DiskFile {
  readonly path: string;
  size(): number;
  /** Reads up to `target.length` bytes at `offset` and returns their number; 0 at the end. */
  readAt(offset: number, target: Uint8Array): number;
  /**
   * Writes all of `bytes` at `offset`, looping over short writes, into the page cache only.
   * Throws `NoSpaceError` when the disk is full (part may be written), `DiskFailureError` for everything else.
   */
  writeAt(offset: number, bytes: Uint8Array): void;
  /** fdatasync. Rejects with `DiskFailureError`; never to be tried again. */
  syncData(): Promise<void>;
  truncate(size: number): void;
  close(): void;
}

/** How a file is opened: "read" and "write" want it to exist, "create" makes it or empties it. */
export type OpenMode = "read" | "write" | "create";

/** Bytes of a file system. */
export interface DiskSpace {
  /** What is used and what is free together. */
  readonly totalBytes: number;
  /** What this process may still take. */
  readonly freeBytes: number;
}

/** A lock held on a data directory. */
export interface DiskLock {
  release(): void;
}

/** Paths use "/" and are opaque but for their parts. Every method throws `AccessError` when the system refuses. */
export interface Disk {
  /** How the data directories on it are encrypted; left out where none is. */
  readonly encryption?: Encryption;
  /** Creates a directory and its parents; one that exists is fine. */
  makeDirectory(path: string): void;
  exists(path: string): boolean;
  /** Names in a directory in byte order; empty when the directory does not exist. */
  list(path: string): readonly string[];
  open(path: string, mode: OpenMode): DiskFile;
  /**
   * Brings a part of a file into the system's memory, where a read finds it without waiting for the disk. Never rejects: whoever reads it
   * hears what is wrong. Left out where no read waits.
   */
  warm?(path: string, part: { readonly offset: number; readonly bytes: number }): Promise<void>;
  /** Atomically takes the place of `to`. Durable only after `syncDirectory`. */
  rename(from: string, to: string): void;
  /** Durable only after `syncDirectory`. A missing file is fine. */
  remove(path: string): void;
  /** Of the file system of a path that exists; undefined where nothing tells. Throws `AccessError`. */
  space(path: string): DiskSpace | undefined;
  /** fsync of the directory. Rejects with `DiskFailureError`. */
  syncDirectory(path: string): Promise<void>;
  /** Rejects with `DirectoryLockedError` within 1 s when another process holds `path`, which is created if need be. */
  lock(path: string, directory: string): Promise<DiskLock>;
}
