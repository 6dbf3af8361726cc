/**
 * Group commit and the order of durability: one fdatasync at a time, and messages that wait for the hard state.
 *
 * The rule: if no sync is in flight, flush at the end of this turn; else collect until it completes, then flush all.
 */

import type { Clock } from "../../base/clock.ts";
import { NoSpaceError } from "../../base/errors.ts";
import { fault } from "../../base/faults.ts";
import type { Counter, Histogram, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { Message } from "../../raft/messages.ts";
import type { EntryId, HardState } from "../../raft/types.ts";
import type { LogWrite } from "../../raft/update.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DiskWatch } from "./disk_watch.ts";
import { NO_SPACE_RETRY_MS } from "../limits.ts";

/** What persistence tells the driver; each from a later turn than the call that caused it. */
export interface PersistenceHandler {
  /** Every write up to number `write` is durable; `last` is its last entry. */
  persisted(write: number, last: EntryId): void;
  /** These messages may leave now. */
  release(messages: readonly Message[]): void;
  /** A write or sync failed: final. */
  failed(error: unknown): void;
}

/** Owns what is written and not yet durable. */
export class Persistence {
  readonly #storage: Storage;
  readonly #clock: Clock;
  readonly #handler: PersistenceHandler;
  readonly #syncSeconds: Histogram;
  readonly #syncs: Counter;
  readonly #watch: DiskWatch;
  #unsynced: LogWrite | undefined;
  #syncing = false;
  #hardState: HardState | undefined;
  #savingHardState = false;
  #held: Message[] = [];

  /** Persistence over `storage`; `handler` hears of everything. */
  constructor(storage: Storage, parts: {
    readonly clock: Clock;
    readonly metrics: Registry;
    readonly watch: DiskWatch;
    readonly handler: PersistenceHandler;
  }) {
    this.#storage = storage;
    this.#clock = parts.clock;
    this.#handler = parts.handler;
    this.#watch = parts.watch;
    this.#syncSeconds = parts.metrics.histogram(METRIC.walSyncSeconds);
    this.#syncs = parts.metrics.counter(METRIC.walSyncs);
  }

  /** Whether a sync is in flight: then proposals are collected. */
  get syncing(): boolean {
    return this.#syncing;
  }

  /** Whether a hard state is being made durable: then every message waits. */
  get savingHardState(): boolean {
    return this.#savingHardState;
  }

  /** Whether nothing is in flight. */
  get idle(): boolean {
    return !this.#syncing && !this.#savingHardState && this.#unsynced === undefined;
  }

  /** Writes to the page cache; durable after the next sync. */
  append(write: LogWrite): void {
    this.#storage.append(write.run);
    this.#unsynced = write;
  }

  /** Starts a sync if something was written and none is in flight. */
  flush(): void {
    if (this.#syncing || this.#unsynced === undefined) return;
    const write = this.#unsynced;
    this.#unsynced = undefined;
    this.#syncing = true;
    const begun = this.#clock.now();
    this.#watch.began("log");
    this.#storage.sync().then(() => {
      this.#syncing = false;
      this.#watch.completed("log");
      this.#syncs.add();
      this.#syncSeconds.record((this.#clock.now() - begun) / 1_000);
      this.#handler.persisted(write.number, write.run.last);
    }).catch((error: unknown) => this.#handler.failed(error));
  }

  /** Makes a hard state durable, after the one in flight if there is one; only the newest matters. */
  saveHardState(hardState: HardState): void {
    this.#hardState = hardState;
    if (this.#savingHardState) return;
    this.#savingHardState = true;
    this.#saveNext();
  }

  /** Keeps a message until no hard state is being saved. */
  hold(message: Message): void {
    this.#held.push(message);
  }

  #saveNext(): void {
    if (fault("node/releaseLate")) return this.#clock.endOfTurn(() => this.#saveNext());
    const hardState = this.#hardState;
    if (hardState === undefined) {
      this.#savingHardState = false;
      const released = this.#held;
      this.#held = [];
      return this.#handler.release(released);
    }
    this.#hardState = undefined;
    this.#watch.began("hard state");
    this.#storage.saveHardState(hardState)
      .then(() => fault("node/hardStateSavedTwice") ? this.#storage.saveHardState(hardState) : undefined)
      .then(() => {
        this.#watch.completed("hard state");
        this.#saveNext();
      })
      .catch((error: unknown) => {
        if (!(error instanceof NoSpaceError)) return this.#handler.failed(error);
        this.#watch.completed("hard state");
        this.#clock.after(NO_SPACE_RETRY_MS, () => {
          // Unless a newer one came meanwhile. Until it is saved this node promises nothing.
          this.#hardState ??= hardState;
          this.#saveNext();
        });
      });
  }
}
