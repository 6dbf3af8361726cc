/** STATUS: what this node is and how far it has come. */

import type { MemberView } from "../../node/api.ts";
import { describeEmptyDirectory } from "../../node/membership/empty_directory.ts";
import { describeOffset, isOff } from "../../node/clock/clock_watch.ts";
import type { DateOffset } from "../../node/clock/machine_dates.ts";
import type { NodeId } from "../../raft/types.ts";
import { formatReport, type ReportLine } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { showText } from "./show.ts";
import { formatDuration, orElse } from "./units.ts";

/** The state of Raft's figure 2 and the peers. */
export function renderStatus({ node }: ReportContext): string {
  const status = node.status();
  const { raft, quorum } = status;
  const peers = node.members().filter((member) => member.id !== node.id);
  return formatReport("Status", [
    ["Node ID", node.id],
    ["Role", raft.role],
    ["Term", raft.currentTerm],
    ["Leader ID", orElse(raft.leaderId, "none")],
    ["Voted For", orElse(raft.votedFor, "none")],
    ["Commit Index", raft.commitIndex],
    ["Last Applied", status.lastApplied],
    ["Log Size", `${status.logEntries} entries`],
    ["Last Log Index", raft.lastEntry.index],
    ["Last Snapshot Index", raft.snapshot.index],
    ["Keys", status.keys],
    ["State Digest", status.digest],
    ["Quorum", `reachable ${quorum.reachable} of ${quorum.total} nodes, needed ${quorum.needed}`],
    ["Client Address", showText(status.clientAddress)],
    ["Data Directory", showText(status.directory)],
    ["Peers", peers.length],
    ...peers.map(peerLine),
    ["Clock Offset", showOffset(status.clocks.find(({ id }) => id === node.id))],
    ["Clocks Off", orElse(showOff(status.clocks), "none")],
    ["Cluster ID", orElse(raft.clusterId, "none")],
    ...waitLine(raft.foundingHeldBy),
    ["Uptime", formatDuration(status.uptimeMs)],
  ]);
}

function showOffset(offset: DateOffset | undefined): string {
  return offset === undefined ? "unknown" : `${(offset.aheadMs / 1_000).toFixed(3)} s`;
}

function showOff(clocks: readonly DateOffset[]): string | undefined {
  const off = clocks.filter(isOff).map(({ id, aheadMs }) => `node ${id} ${describeOffset(aheadMs)} the majority's`);
  return off.length === 0 ? undefined : off.join(", ");
}

function waitLine(holder: NodeId | undefined): readonly ReportLine[] {
  return holder === undefined ? [] : [["Waits", describeEmptyDirectory(holder)]];
}

function peerLine(peer: MemberView): ReportLine {
  const contact = peer.lastContactMs === undefined ? "never" : `${Math.round(peer.lastContactMs)} ms ago`;
  const reachable = peer.reachable ? "yes" : "no";
  const match = orElse(peer.matchIndex, "unknown");
  const address = showText(peer.peerAddress);
  return [`Peer ${peer.id}`, `${address}, Match Index: ${match}, Last Contact: ${contact}, Reachable: ${reachable}`];
}
