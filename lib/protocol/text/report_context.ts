/** What reports are made from. */

import type { ClientLink } from "../../net/session.ts";
import type { NodeMonitor } from "../../node/api.ts";
import type { SessionContext } from "../session_context.ts";
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

/** What reports to that connection are made of. */
export function reportContextOf(
  { link, context, commands, history }: {
    readonly link: ClientLink;
    readonly context: Pick<SessionContext, "node" | "clock" | "connections" | "connectionsMax">;
    /** Commands of the connection so far. */
    readonly commands: number;
    readonly history: History;
  },
): ReportContext {
  const { bytesReceived, bytesSent, openedAt } = link;
  return {
    node: context.node,
    connection: { commands, bytesReceived, bytesSent, openForMs: context.clock.now() - openedAt, history },
    connections: context.connections(),
    connectionsMax: context.connectionsMax(),
  };
}
