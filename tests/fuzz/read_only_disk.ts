/** A disk of given files that refuses every change: what only reads must get along with it. */

import { AccessError } from "../../lib/base/errors.ts";
import { stringToBytes } from "../../lib/base/bytes.ts";
import type { Disk, DiskFile, DiskLock } from "../../lib/storage/disk.ts";

/** Files by path, as byte strings. */
export type Files = ReadonlyMap<string, string>;

/** Reads of the file, with the largest one asked for. */
export class ReadOnlyFile implements DiskFile {
  readonly path: string;
  /** The longest target that a read was given. */
  largestRead = 0;
  readonly #bytes: Uint8Array;

  constructor(path: string, content: string) {
    this.path = path;
    this.#bytes = stringToBytes(content);
  }

  size(): number {
    return this.#bytes.length;
  }

  readAt(offset: number, target: Uint8Array): number {
    this.largestRead = Math.max(this.largestRead, target.length);
    const part = this.#bytes.subarray(offset, offset + target.length);
    target.set(part);
    return part.length;
  }

  writeAt(): void {
    throw refusal("write", this.path);
  }

  syncData(): Promise<void> {
    return Promise.reject(refusal("sync", this.path));
  }

  truncate(): void {
    throw refusal("truncate", this.path);
  }

  close(): void {
    // Nothing is held.
  }
}

/** See the file's description. */
export class ReadOnlyDisk implements Disk {
  readonly #files: Files;

  constructor(files: Files) {
    this.#files = files;
  }

  makeDirectory(path: string): void {
    throw refusal("create", path);
  }

  exists(path: string): boolean {
    return this.#files.has(path);
  }

  list(path: string): readonly string[] {
    const names = Array.from(
      this.#files.keys(),
      (file) => file.startsWith(`${path}/`) ? file.slice(path.length + 1) : "",
    );
    return names.filter((name) => name !== "" && !name.includes("/")).sort();
  }

  open(path: string): DiskFile {
    const content = this.#files.get(path);
    if (content === undefined) throw refusal("open", path);
    return new ReadOnlyFile(path, content);
  }

  space(): undefined {
    return undefined;
  }

  rename(from: string): void {
    throw refusal("rename", from);
  }

  remove(path: string): void {
    throw refusal("remove", path);
  }

  syncDirectory(path: string): Promise<void> {
    return Promise.reject(refusal("sync", path));
  }

  lock(path: string): Promise<DiskLock> {
    return Promise.reject(refusal("lock", path));
  }
}

function refusal(operation: string, path: string): AccessError {
  return new AccessError(path, { operation, cause: "the disk is for reading" });
}
