/** LOGSIZE: how much the log of this node holds, in memory and on disk. */

import { formatReport } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { formatBytes } from "./units.ts";

/** Entries, bytes, segments and the snapshot. */
export function renderLogSize({ node }: ReportContext): string {
  const { raft, storage, logEntries } = node.status();
  return formatReport("Log Size", [
    ["Entries", logEntries],
    ["First Index", logEntries === 0 ? "none" : raft.firstIndex],
    ["Last Index", raft.lastEntry.index],
    ["Last Term", raft.lastEntry.term],
    ["Memory", formatBytes(raft.logBytes)],
    ["Disk", formatBytes(storage.walBytes)],
    ["Segments", storage.segments],
    ["Snapshot Index", raft.snapshot.index],
    ["Snapshot Term", raft.snapshot.term],
    ["Snapshots", storage.snapshots],
    ["Snapshot Disk", formatBytes(storage.snapshotBytes)],
  ]);
}
