/** What is done once at the end of a turn of the event loop, however many events it had. */

import { setImmediate } from "node:timers";

/** Runs `work` at the end of the turns in which it was asked for. */
export class Turn {
  readonly #run: () => void;
  #scheduled = false;

  constructor(work: () => void) {
    this.#run = () => {
      this.#scheduled = false;
      work();
    };
  }

  /** Asks for it. */
  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(this.#run);
  }
}

/** Buffers that are used again: an allocation of a MiB costs more than what is done with it. */
export class BufferPool {
  readonly #free: Uint8Array<ArrayBuffer>[] = [];

  /** A buffer of at least a MiB with anything in it. */
  take(): Uint8Array<ArrayBuffer> {
    return this.#free.pop() ?? new Uint8Array(1 << 20);
  }

  /** Gives one back. */
  give(buffer: Uint8Array<ArrayBuffer>): void {
    this.#free.push(buffer);
  }
}
