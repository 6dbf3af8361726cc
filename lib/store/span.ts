/** Bytes inside a buffer of somebody else, and how to copy them. */

/** Up to this length a loop beats `set`, which needs a view of the part. */
const LOOP_BYTES_MAX = 192;
const NONE = new Uint8Array(0);

/**
 * The bytes from `start` to `end` of a buffer. Set anew for each use, so that naming bytes allocates nothing. A span of a store's
 * bytes holds until the next change of the store: use it at once, or `copy`.
 */
export class Span {
  bytes: Uint8Array = NONE;
  start = 0;
  end = 0;

  /** A span of a whole buffer. */
  static of(bytes: Uint8Array): Span {
    return new Span().set(bytes);
  }

  /** Number of bytes. */
  get length(): number {
    return this.end - this.start;
  }

  /** Names other bytes. */
  set(bytes: Uint8Array, start = 0, end = bytes.length): this {
    this.bytes = bytes;
    this.start = start;
    this.end = end;
    return this;
  }

  /** The same bytes in a buffer of their own. */
  copy(): Uint8Array<ArrayBuffer> {
    return new Uint8Array(this.bytes.subarray(this.start, this.end));
  }

  /** Writes the bytes into another buffer, which has room for them. */
  copyTo(target: Uint8Array, at: number): void {
    const { bytes, start, end } = this;
    const length = end - start;
    if (length > LOOP_BYTES_MAX) target.set(bytes.subarray(start, end), at);
    else {
      let to = at;
      let from = start;
      // Four at a time: the checks of the loop cost as much as the bytes.
      for (const last = end - 3; from < last; from += 4, to += 4) {
        target[to] = bytes[from] ?? 0;
        target[to + 1] = bytes[from + 1] ?? 0;
        target[to + 2] = bytes[from + 2] ?? 0;
        target[to + 3] = bytes[from + 3] ?? 0;
      }
      for (; from < end; from++, to++) target[to] = bytes[from] ?? 0;
    }
  }
}

/** A span of a buffer of its own, which grows as needed: for keys that are put together from parts. */
export class KeyBuffer extends Span {
  /** Makes room for so many bytes from 0 on, which the caller writes into `bytes`. */
  resize(length: number): void {
    if (length > this.bytes.length) this.bytes = new Uint8Array(2 * length);
    this.end = length;
  }

  /** Holds a copy of another span. */
  hold(span: Span): void {
    this.resize(span.length);
    span.copyTo(this.bytes, 0);
  }
}
