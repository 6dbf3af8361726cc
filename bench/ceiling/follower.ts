/** A follower: writes batches as they come, applies them once the leader has committed them, and confirms that it follows. */

import { applyBatch, CONFIRM, DURABLE, isIntact, kindOf, numberIn, readFrames, ShortFrame } from "./frame.ts";
import { LogFile } from "./log_file.ts";
import { Output } from "./output.ts";
import { ByteStore } from "./store.ts";
import { BufferPool } from "./turn.ts";

const COMMITTED_OFFSET = 16;

interface Received {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly length: number;
  readonly number: number;
}

/** Follows until its leader is gone. */
export class Follower {
  readonly #store = new ByteStore();
  readonly #pool = new BufferPool();
  readonly #received: Received[] = [];
  readonly #answer = new ShortFrame();
  readonly #log: LogFile;
  readonly #output: Output;
  #written = 0;
  #durable = 0;
  #index = 0;

  constructor(directory: string, leader: Deno.TcpConn) {
    this.#log = new LogFile(directory);
    this.#output = new Output(leader);
  }

  /** Ends with the connection to the leader. */
  async run(leader: Deno.TcpConn): Promise<void> {
    await readFrames(leader, { take: (frame) => this.#take(frame), pause: () => {} });
  }

  #take(frame: Uint8Array): void {
    if (kindOf(frame) === CONFIRM) {
      this.#send(CONFIRM, numberIn(frame));
      return;
    }
    if (!isIntact(frame)) throw new Error(`Cannot take batch ${numberIn(frame)}: it is damaged`);
    this.#log.append(frame);
    this.#written = numberIn(frame);
    const bytes = this.#copyOf(frame);
    this.#received.push({ bytes, length: frame.length, number: this.#written });
    this.#applyUpTo(numberIn(frame, COMMITTED_OFFSET));
    this.#sync();
  }

  #copyOf(frame: Uint8Array): Uint8Array<ArrayBuffer> {
    const pooled = this.#pool.take();
    const bytes = pooled.length < frame.length ? new Uint8Array(frame.length) : pooled;
    bytes.set(frame);
    return bytes;
  }

  #applyUpTo(committed: number): void {
    for (let batch = this.#received[0]; batch !== undefined && batch.number <= committed; batch = this.#received[0]) {
      this.#received.shift();
      this.#index = applyBatch(this.#store, batch.bytes, { length: batch.length, index: this.#index });
      this.#pool.give(batch.bytes);
    }
  }

  #sync(): void {
    if (this.#log.syncing || this.#written === this.#durable) return;
    const upTo = this.#written;
    this.#log.sync(() => {
      this.#durable = upTo;
      this.#send(DURABLE, upTo);
      this.#sync();
    });
  }

  #send(kind: number, number: number): void {
    const frame = this.#answer.set(kind, number);
    this.#output.put(frame, 0, frame.length);
    this.#output.flush();
  }
}
