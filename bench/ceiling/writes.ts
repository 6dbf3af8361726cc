/** The writes of the leader: gathered while a sync is under way, sent as one batch, acknowledged when two nodes have them. */

import { copyBytes, withRoom, writeUint32 } from "./bytes.ts";
import { applyBatch, BATCH_HEAD_BYTES, sealBatch, WRITE_HEAD_BYTES } from "./frame.ts";
import type { LogFile } from "./log_file.ts";
import type { Output } from "./output.ts";
import type { ByteStore } from "./store.ts";
import type { BufferPool } from "./turn.ts";

const OKS_MAX = 4_096;
const OK_BYTES = 5;
const OKS = new TextEncoder().encode("+OK\r\n".repeat(OKS_MAX));

/** A batch on its way. Each owner is a connection with the number of its writes in a row. */
interface Flight {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly length: number;
  readonly number: number;
  readonly owners: readonly Output[];
  readonly counts: readonly number[];
}

/** What the writes need. */
export interface WriteParts {
  readonly store: ByteStore;
  readonly log: LogFile;
  readonly pool: BufferPool;
  /** The connections to the followers. */
  readonly peers: readonly Output[];
  /** Connections with something to send. */
  readonly toFlush: Set<Output>;
  /** Called when something can go on. */
  readonly wake: () => void;
}

/** One batch is synced at a time; those before it may still wait for a follower. */
export class Writes {
  readonly #parts: WriteParts;
  readonly #flights: Flight[] = [];
  readonly #peerDurable: number[];
  #bytes: Uint8Array<ArrayBuffer>;
  #end = BATCH_HEAD_BYTES;
  #owners: Output[] = [];
  #counts: number[] = [];
  #number = 0;
  #durable = 0;
  #committed = 0;
  #index = 0;

  constructor(parts: WriteParts, followers: number) {
    this.#parts = parts;
    this.#bytes = parts.pool.take();
    this.#peerDurable = Array.from({ length: followers }, () => 0);
  }

  /** Adds a write: the only copy before the store. */
  add(
    from: Uint8Array,
    keyStart: number,
    keyBytes: number,
    valueStart: number,
    valueBytes: number,
    owner: Output,
  ): void {
    const need = WRITE_HEAD_BYTES + keyBytes + valueBytes;
    if (this.#end + need > this.#bytes.length) this.#bytes = withRoom(this.#bytes, this.#end, need);
    const to = this.#bytes;
    const at = this.#end;
    const key = at + WRITE_HEAD_BYTES;
    writeUint32(to, at, keyBytes);
    writeUint32(to, at + 4, valueBytes);
    copyBytes(from, keyStart, keyBytes, to, key);
    copyBytes(from, valueStart, valueBytes, to, key + keyBytes);
    this.#end = key + keyBytes + valueBytes;
    const last = this.#owners.length - 1;
    if (last >= 0 && this.#owners[last] === owner) {
      this.#counts[last] = (this.#counts[last] ?? 0) + 1;
      return;
    }
    this.#owners.push(owner);
    this.#counts.push(1);
  }

  /** Sends what was gathered, unless a sync is under way: then it goes on gathering. */
  propose(): void {
    const { log, peers, pool } = this.#parts;
    if (log.syncing || this.#owners.length === 0) return;
    this.#number += 1;
    const flight: Flight = {
      bytes: this.#bytes,
      length: this.#end,
      number: this.#number,
      owners: this.#owners,
      counts: this.#counts,
    };
    sealBatch(flight.bytes, flight.length, { number: flight.number, committed: this.#committed });
    this.#flights.push(flight);
    this.#bytes = pool.take();
    this.#end = BATCH_HEAD_BYTES;
    this.#owners = [];
    this.#counts = [];
    for (const peer of peers) {
      peer.put(flight.bytes, 0, flight.length);
      peer.flush();
    }
    log.append(flight.bytes.subarray(0, flight.length));
    log.sync(() => {
      this.#durable = flight.number;
      this.#commit();
      this.#parts.wake();
    });
  }

  /** A follower has synced everything up to that batch. */
  acknowledge(follower: number, number: number): void {
    this.#peerDurable[follower] = number;
    this.#commit();
  }

  #commit(): void {
    const { store, pool } = this.#parts;
    const upTo = Math.min(this.#durable, Math.max(...this.#peerDurable));
    for (let flight = this.#flights[0]; flight !== undefined && flight.number <= upTo; flight = this.#flights[0]) {
      this.#flights.shift();
      this.#committed = flight.number;
      this.#index = applyBatch(store, flight.bytes, { length: flight.length, index: this.#index });
      this.#answer(flight);
      pool.give(flight.bytes);
    }
  }

  #answer({ owners, counts }: Flight): void {
    for (let at = 0; at < owners.length; at++) {
      const owner = owners[at];
      if (owner === undefined) continue;
      for (let left = counts[at] ?? 0; left > 0; left -= OKS_MAX) owner.put(OKS, 0, OK_BYTES * Math.min(left, OKS_MAX));
      this.#parts.toFlush.add(owner);
    }
  }
}
