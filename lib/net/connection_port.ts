/** What every listening port does: accepts connections, bounds their number, ends them at the end. */

import { FAILED_ACCEPTS_PER_TURN_MAX, lacksResources } from "../base/accepting.ts";
import { type Clock, nextTurn, type Timer } from "../base/clock.ts";
import { LogLimiter } from "../base/log_limiter.ts";
import type { Log } from "../observe/log.ts";
import type { Counter } from "../observe/metrics.ts";
import type { ClientSocket, Door } from "./client_socket.ts";
import { ConnectionLimit } from "./connection_limit.ts";
import {
  type BeforeLoginLimits,
  type ClosedBeforeLogin,
  ConnectionsBeforeLogin,
  type LoginAwaiting,
} from "./connections_before_login.ts";
import { ACCEPT_PAUSE_MS, IDLE_GIVES_WAY_MS, REFUSAL_WAIT_MS, REFUSALS_WAITING_MAX, WRITE_CHECK_MS } from "./limits.ts";

/** A connection as its port sees it. */
export interface PortConnection extends LoginAwaiting {
  /** Serves until the connection is closed. Never rejects. */
  run(): Promise<void>;
  /** Closes once what runs has been answered. */
  stop(): void;
  /** Closes now, since a new connection needs the place. */
  giveWay(): void;
  /** Closes when a deadline has passed; called every `WRITE_CHECK_MS`: one timer for thousands of connections. */
  check(now: number): void;
  /** Undefined while the connection is needed: it does not give way to another. */
  idleness(): Idleness | undefined;
}

/** A connection on which nothing goes on. */
export interface Idleness {
  readonly sinceMs: number;
  /** Whether its client would lose more than a connection by its end. */
  readonly holdsState: boolean;
}

/** How log lines name what connects: "a client", "client". */
export interface PortNames {
  readonly one: string;
  readonly adjective: string;
}

/** What a port is made of. */
export interface ConnectionPortOptions<C extends PortConnection> {
  /** Where clients come in; all count together. */
  readonly doors: readonly Door[];
  readonly clock: Clock;
  readonly log: Log;
  readonly connectionsMax: number;
  readonly names: PortNames;
  /** Makes the connection of an accepted socket. */
  admit(socket: ClientSocket): C;
  readonly refuse: Refusal;
  readonly beforeLogin: BeforeLoginRule;
}

/** What is to be done about connections on which nobody has logged in. */
export interface BeforeLoginRule {
  readonly limits: BeforeLoginLimits;
  readonly closed: ClosedBeforeLogin;
  /** Whether clients have to log in: then a newcomer takes no place of one that has. */
  isLoginNeeded(): boolean;
}

/** What one too many is told before it is closed. */
export interface Refusal {
  /** Whether the reply depends on what the client sends first: it is waited for, for a moment. */
  readonly needsFirstBytes: boolean;
  /** Counts every refusal, with a reply or without. */
  readonly refused: Counter;
  reply(connectionsMax: number, firstBytes: Uint8Array): Uint8Array;
  /** What a client is told that speaks no TLS where nothing else is spoken. */
  plainReply(firstBytes: Uint8Array): Uint8Array;
}

/** Room for what clients send before they wait for a reply: closed with input unread, the system might take the reply back. */
const REFUSAL_BUFFER_BYTES = 4_096;

/** A port and its connections. */
export class ConnectionPort<C extends PortConnection> {
  readonly #options: ConnectionPortOptions<C>;
  readonly #connections = new Set<C>();
  /** Sockets beyond the limit that have not said yet which protocol they speak. */
  readonly #refused = new Set<Deno.TcpConn>();
  readonly #refusalLog: LogLimiter;
  readonly #acceptLog: LogLimiter;
  readonly #clientLog: LogLimiter;
  readonly #limit: ConnectionLimit;
  /** Nobody was found to give way; asked again at the next check, since a flood asks thousands of times a second. */
  #nobodyGivesWay = false;
  readonly #giveWayLog: LogLimiter;
  readonly #beforeLogin: ConnectionsBeforeLogin<C>;
  #checkTimer: Timer | undefined;
  #accepting: Promise<unknown> | undefined;
  readonly #endPauses = new Set<() => void>();
  #emptied: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  /** Takes over a listener; `start` begins to accept. */
  constructor(options: ConnectionPortOptions<C>) {
    this.#options = options;
    this.#limit = new ConnectionLimit(options.connectionsMax);
    this.#refusalLog = new LogLimiter(options.clock);
    this.#acceptLog = new LogLimiter(options.clock);
    this.#giveWayLog = new LogLimiter(options.clock);
    this.#clientLog = new LogLimiter(options.clock);
    this.#beforeLogin = new ConnectionsBeforeLogin({
      ...options.beforeLogin,
      connectionsMax: () => this.#limit.current,
      warn: (message) => this.#warn(this.#giveWayLog, message),
    });
  }

  /** Connections open now. */
  get size(): number {
    return this.#connections.size;
  }

  /** Those of them on which nobody has logged in, where that is needed, and whose handshake of TLS is not over. */
  get sizeBeforeLogin(): number {
    return this.#beforeLogin.size;
  }

  /** The limit in force now. */
  get connectionsMax(): number {
    return this.#limit.current;
  }

  /** Begins to accept. */
  start(): void {
    this.#accepting = Promise.all(this.#options.doors.map((door) => this.#acceptAll(door)));
    this.#checkLater();
  }

  /** Takes no new connection, gives the open ones `graceMs` milliseconds, closes everything. Idempotent. */
  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  /** Logs a warning that any client can cause: at most one line each second. */
  warn(message: string): void {
    this.#warn(this.#clientLog, message);
  }

  async #stop(graceMs: number): Promise<void> {
    for (const { listener } of this.#options.doors) listener.close();
    for (const endPause of this.#endPauses) endPause();
    for (const socket of this.#refused) closeQuietly(socket);
    await this.#accepting;
    const emptied = new Promise<void>((resolve) => this.#emptied = resolve);
    for (const connection of [...this.#connections]) connection.stop();
    const grace = this.#options.clock.after(graceMs, () => {
      for (const connection of [...this.#connections]) connection.abort();
    });
    if (this.#connections.size > 0) await emptied;
    grace.cancel();
    this.#checkTimer?.cancel();
  }

  async #acceptAll(door: Door): Promise<void> {
    // Not `for await`: that ends for ever at the first failed accept, which is what a lack of file descriptors gives.
    let failed = 0;
    while (this.#stopping === undefined) {
      try {
        this.#admit(await door.listener.accept(), door);
      } catch (error) {
        if (this.#stopping !== undefined) return;
        this.#warn(this.#acceptLog, `Cannot accept ${this.#options.names.one} connection: ${messageOf(error)}`);
        failed += 1;
        if (lacksResources(error)) {
          this.#leaveDescriptors();
          await this.#pause();
        } else if (failed % FAILED_ACCEPTS_PER_TURN_MAX === 0) await nextTurn(this.#options.clock);
      }
    }
  }

  /**
   * The system's limit on open files is reached: the newest connections give back what peers and files need. Not every system
   * tells its limit beforehand, and what the limit leaves changes.
   */
  #leaveDescriptors(): void {
    const connections = [...this.#connections];
    const { clock, log, names } = this.#options;
    if (!this.#limit.lower(connections.length, clock.now())) return;
    const limit = this.#limit.current;
    log("warn", `For now at most ${limit} ${names.adjective} connections: the system allows no more open files`);
    for (const connection of connections.slice(limit)) connection.abort();
  }

  #recoverLimit(now: number): void {
    if (!this.#limit.recover(now)) return;
    const { log, names } = this.#options;
    log("info", `At most ${this.#limit.current} ${names.adjective} connections again`);
  }

  #admit(socket: Deno.TcpConn, { tls }: Door): void {
    if (this.#stopping !== undefined) return closeQuietly(socket);
    if (this.#connections.size >= this.#limit.current && !this.#makeRoom()) {
      return this.#refuse(socket, tls !== undefined);
    }
    try {
      socket.setNoDelay(true);
    } catch {
      // Already ended by the client: the first read tells.
    }
    const { admit, refuse, clock } = this.#options;
    const plain = { warn: (message: string) => this.warn(message), reply: refuse.plainReply };
    const connection = admit(tls?.upgrade(socket, plain) ?? socket);
    this.#connections.add(connection);
    this.#beforeLogin.enter(connection, clock.now());
    void this.#serve(connection);
  }

  /** Ends the connection that is missed least: one on which nobody has logged in, else one that has been idle for long enough. */
  #makeRoom(): boolean {
    const stranger = this.#beforeLogin.giveWay();
    if (stranger !== undefined) {
      this.#connections.delete(stranger);
      return this.#connections.size < this.#limit.current;
    }
    // Who comes may never log in. `#checkLater` sees to it that there is a place for him all the same.
    return !this.#options.beforeLogin.isLoginNeeded() && this.#endIdle();
  }

  #endIdle(): boolean {
    if (this.#nobodyGivesWay) return false;
    const { clock, names } = this.#options;
    const idle = mostDispensable(this.#connections, clock.now() - IDLE_GIVES_WAY_MS);
    this.#nobodyGivesWay = idle === undefined;
    if (idle === undefined) return false;
    this.#warn(this.#giveWayLog, `Closed an idle ${names.adjective} connection: ${this.#limit.current} are open`);
    idle.giveWay();
    this.#connections.delete(idle);
    return this.#connections.size < this.#limit.current;
  }

  async #serve(connection: C): Promise<void> {
    await connection.run();
    this.#connections.delete(connection);
    this.#beforeLogin.leave(connection);
    if (this.#connections.size === 0) this.#emptied?.();
  }

  /** Tells one client that there is no room; to tell one that speaks TLS would take a handshake. */
  #refuse(socket: Deno.TcpConn, speaksTls: boolean): void {
    const { names, refuse } = this.#options;
    this.#warn(this.#refusalLog, `Refused ${names.one}: ${this.#limit.current} connections are open`);
    refuse.refused.add();
    if (speaksTls) return closeQuietly(socket);
    if (!refuse.needsFirstBytes) return this.#sendRefusal(socket, new Uint8Array());
    if (this.#refused.size >= REFUSALS_WAITING_MAX) return closeQuietly(socket);
    this.#refused.add(socket);
    const timer = this.#options.clock.after(REFUSAL_WAIT_MS, () => closeQuietly(socket));
    const buffer = new Uint8Array(REFUSAL_BUFFER_BYTES);
    const settle = (count: number | null): void => {
      timer.cancel();
      this.#refused.delete(socket);
      if (count === null) closeQuietly(socket);
      else this.#sendRefusal(socket, buffer.subarray(0, count));
    };
    socket.read(buffer).then(settle, () => settle(null));
  }

  /** Not awaited: the bytes fit into the empty buffer of a new socket. */
  #sendRefusal(socket: Deno.TcpConn, firstBytes: Uint8Array): void {
    const close = () => closeQuietly(socket);
    socket.write(this.#options.refuse.reply(this.#limit.current, firstBytes)).then(close, close);
  }

  #checkLater(): void {
    this.#checkTimer = this.#options.clock.after(WRITE_CHECK_MS, () => {
      const now = this.#options.clock.now();
      for (const connection of this.#connections) connection.check(now);
      this.#recoverLimit(now);
      this.#beforeLogin.check(this.#connections, now);
      this.#nobodyGivesWay = false;
      // On all of them somebody has logged in: strangers cannot bring that about.
      if (this.#connections.size >= this.#limit.current && this.#beforeLogin.size === 0) this.#leavePlace();
      this.#checkLater();
    });
  }

  /** Where all places are taken by those who have logged in, an idle one is ended before somebody comes. */
  #leavePlace(): void {
    if (this.#options.beforeLogin.isLoginNeeded()) this.#endIdle();
  }

  #warn(limiter: LogLimiter, message: string): void {
    const line = limiter.pass(message);
    if (line !== undefined) this.#options.log("warn", line);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        timer.cancel();
        this.#endPauses.delete(end);
        resolve();
      };
      const timer = this.#options.clock.after(ACCEPT_PAUSE_MS, end);
      this.#endPauses.add(end);
    });
  }
}

/** The one that has been idle for longest, since `before` at least; one that holds state only when no other is. */
function mostDispensable<C extends PortConnection>(connections: Iterable<C>, before: number): C | undefined {
  let found: { readonly connection: C; readonly idle: Idleness } | undefined;
  for (const connection of connections) {
    const idle = connection.idleness();
    if (idle === undefined || idle.sinceMs > before) continue;
    const isSooner = found === undefined ||
      (idle.holdsState === found.idle.holdsState ? idle.sinceMs < found.idle.sinceMs : found.idle.holdsState);
    if (isSooner) found = { connection, idle };
  }
  return found?.connection;
}

/** Closes a socket that the system may have closed before. */
export function closeQuietly(socket: Pick<ClientSocket, "close">): void {
  try {
    socket.close();
  } catch {
    // There is nothing left to release.
  }
}

/** Whether the system, the client or our own closing ended the socket: nothing to report. */
export function isSocketError(error: unknown): boolean {
  return error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.ConnectionAborted ||
    error instanceof Deno.errors.BrokenPipe || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted || error instanceof Deno.errors.NotConnected ||
    error instanceof Deno.errors.TimedOut || error instanceof Deno.errors.UnexpectedEof ||
    (error instanceof Error && "code" in error);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
