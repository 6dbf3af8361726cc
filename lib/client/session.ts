/**
 * A session with the servers, in which each write has a number and is applied at most once, however often it is sent.
 *
 * A number is given once and goes with its request to the end, to whichever server. Numbers that wait for an answer stay
 * close together, since servers keep the last answers only. A session that the servers have let expire is replaced by
 * another one; a write that may have been done in the old one is not repeated in the new one.
 */

import { NotDoneError, OutcomeUnknownError, ServerError } from "./errors.ts";
import { type Executor, pauseAfter } from "./executor.ts";
import { SESSION_CLOSE_TIMEOUT_MS, SESSION_WINDOW } from "./limits.ts";
import type { Reply } from "./replies.ts";
import { Scope } from "./scope.ts";
import type { Timers } from "./timers.ts";
import { isPassing } from "./verdict.ts";
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
  /** How long one attempt to open a session may take, its repetitions included. */
  readonly timeoutMs: number;
}

/** The numbers of writes, and the session that they belong to. */
export class Session {
  readonly #options: SessionOptions;
  #current: OpenSession | undefined;
  #opening: Promise<OpenSession> | undefined;
  /** Writes that wait until the oldest unfinished one has its answer, in order; those whose time is over leave. */
  readonly #waiting = new Set<Waiter>();
  /** Requests of the session itself: to open it, to keep it, to close it. */
  readonly #asking = new Set<Promise<Reply>>();
  #keepAliveTimer: ReturnType<typeof setTimeout> | undefined;
  #closed = false;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  /** Opens the session, if none is open. Throws what `Executor.run` throws, and `ServerError`. */
  async open(scope: Scope): Promise<void> {
    await this.#opened(scope);
  }

  /** Does a write at most once. The answer may be an error of the server. Throws what `Executor.run` throws. */
  async run(words: readonly Word[], scope: Scope): Promise<Reply> {
    for (let refusals = 0;; refusals++) {
      // One refusal is what happens when a session has expired; servers that go on refusing are not asked without end.
      if (refusals > 1) await scope.pause(pauseAfter(refusals - 1));
      const { session, sequence } = await this.#takePlace(scope);
      try {
        const { reply, maybeDoneBefore } = await this.#options.executor.run({
          words: ["ONCE", session.id, sequence, ...words],
          isRepeatable: true,
          changes: true,
        }, scope);
        const refusal = this.#refusalOf(reply, session);
        if (refusal === undefined) return reply;
        // Whose command has the number, no attempt of this one has taken it before.
        const isCertain = refusal.code === "SEQREUSED" || !maybeDoneBefore;
        if (!isCertain) throw new OutcomeUnknownError(`Outcome unknown: ${refusal.message}`, { cause: refusal });
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

  /** Resolves once no request of the session itself is under way, which is soon after its executor was closed. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#asking);
  }

  /** The error by which the servers refuse a number, which is then not applied by this attempt. */
  #refusalOf(reply: Reply, session: OpenSession): ServerError | undefined {
    if (!(reply instanceof ServerError)) return undefined;
    if (isOver(reply)) {
      this.#expire(session);
      return reply;
    }
    return reply.code === "STALESEQ" || reply.code === "SEQREUSED" ? reply : undefined;
  }

  #expire(session: OpenSession): void {
    if (this.#current === session) this.#current = undefined;
    this.#admit();
  }

  /** The next number of the open session, as soon as it has one to give. */
  async #takePlace(scope: Scope): Promise<Place> {
    while (!scope.isOver) {
      const session = this.#current ?? await this.#opened(scope);
      if (roomOf(session) > 0) {
        const sequence = session.next;
        session.next += 1;
        session.unfinished.add(sequence);
        return { session, sequence };
      }
      await this.#turn(scope);
    }
    this.#admit(); // The turn may have been this write's.
    throw lateError(scope, undefined);
  }

  async #turn(scope: Scope): Promise<void> {
    let waiter: Waiter | undefined;
    await scope.wait<undefined>((settle) => {
      waiter = { scope, look: () => settle(undefined) };
      this.#waiting.add(waiter);
    });
    if (waiter !== undefined) this.#waiting.delete(waiter);
  }

  /** The open session, or another one as soon as the servers open it. */
  async #opened(scope: Scope): Promise<OpenSession> {
    let cause: NotDoneError | undefined;
    while (!scope.isOver && !this.#closed) {
      if (this.#current !== undefined) return this.#current;
      try {
        await scope.waitFor(this.#open());
      } catch (error) {
        // Many wait for one attempt, whose time may be over before that of this write.
        if (!(error instanceof NotDoneError && isPassing(error.code))) throw error;
        cause = error;
      }
    }
    throw lateError(scope, cause);
  }

  /** As many of those who wait look again as there are numbers to give. */
  #admit(): void {
    let room = this.#current === undefined ? Infinity : roomOf(this.#current);
    for (const waiter of this.#waiting) {
      if (room <= 0) return;
      this.#waiting.delete(waiter);
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
    const reply = await this.#ask(["SESSION", "OPEN", this.#options.ttlMs], this.#options.timeoutMs);
    if (typeof reply !== "number" && typeof reply !== "bigint") {
      throw new ServerError("ERR the server opened a session without telling its number");
    }
    const session: OpenSession = { id: reply, unfinished: new Set(), next: 1 };
    if (!this.#closed) {
      this.#current = session;
      this.#scheduleKeepAlive(session, this.#options.ttlMs / 3);
    }
    return session;
  }

  #scheduleKeepAlive(session: OpenSession, delayMs: number): void {
    clearTimeout(this.#keepAliveTimer);
    this.#keepAliveTimer = setTimeout(() => void this.#keepAlive(session), delayMs);
  }

  async #keepAlive(session: OpenSession): Promise<void> {
    if (this.#closed || this.#current !== session) return;
    let delayMs = this.#options.ttlMs / 3;
    try {
      await this.#ask(["SESSION", "KEEPALIVE", session.id], delayMs);
    } catch (error) {
      if (error instanceof ServerError && isOver(error)) this.#expire(session);
      // Any other failure: another one may succeed before the session expires, if it comes soon.
      delayMs = this.#options.ttlMs / 12;
    }
    if (!this.#closed && this.#current === session) this.#scheduleKeepAlive(session, delayMs);
  }

  /** Something that is as good done twice as once: a session too many expires by itself. */
  async #ask(words: readonly Word[], timeoutMs: number): Promise<Reply> {
    const asking = this.#askWithin(words, timeoutMs);
    this.#asking.add(asking);
    try {
      return await asking;
    } finally {
      this.#asking.delete(asking);
    }
  }

  async #askWithin(words: readonly Word[], timeoutMs: number): Promise<Reply> {
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

/** Whether the session has ended, or belongs to a user who was removed: one of the same name was made later. */
function isOver({ code }: ServerError): boolean {
  return code === "NOSESSION" || code === "NOTOWNER";
}

/** Numbers that can be given before the oldest unfinished one has its answer. */
function roomOf({ unfinished, next }: OpenSession): number {
  const [oldest = next] = unfinished;
  return SESSION_WINDOW - (next - oldest);
}

/** Throws the reason of the caller's signal where that ended the operation. */
function lateError(scope: Scope, cause: NotDoneError | undefined): NotDoneError {
  scope.throwIfAborted();
  if (!scope.isOver) return new NotDoneError("CLOSED", { message: "Not done: the client was closed", cause });
  const why = cause === undefined ? "no turn in the session" : `no session: ${cause.message}`;
  return new NotDoneError(cause?.code ?? "DEADLINE", {
    message: `Not done within ${scope.timeoutMs} ms: ${why}`,
    cause,
  });
}
