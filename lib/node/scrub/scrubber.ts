/** The scrub: a slow read of all that lies durable, round after round, and the repair of what has rotted meanwhile. */

import type { Clock, Timer } from "../../base/clock.ts";
import type { Counter, CounterFamily, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { FoundDamage, ScrubbedPiece } from "../../storage/scrub.ts";
import type { Disk } from "../../storage/disk.ts";
import type { Storage } from "../../storage/storage.ts";
import type { Lifetime } from "../lifetime.ts";
import { SCRUB_PAUSE_MS, SNAPSHOT_SLICE_MS } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import type { Repairs } from "./repairs.ts";

/** What is read, how fast, and who hears of it. */
export interface ScrubberParts {
  readonly storage: Pick<Storage, "scrub">;
  readonly disk: Disk;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly log: NodeLog;
  readonly lifetime: Pick<Lifetime, "fail">;
  readonly repairs: Pick<Repairs, "repair">;
  wallClockMs(): number;
  /** 0 for no scrub. */
  readonly bytesPerSecond: number;
  /** `SCRUB_PAUSE_MS` when left out. */
  readonly pauseMs?: number | undefined;
}

const MS_PER_SECOND = 1_000;
const KINDS = { Snapshot: "snapshot", Segment: "segment", NodeFile: "node_file", KeyFile: "key_file" } as const;

/** Owns the round that is under way. */
export class Scrubber {
  readonly #parts: ScrubberParts;
  readonly #bytes: Counter;
  readonly #damages: CounterFamily;
  #completedAtMs = 0;
  #unrepaired = 0;
  #pause: { readonly timer: Timer; readonly end: () => void } | undefined;
  #closed = false;
  #running: Promise<void> = Promise.resolve();

  /** Reads nothing yet. */
  constructor(parts: ScrubberParts) {
    const { metrics } = parts;
    this.#parts = parts;
    this.#bytes = metrics.counter(METRIC.scrubBytes);
    this.#damages = metrics.counterFamily(METRIC.scrubDamages, ["kind"]);
    // From the start on, so that the first damage is seen as a rise.
    for (const kind of Object.values(KINDS)) this.#damages.counter([kind]);
    metrics.gauge(METRIC.scrubCompletedSeconds, () => this.#completedAtMs / MS_PER_SECOND);
    metrics.gauge(METRIC.scrubUnrepaired, () => this.#unrepaired);
  }

  /** Begins the first round after a pause: everything was just read. */
  start(): void {
    if (this.#parts.bytesPerSecond === 0) return;
    this.#running = this.#run().catch((error: unknown) => this.#parts.lifetime.fail(error));
  }

  /** Ends the round; resolves when no file is read any more. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#pause?.timer.cancel();
    this.#pause?.end();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { clock, pauseMs = SCRUB_PAUSE_MS } = this.#parts;
    await this.#wait(pauseMs);
    while (!this.#closed) {
      const begun = clock.now();
      if (await this.#round()) this.#completedAtMs = this.#parts.wallClockMs();
      await this.#wait(pauseMs - (clock.now() - begun));
    }
  }

  /** Whether it came to its end. */
  async #round(): Promise<boolean> {
    const { clock, bytesPerSecond } = this.#parts;
    const steps = this.#parts.storage.scrub();
    try {
      while (!this.#closed) {
        const end = clock.now() + SNAPSHOT_SLICE_MS;
        let bytes = 0;
        let read: ScrubbedPiece | undefined;
        do {
          const step = steps.next();
          if (step.done === true) return true;
          if (step.value.type === "Damaged") await this.#found(step.value);
          else {
            read = step.value;
            bytes += read.bytes;
          }
        } while (bytes === 0 && clock.now() < end);
        this.#bytes.add(bytes);
        await this.#wait(bytes / bytesPerSecond * MS_PER_SECOND);
        if (read !== undefined && bytes > 0 && !this.#closed) await this.#parts.disk.warm?.(read.next.path, read.next);
      }
      return false;
    } finally {
      steps.return?.();
    }
  }

  async #found({ damage, part }: FoundDamage): Promise<void> {
    if (this.#closed) return;
    const { log, repairs } = this.#parts;
    this.#damages.counter([KINDS[part.type]]).add();
    this.#unrepaired += 1;
    log("error", `Damaged data in ${damage.file} at offset ${damage.offset}: ${damage.what}`);
    const how = await repairs.repair(part, { wait: (ms) => this.#wait(ms), isClosed: () => this.#closed });
    if (how === undefined) return;
    this.#unrepaired -= 1;
    log("warn", `Repaired ${damage.file}: ${how}`);
  }

  async #wait(ms: number): Promise<void> {
    if (this.#closed) return;
    await new Promise<void>((resolve) => {
      this.#pause = { timer: this.#parts.clock.after(Math.max(0, ms), resolve), end: resolve };
    });
    this.#pause = undefined;
  }
}
