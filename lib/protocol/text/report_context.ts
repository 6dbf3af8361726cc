/** What reports are made from. */

import type { NodeMonitor } from "../../node/api.ts";
import type { History } from "./history.ts";

/** This connection, for STATS and HISTORY. */
export interface ConnectionView {
  /** Commands received, this one included. */
  readonly commands: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly openForMs: number;
  readonly history: History;
}

/** The server and one of its connections. */
export interface ReportContext {
  readonly node: NodeMonitor;
  readonly connection: ConnectionView;
  readonly connections: number;
  readonly connectionsMax: number;
}
