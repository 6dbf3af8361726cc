/** How far the life of a node has come: what all of its parts have to know, and only that. */

/** Runs, then stops, then is over; or fails, and is over at once. */
export class Lifetime {
  readonly #failure = Promise.withResolvers<Error>();
  #isStopping = false;
  #isOver = false;
  #hasFailed = false;

  /** It was told to stop, or hands its leadership over for that. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** No event is taken any more, and nothing is acknowledged. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Its storage or a bug has ended it. */
  get hasFailed(): boolean {
    return this.#hasFailed;
  }

  /** Resolves when the node can't go on: `DiskFailureError`, `CorruptionError`, or a bug. */
  get failure(): Promise<Error> {
    return this.#failure.promise;
  }

  /** It begins to stop. */
  stop(): void {
    this.#isStopping = true;
  }

  /** It is over, in order. */
  end(): void {
    this.#isOver = true;
  }

  /** It is over because of `error`. What goes wrong after the end no longer matters. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#hasFailed = true;
    this.#failure.resolve(error instanceof Error ? error : new Error(String(error)));
  }
}
