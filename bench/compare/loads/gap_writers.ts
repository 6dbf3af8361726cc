/** Writers that never stop: each sends its next write when the last one is answered, and goes on at the next node. */

import { Connection } from "../../../tests/support/resp/connection.ts";
import { delay } from "../../../tests/support/wait.ts";

const PAUSE_MS = 1;
const RETRY_MS = 5;
const ANSWER_TIMEOUT_MS = 3_000;

/** An acknowledged write. Times are those of the writers' clock. */
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
  readonly #now: () => number;
  #running = true;

  /** Starts `count` of them. Their clock, in milliseconds, is that of the process unless a test has its own. */
  constructor(addresses: readonly string[], count: number, now: () => number = () => performance.now()) {
    this.#addresses = addresses;
    this.#now = now;
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
        using connection = await Connection.open(this.#addresses[at % this.#addresses.length] ?? "");
        await this.#writeTo(connection, writer);
      } catch {
        // Refused or lost: the next node may do better.
      }
      await delay(RETRY_MS);
    }
  }

  async #writeTo(connection: Connection, writer: number): Promise<void> {
    for (let n = 0; this.#running; n++) {
      const sentAt = this.#now();
      const { type } = await connection.ask(["SET", `gap:${writer}`, String(n)], ANSWER_TIMEOUT_MS);
      if (type === "Status") this.#acknowledged.push({ writer, sentAt, at: this.#now() });
      if (type === "Broken") return;
      await delay(type === "Status" ? PAUSE_MS : RETRY_MS);
    }
  }
}
