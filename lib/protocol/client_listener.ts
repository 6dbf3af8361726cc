/** The client port: the connections of people and of Redis clients, and what they share. */

import { stringToBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import type { RunNode } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import { METRIC } from "../observe/names.ts";
import { ClientConnection, type ConnectionContext } from "../net/client_connection.ts";
import { ClientMetrics } from "../net/client_metrics.ts";
import { type Door, openDoors, type TlsDoor } from "../net/client_socket.ts";
import { ConnectionPort } from "../net/connection_port.ts";
import type { BeforeLoginLimits } from "../net/connections_before_login.ts";
import { guessLanguage } from "./first_bytes.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../net/limits.ts";
import { MemoryBudget } from "../net/memory_budget.ts";
import type { SessionContext, SessionNode } from "./session_context.ts";
import { receptionOf, tlsIsSpoken, tooManyConnections } from "./reception.ts";
import { ClientRegistry } from "./resp/client_record.ts";
import { ServerStatistics } from "./resp/statistics/server_statistics.ts";
import { OutputFlusher } from "../net/socket_output.ts";
import { TurnBudget } from "../net/turn_budget.ts";
import { TurnTime } from "../net/turn_time.ts";

/** What the client port is opened with. */
export interface ClientListenerOptions {
  readonly node: SessionNode & RunNode;
  /** See `SessionContext`. */
  readonly changeMember: SessionContext["changeMember"];
  /** See `SessionContext`. */
  readonly gate: SessionContext["gate"];
  /** See `SessionContext`. */
  readonly rates?: SessionContext["rates"];
  readonly clock: Clock;
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Where TLS is spoken; undefined for nowhere. */
  readonly tls?: TlsDoor | undefined;
  /** Connections beyond this number get one line and are closed. */
  readonly connectionsMax: number;
  /** Other limits on connections on which nobody has logged in. */
  readonly beforeLogin?: BeforeLoginLimits | undefined;
  /** How long the end of a request may be waited for; more for a long one that comes fast enough. */
  readonly receiveTimeoutMs: number;
  /** Where browsers are sent; undefined where no HTTP is served. */
  readonly httpPort: number | undefined;
  /** See `RespContext`. */
  readonly httpsPort?: number | undefined;
  /** See `RespContext`. */
  readonly clusterMode: boolean;
  /** Longest key in bytes, up to `KEY_BYTES_MAX`. */
  readonly keyBytesMax: number;
  /** Longest value in bytes, up to `VALUE_BYTES_MAX`. */
  readonly valueBytesMax: number;
  /** A command of a Redis client that takes so long is entered into the slow log, in ms. */
  readonly slowCommandMs: number;
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
  const listener = new Listener(options, openDoors(options.hostname, options.port, { tls: options.tls }));
  listener.start();
  return listener;
}

class Listener implements ClientListener {
  readonly port: number;
  readonly #options: ClientListenerOptions;
  readonly #turns: TurnBudget;
  readonly #statistics: ServerStatistics;
  readonly #connections: ConnectionPort<ClientConnection>;

  constructor(options: ClientListenerOptions, doors: readonly Door[]) {
    this.#options = options;
    this.port = doors[0]?.listener.addr.port ?? options.port;
    this.#turns = new TurnBudget(options.clock, REQUESTS_PER_TURN_MAX);
    const { clock, log, connectionsMax } = options;
    const metrics = new ClientMetrics(options.node.metrics);
    const { node, slowCommandMs } = options;
    this.#statistics = new ServerStatistics({ clock, metrics, slowCommandMs, node });
    const context = this.#makeContext(metrics);
    this.#connections = new ConnectionPort({
      doors,
      clock,
      log,
      connectionsMax,
      names: { one: "a client", adjective: "client" },
      admit: (socket) => {
        metrics.connectionsAccepted.add();
        return new ClientConnection(socket, context);
      },
      refuse: {
        // Which protocol the client speaks is known from its first bytes alone.
        needsFirstBytes: true,
        refused: metrics.connectionsRefused,
        reply: (limit, firstBytes) => stringToBytes(tooManyConnections(guessLanguage(firstBytes), limit)),
        plainReply: (firstBytes) => stringToBytes(tlsIsSpoken(guessLanguage(firstBytes))),
      },
      beforeLogin: {
        limits: options.beforeLogin ?? {},
        closed: metrics.closedBeforeLogin,
        isLoginNeeded: () => !options.gate.admits(undefined),
      },
    });
  }

  connections(): number {
    return this.#connections.size;
  }

  start(): void {
    this.#options.node.metrics.gauge(METRIC.clientConnections, () => this.connections());
    this.#options.node.metrics.gauge(METRIC.clientConnectionsBeforeLogin, () => this.#connections.sizeBeforeLogin);
    this.#statistics.rates.start();
    this.#connections.start();
  }

  async stop(graceMs: number): Promise<void> {
    this.#statistics.rates.stop();
    await this.#connections.stop(graceMs);
    this.#turns.stop();
  }

  #makeContext(metrics: ClientMetrics): ConnectionContext {
    const { node, clock, log, httpPort, httpsPort, clusterMode, receiveTimeoutMs, keyBytesMax, valueBytesMax } =
      this.#options;
    const context = {
      node,
      changeMember: this.#options.changeMember,
      gate: this.#options.gate,
      rates: this.#options.rates,
      clock,
      log,
      warn: (message: string) => this.#connections.warn(message),
      httpPort,
      httpsPort,
      connectionsMax: () => this.#connections.connectionsMax,
      metrics,
      bytesSent: metrics.bytesSent,
      budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
      turns: this.#turns,
      turnTime: new TurnTime(clock),
      clients: new ClientRegistry(),
      statistics: this.#statistics,
      clusterMode,
      receiveTimeoutMs,
      keyBytesMax,
      valueBytesMax,
      connections: () => this.connections(),
      flusher: new OutputFlusher(clock),
    };
    return { ...context, reception: receptionOf(context) };
  }
}
