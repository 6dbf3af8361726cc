/** One server and the few connections to it. */

import { type Address, formatAddress } from "./address.ts";
import { Connection } from "./connection.ts";
import { NotDoneError, ServerError } from "./errors.ts";
import { type Credentials, greet } from "./handshake.ts";
import { CONNECT_TIMEOUT_MS, RETIRED_MAX, RETIREMENT_MS } from "./limits.ts";
import type { Connector } from "./socket.ts";
import type { TimerEntry, Timers } from "./timers.ts";

/** What connections are made with. */
export interface ServerOptions {
  readonly connector: Connector;
  readonly credentials: Credentials | undefined;
  readonly connectionsMax: number;
  readonly timers: Timers;
  /** Ends every attempt to connect. */
  readonly signal: AbortSignal;
  /** A connection that was in use has ended by itself. */
  readonly lost: (server: Server) => void;
}

/** A server. Connections are opened when they are needed and stay open. */
export class Server {
  readonly address: string;
  readonly #endpoint: Address;
  readonly #options: ServerOptions;
  #connections: readonly Connection[] = [];
  readonly #retired = new Map<Connection, TimerEntry>();
  #opening: Promise<Connection> | undefined;
  /** When the last attempt to connect failed; undefined since one succeeded. */
  failedAtMs: number | undefined;

  constructor(endpoint: Address, options: ServerOptions) {
    this.address = formatAddress(endpoint);
    this.#endpoint = endpoint;
    this.#options = options;
  }

  /** The open connection with the fewest requests under way; undefined when none is open. */
  ready(): Connection | undefined {
    let best: Connection | undefined;
    for (const connection of this.#connections) {
      if (best === undefined || connection.load < best.load) best = connection;
    }
    if (best !== undefined && best.load > 0 && this.#connections.length < this.#options.connectionsMax) {
      // It is for requests to come; if it fails, they do without.
      if (this.#opening === undefined && this.failedAtMs === undefined) this.open().catch(() => {});
    }
    return best;
  }

  /** Opens a connection. Rejects with `ServerError` when the server lets nobody in, else with `NotDoneError`. */
  open(): Promise<Connection> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return this.#opening;
  }

  /** Gives up a connection that is silent: no new requests, and an end to it when those under way have had their time. */
  retire(connection: Connection): void {
    if (!this.#connections.includes(connection)) return;
    this.#drop(connection);
    const silent = new Error(`${this.address} did not answer in time`);
    const [oldest] = this.#retired.keys();
    if (this.#retired.size >= RETIRED_MAX && oldest !== undefined) this.#bury(oldest, silent);
    this.#retired.set(connection, this.#options.timers.add(RETIREMENT_MS, () => this.#bury(connection, silent)));
  }

  /** Closes every connection. */
  close(reason: Error): void {
    for (const connection of this.#connections) connection.close(reason);
    this.#connections = [];
    for (const connection of [...this.#retired.keys()]) this.#bury(connection, reason);
  }

  async #open(): Promise<Connection> {
    const attempt = new AbortController();
    const { signal, connector, credentials } = this.#options;
    let opened: Connection | undefined;
    let isOver = false;
    function abandon(): void {
      if (isOver) return; // In Deno 2.4 a timer that is due already fires although it was cleared.
      const reason = signal.aborted ? signal.reason : new Error(`No connection within ${CONNECT_TIMEOUT_MS} ms`);
      attempt.abort(reason);
      opened?.close(reason);
    }
    if (signal.aborted) abandon();
    signal.addEventListener("abort", abandon);
    const timer = setTimeout(abandon, CONNECT_TIMEOUT_MS);
    try {
      opened = await Connection.open(this.#endpoint, {
        connector,
        signal: attempt.signal,
        lost: (connection) => this.#forget(connection),
      });
      await greet(opened, credentials);
      if (!opened.isOpen) throw new Error("The connection was lost");
      this.failedAtMs = undefined;
      this.#connections = [...this.#connections, opened];
      return opened;
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(String(error));
      opened?.close(cause);
      this.failedAtMs = performance.now();
      if (error instanceof ServerError || error instanceof NotDoneError) throw error;
      throw new NotDoneError("UNREACHABLE", { message: `Cannot connect to ${this.address}: ${cause.message}`, cause });
    } finally {
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener("abort", abandon);
    }
  }

  #drop(connection: Connection): void {
    this.#connections = this.#connections.filter((other) => other !== connection);
  }

  #forget(connection: Connection): void {
    const wasInUse = this.#connections.includes(connection);
    this.#drop(connection);
    this.#bury(connection, new Error("The connection was lost"));
    if (wasInUse) this.#options.lost(this);
  }

  #bury(connection: Connection, reason: Error): void {
    const timer = this.#retired.get(connection);
    if (timer === undefined) return;
    this.#options.timers.remove(timer);
    this.#retired.delete(connection);
    connection.close(reason);
  }
}
