/**
 * A session with the servers, in which each write has a number and is applied at most once, however often it is sent.
 *
 * A number is given once and goes with its request to the end, to whichever server. Numbers that wait for an answer stay
 * close together, since servers keep the last answers only. A session that the servers have let expire is replaced by
 * another one; a write that may have been done in the old one is not repeated in the new one.
 */

import { NotDoneError, OutcomeUnknownError, ServerError } from "./errors.ts";
import type { Executor } from "./executor.ts";
import { Fifo } from "./fifo.ts";
import { OPERATION_TIMEOUT_MS, SESSION_CLOSE_TIMEOUT_MS, SESSION_WINDOW } from "./limits.ts";
import type { Reply } from "./replies.ts";
import { Scope } from "./scope.ts";
import type { Timers } from "./timers.ts";
import type { Word } from "./words.ts";

/** One session as the servers know it. Invariant: `unfinished` is in ascending order, and `next` is above all of it. */
interface OpenSession {
  readonly id: number | bigint;
  readonly unfinished: Set<number>;
  next: number;
}

/** A number that was given to a write. */
interface Place {
  readonly session: OpenSession;
  readonly sequence: number;
}

/** A write without a number yet. */
interface Waiter {
  readonly scope: Scope;
  readonly look: () => void;
}

/** What a session needs of its client. */
export interface SessionOptions {
  readonly executor: Executor;
  readonly timers: Timers;
  readonly ttlMs: number;
}

/** The numbers of writes, and the session that they belong to. */
export class Session {
  readonly #options: SessionOptions;
  #current: OpenSession | undefined;
  #opening: Promise<OpenSession> | undefined;
  /** Writes that wait until the oldest unfinished one has its answer. */
  readonly #waiting = new Fifo<Waiter>();
  #keepAliveTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Opens the session, if none is open. Throws what `Executor.run` throws, and `ServerError`. */
  async open(scope: Scope): Promise<void> {
    if (this.#current === undefined) await scope.waitFor(this.#open());
    if (this.#current === undefined) throw lateError(scope);
  }

  /** Does a write at most once. The answer may be an error of the server. Throws what `Executor.run` throws. */
  async run(words: readonly Word[], scope: Scope): Promise<Reply> {
    for (;;) {
      const { session, sequence } = await this.#takePlace(scope);
      try {
        const { reply, maybeDoneBefore } = await this.#options.executor.run({
          words: ["ONCE", session.id, sequence, ...words],
          isRepeatable: true,
          changes: true,
        }, scope);
        const refusal = this.#refusalOf(reply, session);
        if (refusal === undefined) return reply;
        if (maybeDoneBefore) throw new OutcomeUnknownError(`Outcome unknown: ${refusal.message}`, { cause: refusal });
        // This number was certainly not applied: the write gets another one.
      } finally {
        session.unfinished.delete(sequence);
        this.#admit();
      }
    }
  }

  /** Ends the session on the servers as well, if they answer soon. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#keepAliveTimer);
    const session = this.#current;
    this.#current = undefined;
    if (session === undefined) return;
    // If it fails, the session expires.
    await this.#ask(["SESSION", "CLOSE", session.id], SESSION_CLOSE_TIMEOUT_MS).catch(() => {});
  }

  /** The error by which the servers refuse a number, which is then not applied by this attempt. */
  #refusalOf(reply: Reply, session: OpenSession): ServerError | undefined {
    if (!(reply instanceof ServerError)) return undefined;
    if (reply.code === "NOSESSION") {
      this.#expire(session);
      return reply;
    }
    return reply.code === "STALESEQ" ? reply : undefined;
  }

  #expire(session: OpenSession): void {
    if (this.#current === session) this.#current = undefined;
    this.#admit();
  }

  /** The next number of the open session, as soon as it has one to give. */
  async #takePlace(scope: Scope): Promise<Place> {
    while (!scope.isOver) {
      const session = this.#current;
      if (session === undefined) {
        await scope.waitFor(this.#open());
      } else if (roomOf(session) > 0) {
        const sequence = session.next;
        session.next += 1;
        session.unfinished.add(sequence);
        return { session, sequence };
      } else {
        await scope.wait<undefined>((settle) => this.#waiting.push({ scope, look: () => settle(undefined) }));
      }
    }
    this.#admit(); // The turn may have been this write's.
    throw lateError(scope);
  }

  /** As many of those who wait look again as there are numbers to give. */
  #admit(): void {
    let room = this.#current === undefined ? Infinity : roomOf(this.#current);
    while (room > 0) {
      const waiter = this.#waiting.shift();
      if (waiter === undefined) return;
      if (waiter.scope.isOver) continue;
      waiter.look();
      room -= 1;
    }
  }

  #open(): Promise<OpenSession> {
    this.#opening ??= this.#openAnother().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  async #openAnother(): Promise<OpenSession> {
    const reply = await this.#ask(["SESSION", "OPEN", this.#options.ttlMs], OPERATION_TIMEOUT_MS);
    if (typeof reply !== "number" && typeof reply !== "bigint") {
      throw new ServerError("ERR the server opened a session without telling its number");
    }
    const session: OpenSession = { id: reply, unfinished: new Set(), next: 1 };
    if (!this.#closed) {
      this.#current = session;
      this.#scheduleKeepAlive(session);
    }
    return session;
  }

  #scheduleKeepAlive(session: OpenSession): void {
    clearTimeout(this.#keepAliveTimer);
    this.#keepAliveTimer = setTimeout(() => void this.#keepAlive(session), this.#options.ttlMs / 3);
  }

  async #keepAlive(session: OpenSession): Promise<void> {
    if (this.#closed || this.#current !== session) return;
    try {
      await this.#ask(["SESSION", "KEEPALIVE", session.id], this.#options.ttlMs / 3);
    } catch (error) {
      // Any other failure: the next one may succeed before the session expires.
      if (error instanceof ServerError && error.code === "NOSESSION") this.#expire(session);
    }
    if (!this.#closed && this.#current === session) this.#scheduleKeepAlive(session);
  }

  /** Something that is as good done twice as once: a session too many expires by itself. */
  async #ask(words: readonly Word[], timeoutMs: number): Promise<Reply> {
    const { executor, timers } = this.#options;
    const scope = new Scope(timers, { timeoutMs, signal: undefined });
    try {
      const { reply } = await executor.run({ words, isRepeatable: true, changes: false }, scope);
      if (reply instanceof ServerError) throw new ServerError(reply.message, { cause: reply });
      return reply;
    } finally {
      scope.end();
    }
  }
}

/** Numbers that can be given before the oldest unfinished one has its answer. */
function roomOf({ unfinished, next }: OpenSession): number {
  const [oldest = next] = unfinished;
  return SESSION_WINDOW - (next - oldest);
}

/** Throws the reason of the caller's signal where that ended the operation. */
function lateError(scope: Scope): NotDoneError {
  scope.throwIfAborted();
  return new NotDoneError("DEADLINE", { message: `Not done within ${scope.timeoutMs} ms: no turn in the session` });
}
