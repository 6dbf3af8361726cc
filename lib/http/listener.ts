/** The HTTP port: a small server of HTTP/1.1 with deadlines and limits, which `Deno.serve` does not have. */

import { stringToBytes } from "../base/bytes.ts";
import type { RequestRates } from "../access/request_rates.ts";
import type { Clock } from "../base/clock.ts";
import type { NodeLog } from "../node/options.ts";
import type { Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import { openDoors, type TlsDoor } from "../net/client_socket.ts";
import { ConnectionPort } from "../net/connection_port.ts";
import { type BeforeLoginLimits, type ClosedBeforeLogin, closedBeforeLogin } from "../net/connections_before_login.ts";
import { OutputFlusher } from "../net/socket_output.ts";
import { LINGER_MS } from "../net/limits.ts";
import { MemoryBudget } from "../net/memory_budget.ts";
import { TurnBudget } from "../net/turn_budget.ts";
import type { HttpHandler } from "./http.ts";
import { HttpConnection } from "./server/connection.ts";
import type { HttpLogins } from "./server/connection_login.ts";
import type { HttpConnectionContext } from "./server/connection_context.ts";
import { HttpDate } from "./server/http_date.ts";
import {
  BODY_BYTES_PER_SECOND_MIN,
  BODY_TIMEOUT_MS,
  HEAD_TIMEOUT_MS,
  HTTP_BEFORE_LOGIN_BYTES_MAX,
  HTTP_MEMORY_BYTES_MAX,
  HTTP_REQUESTS_PER_TURN_MAX,
  type HttpTimes,
  IDLE_TIMEOUT_MS,
} from "./server/limits.ts";
import { replyHead, RequestIds } from "./server/reply_head.ts";
import { malformed, type Refusal, refusalReply } from "./server/refusal.ts";

/** What the HTTP port is opened with. */
export interface HttpListenerOptions {
  readonly hostname: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** Where TLS is spoken; undefined for nowhere. */
  readonly tls?: TlsDoor | undefined;
  readonly handler: HttpHandler;
  /** Who has to log in; left out where nobody ever has. */
  readonly logins?: HttpLogins;
  /** How many requests a second are begun; left out for any number. */
  readonly rates?: RequestRates | undefined;
  readonly clock: Clock;
  readonly metrics: Registry;
  readonly log: NodeLog;
  /** Connections beyond this number get 503 and are closed. */
  readonly connectionsMax: number;
  /** Other limits on connections on which nobody has logged in. */
  readonly beforeLogin?: BeforeLoginLimits | undefined;
  /** Milliseconds since 1970, for `Date`; the machine's clock when left out. */
  readonly wallClockMs?: () => number;
  /** Deadlines other than those of limits.ts. */
  readonly times?: Partial<HttpTimes>;
  /** `HTTP_MEMORY_BYTES_MAX` when left out. */
  readonly memoryBytesMax?: number;
  /** `HTTP_BEFORE_LOGIN_BYTES_MAX` when left out. */
  readonly beforeLoginBytesMax?: number;
}

/** An open HTTP port. */
export interface HttpListener {
  /** The port as bound. */
  readonly port: number;
  /** HTTP connections open now. */
  connections(): number;
  /**
   * Takes no new connection or request, cuts streams, gives open requests `graceMs` milliseconds, closes everything.
   * Idempotent.
   */
  stop(graceMs: number): Promise<void>;
}

const TIMES: HttpTimes = {
  headMs: HEAD_TIMEOUT_MS,
  bodyMs: BODY_TIMEOUT_MS,
  bodyBytesPerSecondMin: BODY_BYTES_PER_SECOND_MIN,
  idleMs: IDLE_TIMEOUT_MS,
  lingerMs: LINGER_MS,
};
const RUN_NAME_LENGTH = 8;

/** Opens the HTTP port. Throws the system's error when it cannot be bound. */
export function startHttpListener(options: HttpListenerOptions): HttpListener {
  const doors = openDoors(options.hostname, options.port, { tls: options.tls });
  const { clock, metrics, log, connectionsMax } = options;
  const turns = new TurnBudget(clock, HTTP_REQUESTS_PER_TURN_MAX);
  const connectionsRefused = metrics.counter(METRIC.httpConnectionsRefused);
  const closed = closedBeforeLogin(metrics, "http");
  const port: ConnectionPort<HttpConnection> = new ConnectionPort({
    doors,
    clock,
    log,
    connectionsMax,
    names: { one: "an HTTP client", adjective: "HTTP" },
    admit: (socket) => new HttpConnection(socket, context),
    refuse: {
      needsFirstBytes: false,
      refused: connectionsRefused,
      reply: (limit) => {
        const detail = `Too many connections (limit ${limit})`;
        return refuseConnection(context, { status: 503, code: "overloaded", detail });
      },
      plainReply: () => refuseConnection(context, malformed("This port speaks TLS: use https")),
    },
    beforeLogin: {
      limits: options.beforeLogin ?? {},
      closed,
      isLoginNeeded: () => context.logins?.isNeeded(undefined, undefined) === true,
    },
  });
  const context = makeContext(options, { turns, port, closed });
  metrics.gauge(METRIC.httpConnections, () => port.size);
  metrics.gauge(METRIC.httpConnectionsBeforeLogin, () => port.sizeBeforeLogin);
  port.start();
  return {
    port: doors[0]?.listener.addr.port ?? options.port,
    connections: () => port.size,
    stop: async (graceMs) => {
      await port.stop(graceMs);
      turns.stop();
    },
  };
}

interface ContextParts {
  readonly turns: TurnBudget;
  readonly port: Pick<ConnectionPort<HttpConnection>, "warn">;
  readonly closed: ClosedBeforeLogin;
}

function makeContext(options: HttpListenerOptions, { turns, port, closed }: ContextParts): HttpConnectionContext {
  const { handler, rates, clock, metrics, log, wallClockMs = () => Date.now(), memoryBytesMax } = options;
  return {
    handler,
    rates,
    clock,
    log,
    turns,
    times: { ...TIMES, ...options.times },
    date: new HttpDate(wallClockMs),
    ids: new RequestIds(crypto.randomUUID().slice(0, RUN_NAME_LENGTH)),
    budget: new MemoryBudget(memoryBytesMax ?? HTTP_MEMORY_BYTES_MAX),
    logins: options.logins,
    budgetBeforeLogin: new MemoryBudget(options.beforeLoginBytesMax ?? HTTP_BEFORE_LOGIN_BYTES_MAX),
    closedBeforeLogin: closed,
    bytesReceived: metrics.counter(METRIC.httpBytesReceived),
    bytesSent: metrics.counter(METRIC.httpBytesSent),
    refused: metrics.counter(METRIC.httpRequestsRefused),
    warn: (message) => port.warn(message),
    flusher: new OutputFlusher(clock),
  };
}

/** What a client hears whose connection is not served. */
function refuseConnection({ handler, ids, date }: HttpConnectionContext, refusal: Refusal): Uint8Array {
  const refused = refusalReply(refusal);
  const reply = handler.refused?.(refused) ?? refused;
  const shape = { minorVersion: 1, id: ids.of(undefined), staysOpen: false, date: date.text() } as const;
  return stringToBytes(replyHead(reply, shape) + refused.body);
}
