/** The client port: accepts connections, bounds their number, gathers their writes per turn, and closes them at the end. */

import { stringToBytes } from "../base/bytes.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import { METRIC } from "../observe/names.ts";
import { LogLimiter } from "../transport/log_limiter.ts";
import { ClientConnection, type ConnectionContext } from "./client_connection.ts";
import { ClientMetrics } from "./client_metrics.ts";
import {
  ACCEPT_PAUSE_MS,
  CLIENT_MEMORY_BYTES_MAX,
  DESCRIPTORS_RESERVED,
  REQUESTS_PER_TURN_MAX,
  WRITE_CHECK_MS,
} from "./limits.ts";
import { MemoryBudget } from "./memory_budget.ts";
import { ClientRegistry } from "./resp/client_record.ts";
import { TurnBudget } from "./turn_budget.ts";
import { TurnTime } from "./turn_time.ts";

/** What the client port is opened with. */
export interface ClientListenerOptions {
  readonly node: KeyValueNode;
  readonly clock: Clock;
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Connections beyond this number get one line and are closed. */
  readonly connectionsMax: number;
  /** Where browsers are sent; undefined where no HTTP is served. */
  readonly httpPort: number | undefined;
  /** See `SessionContext`. */
  readonly clusterMode: boolean;
  /** Longest key in bytes, up to `KEY_BYTES_MAX`. */
  readonly keyBytesMax: number;
  /** Longest value in bytes, up to `VALUE_BYTES_MAX`. */
  readonly valueBytesMax: number;
  readonly log: NodeLog;
}

/** An open client port. */
export interface ClientListener {
  /** The port as bound. */
  readonly port: number;
  /** Client connections open now. */
  connections(): number;
  /** Takes no new connection or request, gives open requests `graceMs` milliseconds, closes everything. Idempotent. */
  stop(graceMs: number): Promise<void>;
}

/** Opens the client port. Throws the system's error when it cannot be bound. */
export function startClientListener(options: ClientListenerOptions): ClientListener {
  const listener = new Listener(options, Deno.listen({ hostname: options.hostname, port: options.port }));
  listener.start();
  return listener;
}

class Listener implements ClientListener {
  readonly port: number;
  readonly #options: ClientListenerOptions;
  readonly #listener: Deno.TcpListener;
  readonly #context: ConnectionContext;
  readonly #turns: TurnBudget;
  readonly #connections = new Set<ClientConnection>();
  #connectionsMax: number;
  readonly #refusalLog: LogLimiter;
  readonly #acceptLog: LogLimiter;
  readonly #clientLog: LogLimiter;
  #toFlush: ClientConnection[] = [];
  #checkTimer: Timer | undefined;
  #accepting: Promise<void> | undefined;
  #endPause: (() => void) | undefined;
  #emptied: (() => void) | undefined;
  #stopping: Promise<void> | undefined;

  constructor(options: ClientListenerOptions, listener: Deno.TcpListener) {
    this.#options = options;
    this.#listener = listener;
    this.port = listener.addr.port;
    this.#connectionsMax = options.connectionsMax;
    this.#turns = new TurnBudget(options.clock, REQUESTS_PER_TURN_MAX);
    this.#refusalLog = new LogLimiter(options.clock);
    this.#acceptLog = new LogLimiter(options.clock);
    this.#clientLog = new LogLimiter(options.clock);
    const { node, clock, log, httpPort, clusterMode, keyBytesMax, valueBytesMax } = options;
    this.#context = {
      node,
      clock,
      log,
      warn: (message) => this.#warn(this.#clientLog, message),
      httpPort,
      connectionsMax: () => this.#connectionsMax,
      metrics: new ClientMetrics(node.metrics),
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turns: this.#turns,
      turnTime: new TurnTime(clock),
      clients: new ClientRegistry(),
      clusterMode,
      keyBytesMax,
      valueBytesMax,
      connections: () => this.connections(),
      flushLater: (connection) => this.#flushLater(connection),
    };
  }

  connections(): number {
    return this.#connections.size;
  }

  start(): void {
    this.#options.node.metrics.gauge(METRIC.clientConnections, () => this.connections());
    this.#accepting = this.#acceptAll();
    this.#checkLater();
  }

  stop(graceMs: number): Promise<void> {
    this.#stopping ??= this.#stop(graceMs);
    return this.#stopping;
  }

  async #stop(graceMs: number): Promise<void> {
    this.#listener.close();
    this.#endPause?.();
    await this.#accepting;
    const emptied = new Promise<void>((resolve) => this.#emptied = resolve);
    for (const connection of [...this.#connections]) connection.stop();
    const grace = this.#options.clock.after(graceMs, () => {
      for (const connection of [...this.#connections]) connection.abort();
    });
    if (this.#connections.size > 0) await emptied;
    grace.cancel();
    this.#checkTimer?.cancel();
    this.#turns.stop();
  }

  async #acceptAll(): Promise<void> {
    // Not `for await`: that ends for ever at the first failed accept, which is what a lack of file descriptors gives.
    while (this.#stopping === undefined) {
      try {
        this.#admit(await this.#listener.accept());
      } catch (error) {
        if (this.#stopping !== undefined) return;
        this.#warn(this.#acceptLog, `Cannot accept a client connection: ${messageOf(error)}`);
        this.#leaveDescriptors();
        await this.#pause();
      }
    }
  }

  /**
   * The system's limit on open files is reached: it becomes the limit of this port, less a reserve for peers and files,
   * which the newest connections give back. Not every system tells its limit beforehand.
   */
  #leaveDescriptors(): void {
    const connections = [...this.#connections];
    const limit = connections.length - DESCRIPTORS_RESERVED;
    if (limit < DESCRIPTORS_RESERVED || limit >= this.#connectionsMax) return;
    this.#connectionsMax = limit;
    this.#options.log("warn", `From now on at most ${limit} client connections: the system allows no more open files`);
    for (const connection of connections.slice(limit)) connection.abort();
  }

  #admit(socket: Deno.TcpConn): void {
    if (this.#stopping !== undefined) return closeQuietly(socket);
    if (this.#connections.size >= this.#connectionsMax) return this.#refuse(socket);
    try {
      socket.setNoDelay(true);
    } catch {
      // Already ended by the client: the first read tells.
    }
    const connection = new ClientConnection(socket, this.#context);
    this.#connections.add(connection);
    void this.#serve(connection);
  }

  async #serve(connection: ClientConnection): Promise<void> {
    await connection.run();
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#emptied?.();
  }

  /** Tells one client that there is no room. Not awaited: the line fits into the empty buffer of a new socket. */
  #refuse(socket: Deno.TcpConn): void {
    this.#context.metrics.connectionsRefused.add();
    this.#warn(this.#refusalLog, `Refused a client: ${this.#connectionsMax} connections are open`);
    const close = () => closeQuietly(socket);
    const refusal = stringToBytes(`Error: Too many connections (limit ${this.#connectionsMax}).\n`);
    socket.write(refusal).then(close, close);
  }

  #flushLater(connection: ClientConnection): void {
    this.#toFlush.push(connection);
    if (this.#toFlush.length > 1) return;
    this.#options.clock.endOfTurn(() => {
      const connections = this.#toFlush;
      this.#toFlush = [];
      for (const each of connections) each.flush();
    });
  }

  #checkLater(): void {
    this.#checkTimer = this.#options.clock.after(WRITE_CHECK_MS, () => {
      const now = this.#options.clock.now();
      for (const connection of this.#connections) connection.checkWrite(now);
      this.#checkLater();
    });
  }

  #warn(limiter: LogLimiter, message: string): void {
    const line = limiter.pass(message);
    if (line !== undefined) this.#options.log("warn", line);
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = this.#options.clock.after(ACCEPT_PAUSE_MS, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
  }
}

function closeQuietly(socket: Deno.TcpConn): void {
  try {
    socket.close();
  } catch {
    // The system had closed it before.
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
