/**
 * Sends one request until its outcome is known or its time is over.
 *
 * ```text
 *               certainly not done            lost, silent, TIMEOUT
 *   sent ──────────────────────────► pause ◄──────────────────────── repeatable
 *    │ ▲                               │                │
 *    │ └───────────────────────────────┘                └─ not repeatable: OutcomeUnknownError
 *    └─ answer: done                 time is over: NotDoneError, or OutcomeUnknownError after an attempt whose fate is open
 * ```
 */

import { unreachable } from "../base/assert.ts";
import type { Attempt, Connection } from "./connection.ts";
import { NotDoneError, OutcomeUnknownError, ProtocolError, ServerError } from "./errors.ts";
import { BACKOFF_MS, BACKOFF_MS_MAX } from "./limits.ts";
import type { Reply } from "./replies.ts";
import type { Router } from "./router.ts";
import { type Interruption, isInterruption, type Scope } from "./scope.ts";
import { judgeReply, movedTo, NOT_LOGGED_IN } from "./verdict.ts";
import type { Word } from "./words.ts";

/** A request and what may be done with it. */
export interface Request {
  readonly words: readonly Word[];
  /** Whether sending it twice is the same as sending it once: reads, and writes that a session numbers. */
  readonly isRepeatable: boolean;
  /** Whether it may change something, so that an attempt without an answer leaves its outcome open. */
  readonly changes: boolean;
}

/** The answer to a request. */
export interface Answer {
  readonly reply: Reply;
  /** Whether an earlier attempt, without an answer, may have been done. */
  readonly maybeDoneBefore: boolean;
}

/** What is left after one attempt that gave no answer. */
interface Failure {
  readonly error: Error;
  readonly code: string;
  readonly mayBeDone: boolean;
  /** Whether another attempt makes no sense. */
  readonly isFinal: boolean;
  /** Whether the error is what a server has to say: it does not let this client in. */
  readonly isAnswer?: boolean;
}

/** Carries out requests by the connections of a router. */
export class Executor {
  readonly #router: Router;
  readonly #attemptTimeoutMs: number;
  readonly #logsIn: boolean;
  #closed = false;

  /** A repeatable request is repeated when it has no reply after `attemptTimeoutMs`. `logsIn`: connections log in when they are made. */
  constructor(
    router: Router,
    { attemptTimeoutMs, logsIn }: { readonly attemptTimeoutMs: number; readonly logsIn: boolean },
  ) {
    this.#router = router;
    this.#attemptTimeoutMs = attemptTimeoutMs;
    this.#logsIn = logsIn;
  }

  /** No further attempts are made from now on. */
  close(): void {
    this.#closed = true;
  }

  /**
   * The answer, errors of the server included. Throws `NotDoneError`, `OutcomeUnknownError`, `ServerError`
   * when no server lets the client in, or the reason of the caller's signal.
   */
  async run(request: Request, scope: Scope): Promise<Answer> {
    let open: Failure | undefined; // The first attempt that may have been done.
    let last: Failure | undefined;
    for (let failures = 0;; failures++) {
      if (last !== undefined && !this.#closed) await scope.pause(pauseAfter(failures));
      if (scope.isOver || this.#closed) throw this.#giveUp({ scope, open, last });
      const attempt = await this.#attempt(request, scope);
      if ("reply" in attempt) return { reply: attempt.reply, maybeDoneBefore: open !== undefined };
      // That no connection came in time says less than why there was none before.
      if (attempt.code !== "DEADLINE" || last === undefined) last = attempt;
      if (attempt.mayBeDone && request.changes) {
        open ??= attempt;
        if (!request.isRepeatable) throw this.#giveUp({ scope, open, last });
      }
      if (attempt.isFinal) throw this.#giveUp({ scope, open, last });
    }
  }

  async #attempt(request: Request, scope: Scope): Promise<{ readonly reply: Reply } | Failure> {
    let connection: Connection;
    try {
      const acquired = this.#router.acquire();
      if (acquired instanceof Promise) {
        const found = await scope.waitFor(acquired);
        if (isInterruption(found)) return notDone("DEADLINE", new Error("No connection in time"));
        connection = found;
      } else connection = acquired;
    } catch (error) {
      if (error instanceof NotDoneError) return notDone(error.code, error);
      if (error instanceof ServerError) return { ...refused(error.code, error), isAnswer: true };
      throw error;
    }
    if (connection.isFull) return refused("TOOMANY", new Error("Too many bytes wait to be sent to the server"));
    const outcome = await scope.wait<Attempt>(
      (settle) => connection.send(request.words, settle),
      request.isRepeatable ? this.#attemptTimeoutMs : undefined,
    );
    return this.#judge(outcome, connection);
  }

  #judge(outcome: Attempt | Interruption, connection: Connection): { readonly reply: Reply } | Failure {
    switch (outcome.type) {
      case "Reply":
        return this.#judgeReply(outcome.reply, connection);
      case "NotSent":
        return notDone("UNREACHABLE", outcome.cause);
      case "Lost":
        return maybeDone(outcome.cause, { isFinal: outcome.cause instanceof ProtocolError });
      case "Late":
        this.#router.retire(connection);
        return maybeDone(new Error(`${connection.address} did not answer in time`));
      case "Over":
        return maybeDone(new Error(`${connection.address} had not answered`));
      default:
        return unreachable(outcome);
    }
  }

  #judgeReply(reply: Reply, connection: Connection): { readonly reply: Reply } | Failure {
    const verdict = judgeReply(reply);
    if (!(reply instanceof ServerError)) return { reply };
    if (this.#logsIn && reply.code === NOT_LOGGED_IN) {
      // The connection is older than the first user, or than a new password: another one logs in, or says that it may not.
      this.#router.retire(connection);
      return notDone(reply.code, reply);
    }
    switch (verdict) {
      case "Answer":
        return { reply };
      case "Elsewhere": {
        const leader = movedTo(reply);
        this.#router.avoid(connection.address);
        if (leader !== undefined) this.#router.prefer(leader);
        return notDone(reply.code, reply);
      }
      case "Wait":
        return notDone(reply.code, reply);
      case "Refused":
        return refused(reply.code, reply);
      case "Unknown":
        return maybeDone(reply);
      default:
        return unreachable(verdict);
    }
  }

  /** The error to throw. Throws the reason of the caller's signal where that ended the operation. */
  #giveUp(
    { scope, open, last }: {
      readonly scope: Scope;
      readonly open: Failure | undefined;
      readonly last: Failure | undefined;
    },
  ): Error {
    scope.throwIfAborted();
    if (open !== undefined) {
      return new OutcomeUnknownError(`Outcome unknown: ${open.error.message}`, { cause: open.error });
    }
    const cause = last?.error;
    if (last?.isAnswer === true) return new ServerError(last.error.message, { cause });
    const why = cause === undefined ? "" : `: ${cause.message}`;
    if (last?.isFinal === true) return new NotDoneError(last.code, { message: `Not done${why}`, cause });
    if (this.#closed) return new NotDoneError("CLOSED", { message: "Not done: the client was closed", cause });
    const code = last === undefined || last.code === "" ? "DEADLINE" : last.code;
    return new NotDoneError(code, { message: `Not done within ${scope.timeoutMs} ms${why}`, cause });
  }
}

function notDone(code: string, error: Error): Failure {
  return { error, code, mayBeDone: false, isFinal: false };
}

function refused(code: string, error: Error): Failure {
  return { error, code, mayBeDone: false, isFinal: true };
}

function maybeDone(error: Error, { isFinal } = { isFinal: false }): Failure {
  return { error, code: isFinal ? "PROTOCOL" : "", mayBeDone: true, isFinal };
}

/** In ms. Twice as long each time, with chance in it: clients that failed together shall not come back together. */
export function pauseAfter(failures: number): number {
  return Math.min(BACKOFF_MS * 2 ** (failures - 1), BACKOFF_MS_MAX) * (0.5 + Math.random() / 2);
}
