/** What expires, in order of time. */

import { Order, OrderCursor } from "./order.ts";
import { KeyBuffer, Span } from "./span.ts";

/** Bytes of a time, the highest first: enough for every whole number that is exact. */
const TIME_BYTES = 7;
const BYTE = 256;
const EVERYTHING = new Span();

/** A key, and when it expires: ms since 1970. */
export interface Deadline {
  readonly key: Span;
  readonly at: number;
}

/**
 * Keys by their deadlines, and by key among equals, so that every node takes them in the same order, whatever its history. An order whose keys
 * begin with the time: a deadline is set, moved and taken away in the time that a key takes to appear, however many there are.
 */
export class Deadlines {
  readonly order = new Order();
  readonly #entry = new KeyBuffer();
  readonly #cursor = new OrderCursor(this.order);

  /** Number of keys that expire. */
  get size(): number {
    return this.order.size;
  }

  /** The earliest deadline; undefined when nothing expires. */
  get first(): number | undefined {
    if (this.size === 0 || !this.#cursor.seek(EVERYTHING)) return undefined;
    let at = 0;
    for (let byte = 0; byte < TIME_BYTES; byte++) at = at * BYTE + (this.#cursor.key.bytes[byte] ?? 0);
    return at;
  }

  /** Lets `into` name the key that expires first, in a buffer that stays until the next call; false when there is none. */
  firstKey(into: Span): boolean {
    if (!this.#cursor.seek(EVERYTHING)) return false;
    into.set(this.#cursor.key.bytes, TIME_BYTES, this.#cursor.key.end);
    return true;
  }

  /** Adds a key. */
  add(deadline: Deadline): void {
    this.order.add(this.#encode(deadline));
  }

  /** Takes a key out that has this deadline. */
  remove(deadline: Deadline): void {
    this.order.remove(this.#encode(deadline));
  }

  /** Where a key with this deadline is or would be; see `Order.locate`. */
  locate(deadline: Deadline): ReturnType<Order["locate"]> {
    return this.order.locate(this.#encode(deadline));
  }

  /** Takes all keys out. */
  clear(): void {
    this.order.clear();
  }

  #encode({ key, at }: Deadline): Span {
    const entry = this.#entry;
    entry.resize(TIME_BYTES + key.length);
    let left = at;
    for (let byte = TIME_BYTES - 1; byte >= 0; byte--) {
      entry.bytes[byte] = left % BYTE;
      left = Math.floor(left / BYTE);
    }
    key.copyTo(entry.bytes, TIME_BYTES);
    return entry;
  }
}
