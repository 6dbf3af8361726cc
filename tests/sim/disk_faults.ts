/** Faults of one server's disk while a process uses it, and what a power loss leaves. Damage at rest is in damage.ts. */

import type { Random } from "../../lib/base/random.ts";
import type { CrashSurvival, MemoryDisk } from "../support/memory/memory_disk.ts";
import type { Life } from "../support/memory/life.ts";
import type { FaultClass } from "./faults.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** The next operation of a kind fails once. */
export type DiskFailure = "disk/failed-sync" | "disk/failed-write" | "disk/failed-read";

/** Plans and performs faults of a disk; remembers whether one explains the end of a process. */
export class DiskFaults {
  readonly #world: World;
  readonly #server: SimServer;
  readonly #random: Random;
  readonly #planned = new Set<DiskFailure>();
  /** What has begun and no operation has met yet: it counts when one does, once. */
  readonly #unfelt = new Set<FaultClass>();
  #slowUntil = 0;
  #slowMs = 0;
  #hangsUntil = 0;
  #roomBytes: number | undefined;
  #cause = false;
  constructor(world: World, server: SimServer) {
    this.#world = world;
    this.#server = server;
    this.#random = world.random.fork();
  }

  /** Sets the hooks of `disk` for a new process. */
  attach(disk: MemoryDisk, life: Life): void {
    const { clock, settings } = this.#world;
    this.#planned.clear();
    this.#cause = false;
    disk.hooks.afterCall = () => clock.busy = true;
    disk.hooks.failSync = () => this.#fails("disk/failed-sync");
    disk.hooks.failWrite = () => this.#fails("disk/failed-write");
    disk.hooks.failRead = () => this.#fails("disk/failed-read");
    disk.hooks.loseSync = (path) => settings.canary && path.endsWith(".wal");
    disk.hooks.delaySync = () =>
      new Promise((resolve) => {
        const slow = clock.now() < this.#slowUntil ? this.#slowMs : 0;
        if (slow > 0) this.#feel("disk/slow-sync");
        if (this.#hangsUntil > clock.now()) this.#feel("disk/hanging-sync");
        const worksMs = settings.syncMsMax * this.#random.fraction() + slow * this.#random.fraction();
        const delayMs = Math.max(worksMs, this.#hangsUntil - clock.now());
        const action = (): void => {
          clock.busy = true;
          resolve();
        };
        clock.plan(delayMs, { action, life, isArrival: false });
      });
    this.#limit();
  }

  /** Makes the next operation of that kind fail. */
  plan(failure: DiskFailure): void {
    this.#planned.add(failure);
  }

  /** Syncs take up to `syncMs` longer for `ms`. */
  slow(ms: number, syncMs: number): void {
    this.#slowUntil = this.#world.clock.now() + ms;
    this.#slowMs = syncMs;
    this.#unfelt.add("disk/slow-sync");
  }

  /** Syncs that begin within the next `ms` complete at their end. */
  hang(ms: number): void {
    this.#hangsUntil = this.#world.clock.now() + ms;
    this.#unfelt.add("disk/hanging-sync");
  }

  /** Leaves room for `bytes` more only; undefined ends it. */
  fill(bytes: number | undefined): void {
    this.#roomBytes = bytes;
    if (bytes !== undefined) this.#unfelt.add("disk/full");
    this.#limit();
  }

  /** A write found no room. */
  foundNoRoom(): void {
    this.#feel("disk/full");
  }

  /** Ends every fault. */
  calm(): void {
    this.#planned.clear();
    this.#slowUntil = 0;
    this.#hangsUntil = 0;
    this.fill(undefined);
  }

  /** Whether an operation was made to fail in the life of now. */
  get hasFailed(): boolean {
    return this.#cause;
  }

  /** Whether syncs take long, or hang. */
  get isSlow(): boolean {
    const now = this.#world.clock.now();
    return now < this.#slowUntil || now < this.#hangsUntil;
  }

  /** Whether the disk has little room, or had until now. */
  get isFull(): boolean {
    return this.#roomBytes !== undefined;
  }

  /** Chance decides what of the unsynced data survives a power loss. */
  survival(): CrashSurvival {
    const { counts, settings } = this.#world;
    if (settings.canary) return {};
    const random = this.#random.fork();
    const kept = random.chance(0.3) ? random.pick([0, 1]) : settings.survivalProbability;
    const mayTear = settings.faults.has("power/torn-sectors");
    const mayDrop = settings.faults.has("power/dropped-operations");
    const keepsAll = random.chance(kept);
    return {
      keepVersions: (_path, _sector, versions) => {
        if (!mayTear) return keepsAll ? versions : 0;
        const survivors = random.chance(kept) ? random.between(0, versions) : 0;
        if (survivors < versions) counts.add("power/torn-sectors");
        return survivors;
      },
      keepSize: () => mayTear ? random.chance(kept) : keepsAll,
      keepOperation: () => {
        const keeps = mayDrop ? random.chance(kept) : keepsAll;
        if (!keeps) counts.add("power/dropped-operations");
        return keeps;
      },
    };
  }

  #fails(failure: DiskFailure): boolean {
    if (!this.#planned.delete(failure)) return false;
    this.#world.counts.add(failure);
    this.#world.trace(() => `node ${this.#server.id}: ${failure}`);
    this.#cause = true;
    return true;
  }

  #feel(fault: FaultClass): void {
    if (this.#unfelt.delete(fault)) this.#world.counts.add(fault);
  }

  #limit(): void {
    const { disk } = this.#server;
    if (this.#roomBytes === undefined) disk.capacityBytes = Infinity;
    else disk.capacityBytes = usedBytes(disk) + this.#roomBytes;
  }
}

function usedBytes(disk: MemoryDisk): number {
  let used = 0;
  for (const bytes of disk.files().values()) used += bytes.length;
  return used;
}
