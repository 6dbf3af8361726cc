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
import type { HardState } from "../../raft/types.ts";
import type { LogWrite } from "../../raft/update.ts";
import type { Storage } from "../../storage/storage.ts";
import type { DiskWatch } from "./disk_watch.ts";
import type { Inbox } from "../inbox.ts";
import type { Lifetime } from "../lifetime.ts";
import { NO_SPACE_RETRY_MS } from "../limits.ts";
import type { Outbox } from "./outbox.ts";

/** Who is told of what: each in a later turn than the call that caused it. */
export interface PersistenceParts {
  readonly storage: Pick<Storage, "append" | "sync" | "saveHardState">;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly diskWatch: DiskWatch;
  /** Of what is durable. */
  readonly inbox: Pick<Inbox, "put" | "wake">;
  /** Of messages that may leave. */
  readonly outbox: Pick<Outbox, "release">;
  /** Of a write or sync that failed: final. */
  readonly lifetime: Pick<Lifetime, "fail">;
}

/** Owns what is written and not yet durable. */
export class Persistence {
  readonly #parts: PersistenceParts;
  readonly #syncSeconds: Histogram;
  readonly #syncs: Counter;
  #unsynced: LogWrite | undefined;
  /** The log goes on in another segment, which is not durable yet. */
  #hasRolled = false;
  #syncing = false;
  #hardState: HardState | undefined;
  #savingHardState = false;
  #held: Message[] = [];

  /** Nothing is written yet. */
  constructor(parts: PersistenceParts) {
    this.#parts = parts;
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
    this.#parts.storage.append(write.run);
    this.#unsynced = write;
  }

  /** The log was made to go on in another segment: the next sync makes that durable, one of its own if nothing is written. */
  rolled(): void {
    this.#hasRolled = true;
    this.flush();
  }

  /** Starts a sync if something was written and none is in flight. */
  flush(): void {
    if (this.#syncing || (this.#unsynced === undefined && !this.#hasRolled)) return;
    const write = this.#unsynced;
    this.#unsynced = undefined;
    this.#hasRolled = false;
    this.#syncing = true;
    const { storage, clock, diskWatch, inbox, lifetime } = this.#parts;
    const begun = clock.now();
    diskWatch.began("log");
    storage.sync().then(() => {
      this.#syncing = false;
      diskWatch.completed("log");
      this.#syncs.add();
      this.#syncSeconds.record((clock.now() - begun) / 1_000);
      if (write === undefined) return inbox.wake();
      inbox.put({ type: "Persisted", write: write.number, last: write.run.last });
    }).catch((error: unknown) => lifetime.fail(error));
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
    const { storage, clock, diskWatch, outbox, lifetime } = this.#parts;
    if (fault("node/releaseLate")) return clock.endOfTurn(() => this.#saveNext());
    const hardState = this.#hardState;
    if (hardState === undefined) {
      this.#savingHardState = false;
      const released = this.#held;
      this.#held = [];
      return outbox.release(released);
    }
    this.#hardState = undefined;
    diskWatch.began("hard state");
    storage.saveHardState(hardState)
      .then(() => fault("node/hardStateSavedTwice") ? storage.saveHardState(hardState) : undefined)
      .then(() => {
        diskWatch.completed("hard state");
        this.#saveNext();
      })
      .catch((error: unknown) => {
        if (!(error instanceof NoSpaceError)) return lifetime.fail(error);
        diskWatch.completed("hard state");
        clock.after(NO_SPACE_RETRY_MS, () => {
          // Unless a newer one came meanwhile. Until it is saved this node promises nothing.
          this.#hardState ??= hardState;
          this.#saveNext();
        });
      });
  }
}
