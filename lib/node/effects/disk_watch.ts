/** Notices syncs that do not complete and entries without room, for the log, readiness and the metrics. What follows for Raft the core decides by ticks. */

import type { Clock } from "../../base/clock.ts";
import type { Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { NodeLog } from "../options.ts";

/** What is being made durable. */
export type SyncKind = "log" | "hard state";

/** Knows which syncs are under way, and since when, and what found no room. */
export class DiskWatch {
  readonly #clock: Clock;
  readonly #log: NodeLog;
  readonly #directory: string;
  readonly #hangMs: number;
  readonly #begun = new Map<SyncKind, number>();
  #told = false;
  #refusedBytes = 0;

  /** A sync that has taken `hangMs` is said to hang. */
  constructor(parts: {
    readonly clock: Clock;
    readonly log: NodeLog;
    readonly metrics: Registry;
    readonly directory: string;
    readonly hangMs: number;
  }) {
    this.#clock = parts.clock;
    this.#log = parts.log;
    this.#directory = parts.directory;
    this.#hangMs = parts.hangMs;
    parts.metrics.gauge(METRIC.syncWaitSeconds, () => this.#waitedMs() / 1_000);
  }

  /** A sync of that kind begins; there is one at a time. */
  began(kind: SyncKind): void {
    this.#begun.set(kind, this.#clock.now());
  }

  /** It has completed. */
  completed(kind: SyncKind): void {
    this.#begun.delete(kind);
    if (!this.#told || this.hungMs !== undefined) return;
    this.#told = false;
    this.#log("info", `The disk under ${this.#directory} answers again`);
  }

  /** Bytes of what was to be taken when it found no room last: entries of the leader, or a change of the members; 0 when it found it. */
  get refusedBytes(): number {
    return this.#refusedBytes;
  }

  /** What was to be taken, so many bytes on the disk, did or did not find room. */
  askedForRoom(bytes: number, found: boolean): void {
    this.#refusedBytes = found ? 0 : bytes;
  }

  /** The process stood still: how long the disk has really taken is not known. */
  stalled(): void {
    for (const kind of this.#begun.keys()) this.#begun.set(kind, this.#clock.now());
  }

  /** Ms that a sync has been under way which hangs; undefined when none does. */
  get hungMs(): number | undefined {
    const waitedMs = this.#waitedMs();
    return waitedMs >= this.#hangMs ? waitedMs : undefined;
  }

  /** Says once that the disk hangs; called with every tick. */
  look(): void {
    if (this.#told || this.#begun.size === 0 || this.hungMs === undefined) return;
    this.#told = true;
    const seconds = (this.#hangMs / 1_000).toFixed(1);
    this.#log("warn", `The disk under ${this.#directory} does not complete a sync: ${seconds} s so far`);
  }

  #waitedMs(): number {
    return this.#begun.size === 0 ? 0 : this.#clock.now() - Math.min(...this.#begun.values());
  }
}
