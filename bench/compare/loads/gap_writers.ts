/** Writers that never stop: each sends its next write when the last one is answered, and goes on at the next node. */

import { RespConnection } from "../resp_connection.ts";

const PAUSE_MS = 1;
const RETRY_MS = 5;
const ANSWER_TIMEOUT_MS = 3_000;

/** An acknowledged write. Times are those of `performance.now()`. */
interface Acknowledged {
  readonly writer: number;
  readonly sentAt: number;
  readonly at: number;
}

/** Runs until it is stopped. */
export class GapWriters {
  readonly #addresses: readonly string[];
  readonly #acknowledged: Acknowledged[] = [];
  readonly #work: Promise<void>[];
  #running = true;

  constructor(addresses: readonly string[], count: number) {
    this.#addresses = addresses;
    this.#work = Array.from({ length: count }, (_, writer) => this.#write(writer));
  }

  /** Writes acknowledged so far. */
  get count(): number {
    return this.#acknowledged.length;
  }

  /** For each writer the milliseconds from `since` to its first acknowledged write sent after it, shortest first. */
  waits(since: number): readonly number[] {
    const first = new Map<number, number>();
    for (const { writer, sentAt, at } of this.#acknowledged) {
      if (sentAt >= since && !first.has(writer)) first.set(writer, at - since);
    }
    return [...first.values()].sort((left, right) => left - right);
  }

  /** The longest time without an acknowledged write of anybody between `from` and `until`, in milliseconds. */
  longestGap(from: number, until: number): number {
    let last = from;
    let longest = 0;
    const times = this.#acknowledged.map(({ at }) => at).filter((at) => at >= from && at <= until);
    for (const at of [...times.sort((left, right) => left - right), until]) {
      longest = Math.max(longest, at - last);
      last = at;
    }
    return longest;
  }

  /** Ends the writers. */
  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#work);
  }

  async #write(writer: number): Promise<void> {
    for (let at = writer; this.#running; at++) {
      try {
        using connection = await RespConnection.open(this.#addresses[at % this.#addresses.length] ?? "");
        await this.#writeTo(connection, writer);
      } catch {
        // Refused or lost: the next node may do better.
      }
      await pause(RETRY_MS);
    }
  }

  async #writeTo(connection: RespConnection, writer: number): Promise<void> {
    for (let n = 0; this.#running; n++) {
      const sentAt = performance.now();
      const { isError } = await connection.ask(["SET", `gap:${writer}`, String(n)], ANSWER_TIMEOUT_MS);
      if (!isError) this.#acknowledged.push({ writer, sentAt, at: performance.now() });
      await pause(isError ? RETRY_MS : PAUSE_MS);
    }
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
