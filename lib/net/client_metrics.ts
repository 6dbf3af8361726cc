/** The metrics of the client port, asked for once and shared by all protocols. */

import { Counter, type Histogram, type Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import { type ClosedBeforeLogin, closedBeforeLogin } from "./connections_before_login.ts";

/** Connections that were closed although their clients did not ask for it, by the reason. */
export interface ClosedConnections {
  /** It gave way to a new one. */
  readonly idle: Counter;
  /** Its request did not become complete in time. */
  readonly requestTimeout: Counter;
  /** Its client does not read. */
  readonly notReading: Counter;
  /** The replies that wait for all clients together were too many. */
  readonly memory: Counter;
}

/** Counters since the start. Every request received ends as one of succeeded, failed and redirected. */
export class ClientMetrics {
  readonly received: Counter;
  readonly succeeded: Counter;
  readonly failed: Counter;
  /** Answered with the name of the leader. */
  readonly redirected: Counter;
  readonly bytesReceived: Counter;
  readonly bytesSent: Counter;
  /** Not among the names of the metrics, where the connections open now and those refused are. */
  readonly connectionsAccepted = new Counter();
  readonly connectionsRefused: Counter;
  readonly connectionsClosed: ClosedConnections;
  readonly closedBeforeLogin: ClosedBeforeLogin;
  /** From the command read to its reply ready. */
  readonly commandSeconds: Histogram;

  /** The metrics of `registry`. */
  constructor(registry: Registry) {
    this.received = registry.counter(METRIC.requestsReceived);
    this.succeeded = registry.counter(METRIC.requestsSucceeded);
    this.failed = registry.counter(METRIC.requestsFailed);
    this.redirected = registry.counter(METRIC.requestsRedirected);
    this.bytesReceived = registry.counter(METRIC.clientBytesReceived);
    this.bytesSent = registry.counter(METRIC.clientBytesSent);
    this.connectionsRefused = registry.counter(METRIC.clientConnectionsRefused);
    const closed = registry.counterFamily(METRIC.clientConnectionsClosed, ["reason"]);
    this.connectionsClosed = {
      idle: closed.counter(["idle"]),
      requestTimeout: closed.counter(["request_timeout"]),
      notReading: closed.counter(["not_reading"]),
      memory: closed.counter(["memory"]),
    };
    this.closedBeforeLogin = closedBeforeLogin(registry, "client");
    this.commandSeconds = registry.histogram(METRIC.commandSeconds);
  }
}
