/** METRICS: everything that is counted and measured on this node. */

import { METRIC } from "../../observe/names.ts";
import type { Histogram } from "../../observe/metrics.ts";
import type { NodeMonitor, NodeStatus } from "../../node/api.ts";
import { formatReport, type ReportLine } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { formatBytes, formatDuration, formatMilliseconds, formatShare, orElse } from "./units.ts";

/** Raft, log, snapshots, messages, requests, latencies, memory, event loop and uptime. */
export function renderMetrics(context: ReportContext): string {
  const { node } = context;
  const status = node.status();
  return formatReport("Metrics", [
    ...raftLines(node, status),
    ...storageLines(node, status),
    ...messageLines(node),
    ...requestLines(context),
    ...latencyLines(node),
    ...processLines(status),
  ]);
}

function raftLines(node: NodeMonitor, { raft, lastApplied, keys, keyBytes }: NodeStatus): readonly ReportLine[] {
  return [
    ["Node ID", node.id],
    ["Role", raft.role],
    ["Term", raft.currentTerm],
    ["Leader ID", orElse(raft.leaderId, "none")],
    ["Commit Index", raft.commitIndex],
    ["Last Applied", lastApplied],
    ["Elections Started", raft.electionsStarted],
    ["Leader Changes", countOf(node, METRIC.leaderChanges)],
    ["Entries Applied", countOf(node, METRIC.proposalsApplied)],
    ["Proposals Failed", countOf(node, METRIC.proposalsFailed)],
    ["Proposals Pending", node.metrics.gauges.get(METRIC.proposalsPending)?.read() ?? 0],
    ["Keys", keys],
    ["Key Bytes", formatBytes(keyBytes)],
  ];
}

function storageLines(node: NodeMonitor, { raft, storage, logEntries }: NodeStatus): readonly ReportLine[] {
  return [
    ["Log Entries", logEntries],
    ["Last Log Index", raft.lastEntry.index],
    ["Log Memory", formatBytes(raft.logBytes)],
    ["Log Disk", formatBytes(storage.walBytes)],
    ["Log Segments", storage.segments],
    ["Last Snapshot Index", raft.snapshot.index],
    ["Snapshots Taken", countOf(node, METRIC.snapshotsTaken)],
    ["Snapshots Installed", countOf(node, METRIC.snapshotsInstalled)],
    ["Snapshot Disk", formatBytes(storage.snapshotBytes)],
    ["Refused For Space", countOf(node, METRIC.refusedForSpace)],
    ["Refused For Memory", countOf(node, METRIC.refusedForMemory)],
  ];
}

function messageLines(node: NodeMonitor): readonly ReportLine[] {
  const { sent, received } = node.rpcCounts();
  const types = [...new Set([...sent.keys(), ...received.keys()])].sort();
  const succeeded = countOf(node, METRIC.appendSuccess);
  const failed = countOf(node, METRIC.appendFailure);
  return [
    ...types.flatMap((type): ReportLine[] => [
      [`RPC ${type} Sent`, sent.get(type) ?? 0],
      [`RPC ${type} Received`, received.get(type) ?? 0],
    ]),
    ["AppendEntries Succeeded", succeeded],
    ["AppendEntries Failed", failed],
    ["AppendEntries Success Rate", formatShare(succeeded, succeeded + failed)],
    ["AppendEntries Failure Rate", formatShare(failed, succeeded + failed)],
  ];
}

function requestLines({ node, connections }: ReportContext): readonly ReportLine[] {
  return [
    ["Client Requests Received", countOf(node, METRIC.requestsReceived)],
    ["Client Requests Succeeded", countOf(node, METRIC.requestsSucceeded)],
    ["Client Requests Failed", countOf(node, METRIC.requestsFailed)],
    ["Client Requests Redirected", countOf(node, METRIC.requestsRedirected)],
    ["Linearizable Reads", countOf(node, METRIC.reads)],
    ["Client Connections", connections],
    ["Client Connections Refused", countOf(node, METRIC.clientConnectionsRefused)],
    ["Client Bytes In", formatBytes(countOf(node, METRIC.clientBytesReceived))],
    ["Client Bytes Out", formatBytes(countOf(node, METRIC.clientBytesSent))],
  ];
}

function latencyLines(node: NodeMonitor): readonly ReportLine[] {
  return [
    ...histogramLines("Command", node.metrics.histogram(METRIC.commandSeconds)),
    ["fdatasync calls", countOf(node, METRIC.walSyncs)],
    ...histogramLines("fdatasync", node.metrics.histogram(METRIC.walSyncSeconds)),
  ];
}

function histogramLines(name: string, histogram: Histogram): readonly ReportLine[] {
  const quantile = (q: number) => formatMilliseconds(histogram.quantile(q) * 1_000);
  return [
    [`${name} Latency p50`, quantile(0.5)],
    [`${name} Latency p99`, quantile(0.99)],
    [`${name} Latency Max`, formatMilliseconds(histogram.max * 1_000)],
  ];
}

function processLines(
  { eventLoopLagMs, uptimeMs, memory: { usedBytes, limitBytes } }: NodeStatus,
): readonly ReportLine[] {
  const memory = Deno.memoryUsage();
  return [
    ["Memory Used", formatBytes(usedBytes)],
    ["Memory Limit", limitBytes === Infinity ? "none" : formatBytes(limitBytes)],
    ["Memory Resident", formatBytes(memory.rss)],
    ["Memory Heap Used", formatBytes(memory.heapUsed)],
    ["Memory Heap Total", formatBytes(memory.heapTotal)],
    ["Memory External", formatBytes(memory.external)],
    ["Event Loop Lag", formatMilliseconds(eventLoopLagMs.last)],
    ["Event Loop Lag Max", formatMilliseconds(eventLoopLagMs.max)],
    ["Uptime", formatDuration(uptimeMs)],
  ];
}

function countOf(node: NodeMonitor, name: string): number {
  return node.metrics.counter(name).value;
}
