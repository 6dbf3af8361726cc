/** Writes that were taken and are not proposed yet: they wait for the sync in flight (group commit). */

import { fault } from "../base/faults.ts";
import { BYTES_PER_PROPOSAL_MAX, COMMANDS_PER_PROPOSAL_MAX } from "./limits.ts";
import type { QueuedWrite } from "./pending_writes.ts";

/** A queue that is emptied batch by batch. */
export class WriteQueue {
  #writes: QueuedWrite[] = [];
  #bytes = 0;

  /** Number of writes. */
  get size(): number {
    return this.#writes.length;
  }

  /** Bytes of their commands. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Adds at the end. */
  push(write: QueuedWrite): void {
    this.#writes.push(write);
    this.#bytes += write.command.length;
  }

  /** Takes the writes of one proposal from the front: at least one, within the limits of a proposal. */
  takeBatch(): { readonly writes: readonly QueuedWrite[]; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    const most = fault("node/batchOfOne") ? 1 : COMMANDS_PER_PROPOSAL_MAX;
    for (const write of this.#writes) {
      const { length } = write.command;
      if (count > 0 && (count >= most || bytes + length > BYTES_PER_PROPOSAL_MAX)) break;
      count += 1;
      bytes += length;
    }
    const writes = count === this.#writes.length ? this.#writes : this.#writes.slice(0, count);
    this.#writes = count === this.#writes.length ? [] : this.#writes.slice(count);
    this.#bytes -= bytes;
    return { writes, bytes };
  }
}
