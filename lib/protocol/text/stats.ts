/** STATS: the traffic of this connection and of this node. */

import type { PeerInfo } from "../../transport/transport.ts";
import { agreedVersion, type VersionRange } from "../../transport/versions.ts";
import { METRIC } from "../../observe/names.ts";
import { formatReport, type ReportLine } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { showText } from "./show.ts";
import { formatBytes, formatDuration, formatMilliseconds, orElse } from "./units.ts";

/** Commands, bytes and connections; the peers with their round-trip times. */
export function renderStats({ node, connection, connections, connectionsMax }: ReportContext): string {
  const { metrics } = node;
  const count = (name: string) => metrics.counter(name).value;
  const { peers, uptimeMs, versions } = node.status();
  return formatReport("Statistics", [
    ["Connection Commands", connection.commands],
    ["Connection Bytes In", formatBytes(connection.bytesReceived)],
    ["Connection Bytes Out", formatBytes(connection.bytesSent)],
    ["Connection Open For", formatDuration(connection.openForMs)],
    ["Server Commands", count(METRIC.requestsReceived)],
    ["Server Bytes In", formatBytes(count(METRIC.clientBytesReceived))],
    ["Server Bytes Out", formatBytes(count(METRIC.clientBytesSent))],
    ["Server Connections", `${connections} (limit ${connectionsMax})`],
    ["Server Connections Refused", count(METRIC.clientConnectionsRefused)],
    ["Server Uptime", formatDuration(uptimeMs)],
    ...peers.map((peer) => peerLine(peer, versions)),
  ]);
}

function peerLine(peer: PeerInfo, own: VersionRange): ReportLine {
  const protocol = peer.versions === undefined ? undefined : agreedVersion(own, peer.versions);
  const parts = [
    showText(peer.address),
    `Reachable: ${peer.reachable ? "yes" : "no"}`,
    `Round Trip: ${peer.roundTripMs === undefined ? "unknown" : formatMilliseconds(peer.roundTripMs)}`,
    `Protocol: ${orElse(protocol, "unknown")}`,
    `Bytes In: ${peer.bytesReceived}`,
    `Bytes Out: ${peer.bytesSent}`,
    `Frames Dropped: ${peer.framesDropped}`,
  ];
  if (peer.problem !== undefined) parts.push(`Problem: ${showText(peer.problem)}`);
  return [`Peer ${peer.id}`, parts.join(", ")];
}
