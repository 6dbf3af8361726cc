/** Every operation of one client on its way: admitted, given its time, sent by the session or without it, and its errors thrown. */

import { accessOfRequest } from "./command_table.ts";
import { NotDoneError, ServerError } from "./errors.ts";
import { Executor } from "./executor.ts";
import type { Credentials } from "./handshake.ts";
import { CLOSE_TIMEOUT_MS } from "./limits.ts";
import { checkTimeout, type Settings } from "./options.ts";
import type { Reply } from "./replies.ts";
import { Router } from "./router.ts";
import { type OperationOptions, Scope } from "./scope.ts";
import { Session } from "./session.ts";
import type { Connector } from "./socket.ts";
import { Timers } from "./timers.ts";
import type { Word } from "./words.ts";

/** What operations are carried out with. */
export interface OperationsOptions {
  readonly settings: Settings;
  readonly connector: Connector;
  readonly credentials: Credentials | undefined;
  readonly hasSession: boolean;
}

/** The operations of one client. */
export class Operations {
  readonly #settings: Settings;
  readonly #timers = new Timers();
  readonly #router: Router;
  readonly #executor: Executor;
  readonly #session: Session | undefined;
  #underWay = 0;
  #idle: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor({ settings, connector, credentials, hasSession }: OperationsOptions) {
    this.#settings = settings;
    const timers = this.#timers;
    this.#router = new Router(settings.addresses, {
      connector,
      credentials,
      connectionsMax: settings.connections,
      timers,
      silenceMs: settings.attemptTimeoutMs,
    });
    const { attemptTimeoutMs } = settings;
    const executor = new Executor(this.#router, { attemptTimeoutMs, logsIn: credentials !== undefined });
    this.#executor = executor;
    if (hasSession) {
      this.#session = new Session({ executor, timers, ttlMs: settings.sessionTtlMs, timeoutMs: settings.timeoutMs });
    }
  }

  /** Connects, finds the leader and opens the session. Throws what an operation throws. */
  async start(options: OperationOptions): Promise<void> {
    await this.#within(options, async (scope) => {
      // A request tries all servers until one answers or the time is over, which connecting alone does not.
      const { reply } = await this.#executor.run({ words: ["PING"], isRepeatable: true, changes: false }, scope);
      if (reply instanceof ServerError) throw new ServerError(reply.message, { cause: reply });
      await scope.waitFor(this.#router.start());
      scope.throwIfAborted();
      await this.#session?.open(scope);
    });
  }

  /** The reply to a command. Throws TypeError for one that would change the shared connection. */
  async run(words: readonly Word[], options: OperationOptions): Promise<Reply> {
    return await this.#within(options, (scope) => this.#send(words, scope));
  }

  /** Lets operations under way end, for a few seconds at most, and closes everything. */
  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #send(words: readonly Word[], scope: Scope): Promise<Reply> {
    const access = accessOfRequest(words);
    if (access === "Forbidden") {
      throw new TypeError(`Cannot send the command "${words[0] ?? ""}": connections are shared with other operations`);
    }
    const reply = access === "Write" && this.#session !== undefined
      ? await this.#session.run(words, scope)
      : (await this.#executor.run({ words, isRepeatable: access === "Read", changes: access !== "Read" }, scope)).reply;
    // Made anew, so that its stack shows who called.
    if (reply instanceof ServerError) throw new ServerError(reply.message, { cause: reply });
    return reply;
  }

  async #within<T>(options: OperationOptions, body: (scope: Scope) => Promise<T>): Promise<T> {
    const { signal, timeoutMs = this.#settings.timeoutMs } = options;
    signal?.throwIfAborted();
    if (this.#closing !== undefined) throw new NotDoneError("CLOSED", { message: "Not done: the client is closed" });
    if (this.#underWay >= this.#settings.operationsMax) {
      throw new NotDoneError("TOOMANY", { message: `Not done: ${this.#underWay} operations are under way already` });
    }
    const scope = new Scope(this.#timers, { timeoutMs: checkTimeout("timeoutMs", timeoutMs), signal });
    this.#underWay += 1;
    try {
      return await body(scope);
    } finally {
      scope.end();
      this.#underWay -= 1;
      if (this.#underWay === 0) this.#idle?.();
    }
  }

  async #close(): Promise<void> {
    if (this.#underWay > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#timers.add(CLOSE_TIMEOUT_MS, resolve);
        this.#idle = () => {
          this.#timers.remove(timer);
          resolve();
        };
      });
    }
    if (this.#underWay === 0) await this.#session?.close();
    this.#executor.close();
    this.#router.close(new Error("The client was closed"));
    // What was still under way ends now, since every connection is gone.
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    // It may have opened a session in the end, whose timer must go.
    await this.#session?.close();
    await this.#session?.settled();
  }
}
