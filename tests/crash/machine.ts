/** A machine whose power fails after a given disk call: from then on the program on it does nothing any more. */

import { AccessError } from "../../lib/base/errors.ts";
import type { Disk, DiskFile, DiskLock, DiskSpace, OpenMode } from "../../lib/storage/disk.ts";
import type { MemoryDisk } from "../support/memory/memory_disk.ts";

/** What a call on a dead machine throws, to get the program off the stack. No part of the program catches it as its own. */
export class PowerFailure extends Error {
  override readonly name = "PowerFailure";
}

/** A disk behind a switch. Calls are counted from 1 over all lives of the machine. */
export class Machine implements Disk {
  #disk: MemoryDisk;
  #calls = 0;
  #dead = false;
  #lastCall = "nothing";
  readonly #stop: number;
  readonly #died = Promise.withResolvers<void>();

  /** Stops after call `stop`; Infinity never. Offers `disk` to the program. */
  constructor(disk: MemoryDisk, stop: number) {
    this.#disk = disk;
    this.#stop = stop;
    this.#watch();
  }

  /** The disk with all that is unsynced. */
  get disk(): MemoryDisk {
    return this.#disk;
  }

  get calls(): number {
    return this.#calls;
  }

  /** Whether the power has failed. */
  get dead(): boolean {
    return this.#dead;
  }

  /** The call after which the power failed, for people. */
  get lastCall(): string {
    return this.#lastCall;
  }

  /** Resolves when the power fails. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /** Goes on with another disk: what a crash in the middle of a workload has left. */
  replaceDisk(disk: MemoryDisk): void {
    this.#disk.hooks.afterCall = undefined;
    this.#disk = disk;
    this.#watch();
  }

  makeDirectory(path: string): void {
    this.check();
    this.#disk.makeDirectory(path);
  }

  exists(path: string): boolean {
    this.check();
    return this.#disk.exists(path);
  }

  list(path: string): readonly string[] {
    this.check();
    return this.#disk.list(path);
  }

  open(path: string, mode: OpenMode): DiskFile {
    this.check();
    return new MachineFile(this, this.#disk.open(path, mode));
  }

  space(path: string): DiskSpace | undefined {
    this.check();
    return this.#disk.space(path);
  }

  rename(from: string, to: string): void {
    this.check();
    this.#disk.rename(from, to);
  }

  remove(path: string): void {
    this.check();
    this.#disk.remove(path);
  }

  syncDirectory(path: string): Promise<void> {
    return this.whileAlive(() => this.#disk.syncDirectory(path));
  }

  lock(path: string, directory: string): Promise<DiskLock> {
    return this.whileAlive(() => this.#disk.lock(path, directory));
  }

  /** Throws on a dead machine. */
  check(): void {
    if (this.#dead) throw new PowerFailure(`The power failed after call ${this.#calls}`);
  }

  /** The result of `run`; never settles once the power has failed, as nobody is there to learn of it. */
  async whileAlive<T>(run: () => Promise<T>): Promise<T> {
    if (!this.#dead) {
      try {
        const result = await run();
        if (!this.#dead) return result;
      } catch (error) {
        if (!this.#dead) throw error;
      }
    }
    return await new Promise<never>(() => {});
  }

  #watch(): void {
    this.#disk.hooks.afterCall = (operation, path) => {
      if (this.#dead) throw new AccessError(path, { operation, cause: "a dead machine went on" });
      this.#calls += 1;
      if (this.#calls < this.#stop) return;
      this.#lastCall = `${operation} ${path}`;
      this.#dead = true;
      this.#died.resolve();
      // Leaves the pieces of this write that follow unwritten.
      this.check();
    };
  }
}

/** An open file that goes dead with its machine. */
class MachineFile implements DiskFile {
  readonly path: string;
  readonly #machine: Machine;
  readonly #file: DiskFile;

  constructor(machine: Machine, file: DiskFile) {
    this.path = file.path;
    this.#machine = machine;
    this.#file = file;
  }

  size(): number {
    this.#machine.check();
    return this.#file.size();
  }

  readAt(offset: number, target: Uint8Array): number {
    this.#machine.check();
    return this.#file.readAt(offset, target);
  }

  writeAt(offset: number, bytes: Uint8Array): void {
    this.#machine.check();
    this.#file.writeAt(offset, bytes);
  }

  syncData(): Promise<void> {
    return this.#machine.whileAlive(() => this.#file.syncData());
  }

  truncate(size: number): void {
    this.#machine.check();
    this.#file.truncate(size);
  }

  close(): void {
    this.#file.close();
  }
}
