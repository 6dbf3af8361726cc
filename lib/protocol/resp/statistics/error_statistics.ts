/** How often each kind of error was answered, by the first word of the reply: Errorstats. */

/** Words come from texts of ours; the limit is there in case one is ever made from what a client sent. */
const WORDS_MAX = 128;

/** Every error of a port. */
export class ErrorStatistics {
  #counts = new Map<string, number>();
  #total = 0;

  /** Errors answered. */
  get total(): number {
    return this.#total;
  }

  /** The counts by first word, the first that occurred first. */
  get counts(): ReadonlyMap<string, number> {
    return this.#counts;
  }

  /** An error of that text was answered. */
  count(text: string): void {
    this.#total += 1;
    const blank = text.indexOf(" ");
    const word = blank < 0 ? text : text.slice(0, blank);
    const known = this.#counts.get(word);
    if (known === undefined && this.#counts.size >= WORDS_MAX) return;
    this.#counts.set(word, (known ?? 0) + 1);
  }

  /** Begins anew. */
  reset(): void {
    this.#counts = new Map();
    this.#total = 0;
  }
}
