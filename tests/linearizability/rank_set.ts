/** A set of ranks that grows from below: nearly all ranks up to some point, and a few above it. */

const WORD_BITS = 16;
const WORD_FULL = 0xffff;
/** Most arguments of one call. */
const WORDS_AT_ONCE = 4_096;

/** A set of numbers from 0 to `size` - 1 with texts that tell it from all other sets. */
export class RankSet {
  readonly #words: Uint16Array;
  /** Words before this one are full. */
  #from = 0;
  /** Words from this one on are empty. */
  #to = 0;

  constructor(size: number) {
    this.#words = new Uint16Array(Math.ceil(size / WORD_BITS));
  }

  /** Whether the rank is in the set. */
  has(rank: number): boolean {
    return ((this.#words[rank >>> 4] ?? 0) & (1 << (rank & 15))) !== 0;
  }

  /** Adds a rank. */
  add(rank: number): void {
    const word = rank >>> 4;
    this.#words[word] = (this.#words[word] ?? 0) | (1 << (rank & 15));
    if (word >= this.#to) this.#to = word + 1;
    while (this.#words[this.#from] === WORD_FULL) this.#from += 1;
  }

  /** Removes a rank. */
  remove(rank: number): void {
    const word = rank >>> 4;
    this.#words[word] = (this.#words[word] ?? 0) & ~(1 << (rank & 15));
    if (word < this.#from) this.#from = word;
    while (this.#to > this.#from && this.#words[this.#to - 1] === 0) this.#to -= 1;
  }

  /** Equal for equal sets, different for others; short as long as few ranks are missing below the highest. */
  text(): string {
    return `${this.#from}:${this.#textFrom(this.#from)}`;
  }

  /** All words of bits up to the last that is not empty, 16 bits a character. */
  words(): string {
    return this.#textFrom(0);
  }

  #textFrom(from: number): string {
    let text = "";
    for (let at = from; at < this.#to; at += WORDS_AT_ONCE) {
      text += String.fromCharCode(...this.#words.subarray(at, Math.min(this.#to, at + WORDS_AT_ONCE)));
    }
    return text;
  }
}
