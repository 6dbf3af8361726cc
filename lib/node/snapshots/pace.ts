/** How fast a snapshot is written beside the requests of clients, who wait for the same processor and the same disk. */

import type { Clock } from "../../base/clock.ts";
import { SNAPSHOT_DISK_REST, SNAPSHOT_REST_MS_MAX } from "../limits.ts";

/** Leaves the processor alone for as long as it was used, and the disk for longer. */
export class Pace {
  readonly #clock: Clock;
  readonly #writtenBack: () => Promise<void>;

  /** `writtenBack` resolves when the disk has what was handed to it, at once when it has nothing to do. */
  constructor(clock: Clock, writtenBack: () => Promise<void>) {
    this.#clock = clock;
    this.#writtenBack = writtenBack;
  }

  /** To be awaited after `workedMs` of work. Rejects as `writtenBack` does. */
  async rest(workedMs: number): Promise<void> {
    const begun = this.#clock.now();
    await this.#writtenBack();
    const diskMs = this.#clock.now() - begun;
    const ms = Math.min(Math.max(workedMs, SNAPSHOT_DISK_REST * diskMs), SNAPSHOT_REST_MS_MAX);
    await new Promise<void>((resolve) => this.#clock.after(ms, resolve));
  }
}
