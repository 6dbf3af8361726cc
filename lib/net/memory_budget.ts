/** What the client connections hold in memory together, so that many clients cannot exhaust it. */

/** A sum in bytes with a limit. Holders add and subtract what they hold; who asks for more looks at `exceeded` first. */
export class MemoryBudget {
  readonly #bytesMax: number;
  #bytes = 0;

  /** An empty budget of `bytesMax` bytes. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** Bytes held now. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Whether more is held than planned: then holders of much must give way. */
  get exceeded(): boolean {
    return this.#bytes > this.#bytesMax;
  }

  /** Notes that `bytes` more are held; negative when they are given back. */
  add(bytes: number): void {
    this.#bytes += bytes;
  }
}
