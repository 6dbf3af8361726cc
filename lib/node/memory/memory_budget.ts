/** How much memory a node may fill, how much of that is in use, and so what may still be taken (ADR 17). */

import type { CommandGrowth } from "../../kv/command_growth.ts";
import { MemoryLimitError } from "../../base/errors.ts";
import { MEMORY_HIGH_SHARE, MEMORY_LOW_SHARE, MEMORY_RESERVE_SHARE, MEMORY_RETRY_MS } from "../limits.ts";
import type { NodeLog } from "../options.ts";

const MIB = 2 ** 20;

/** A part of the node that holds what grows: the state, the log, the history of changes, a queue of writes. */
export interface MemoryHolder {
  /** Bytes that it holds now; found out at once. */
  readonly heldBytes: number;
}

/**
 * Asks every holder what it holds, and compares the sum with the limit.
 *
 *     0 ........... 80 % ........... limit ........... limit and reserve .....
 *     all is taken  warned           nothing that      nothing that adds,
 *                                    adds values       and no entries of a leader
 *
 * What removes, reads, and the entries that clean up are taken always.
 */
export class MemoryBudget {
  /** `Infinity` for none. */
  readonly limitBytes: number;
  readonly #log: NodeLog;
  readonly #holders: MemoryHolder[] = [];
  #usedBytes = 0;
  #isHigh = false;
  #isBeyond = false;
  #snapshotsFrom = -Infinity;

  /** Nothing is in use yet. */
  constructor(limitBytes: number, log: NodeLog) {
    this.limitBytes = limitBytes;
    this.#log = log;
  }

  /** These count from now on. */
  count(holders: readonly MemoryHolder[]): void {
    this.#holders.push(...holders);
    this.measure();
  }

  /** Bytes in use when it was measured last. */
  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** The limit with the reserve for what makes room, for the log, and for what comes in steps. */
  get mostBytes(): number {
    return this.limitBytes * (1 + MEMORY_RESERVE_SHARE);
  }

  /** Whether the limit is near. */
  get isShort(): boolean {
    return this.#usedBytes >= this.limitBytes * MEMORY_HIGH_SHARE;
  }

  /** Whether even the reserve is used up: what a leader sends must wait until there is less. */
  get isBeyond(): boolean {
    return this.#usedBytes > this.mostBytes;
  }

  /** Asks the holders; once a pass, after which nothing changes before the next one but what `promisedBytes` tells. */
  measure(): void {
    let bytes = 0;
    for (const holder of this.#holders) bytes += holder.heldBytes;
    this.#usedBytes = bytes;
  }

  /** Whether a command may be appended, while those before it that are not applied yet may add `promisedBytes`. */
  admits({ bytes, isDenied }: CommandGrowth, promisedBytes: number): boolean {
    if (bytes === 0) return true;
    return this.#usedBytes + promisedBytes + bytes <= (isDenied ? this.limitBytes : this.mostBytes);
  }

  /** Whether entries of a leader are taken, so many bytes: they stand in the log, and what they add in the state. */
  takes(bytes: number): boolean {
    if (this.isBeyond) return false;
    this.#usedBytes += 2 * bytes;
    return true;
  }

  /** Throws `MemoryLimitError` for a snapshot of so many bytes that does not fit: in memory it takes more than in its file. */
  checkFits(what: string, bytes: number): void {
    if (bytes > this.mostBytes) throw new MemoryLimitError(what, this.limitBytes);
  }

  /** The leader's snapshot did not fit at `now`: it shall not be sent again and again. */
  putOffSnapshots(now: number): void {
    this.#snapshotsFrom = now + MEMORY_RETRY_MS;
  }

  /** Whether a snapshot of the leader may be received at `now`. */
  mayReceive(now: number): boolean {
    return now >= this.#snapshotsFrom;
  }

  /** Says once that the limit is near, and that this node has to stay out; called with every tick. */
  look(): void {
    const share = this.#usedBytes / this.limitBytes;
    if (!this.#isHigh && share >= MEMORY_HIGH_SHARE) {
      this.#isHigh = true;
      this.#log("warn", `Memory is short: ${this.#shown()}; at the limit writes that add are refused`);
    } else if (this.#isHigh && share < MEMORY_LOW_SHARE) {
      this.#isHigh = false;
      this.#log("info", `Memory is no longer short: ${this.#shown()}`);
    }
    if (this.isBeyond === this.#isBeyond) return;
    this.#isBeyond = this.isBeyond;
    if (!this.#isBeyond) return this.#log("info", `This node takes entries of a leader again: ${this.#shown()}`);
    this.#log("error", `This node stays out until it holds less or has a higher --memory-limit: ${this.#shown()}`);
  }

  #shown(): string {
    return `${inMib(this.#usedBytes)} of ${inMib(this.limitBytes)} are in use`;
  }
}

/** Bytes for people, in MiB. */
export function inMib(bytes: number): string {
  return `${(bytes / MIB).toFixed(1)} MiB`;
}
