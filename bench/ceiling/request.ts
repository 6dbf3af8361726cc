/** Reads requests of the Redis protocol where they lie, in the buffer of the socket. */

const WORDS_MAX = 3;
const LINE_BYTES_MAX = 24;
const CARRIAGE_RETURN = 13;
const NEWLINE = 10;
const DIGIT_ZERO = 48;

/** The first words of one request after the other, as places in the buffer. */
export class RequestReader {
  readonly starts = new Int32Array(WORDS_MAX);
  readonly lengths = new Int32Array(WORDS_MAX);
  /** Behind the number that was read last. */
  #behind = 0;

  /** Reads the request at `from`. Returns where the next one begins; -1 while the end of this one has not come. */
  read(bytes: Uint8Array, from: number, end: number): number {
    if (!hasLine(bytes, from, end)) return -1;
    const words = this.#number(bytes, from + 1);
    let at = this.#behind;
    for (let word = 0; word < words; word++) {
      if (!hasLine(bytes, at, end)) return -1;
      const length = this.#number(bytes, at + 1);
      at = this.#behind;
      if (at + length + 2 > end) return -1;
      if (word < WORDS_MAX) {
        this.starts[word] = at;
        this.lengths[word] = length;
      }
      at += length + 2;
    }
    return at;
  }

  #number(bytes: Uint8Array, from: number): number {
    let value = 0;
    let at = from;
    for (; bytes[at] !== CARRIAGE_RETURN; at++) value = value * 10 + (bytes[at] ?? 0) - DIGIT_ZERO;
    this.#behind = at + 2;
    return value;
  }
}

function hasLine(bytes: Uint8Array, from: number, end: number): boolean {
  const last = Math.min(end, from + LINE_BYTES_MAX);
  for (let at = from; at < last; at++) if (bytes[at] === NEWLINE) return true;
  return false;
}
