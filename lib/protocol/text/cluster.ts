/** CLUSTER: every node, as this one knows it. */

import type { MemberView } from "../../node/api.ts";
import { formatReport, type ReportLine } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { showText } from "./show.ts";
import { orElse } from "./units.ts";

/** One line for each node; the first address is the one for clients. Then the version that is on. */
export function renderCluster({ node }: ReportContext): string {
  return formatReport("Cluster", [...node.members().map(memberLine), ["Level", node.status().level]]);
}

function memberLine(member: MemberView): ReportLine {
  const parts = [
    member.clientAddress === "" ? "unknown" : showText(member.clientAddress),
    `Peer Address: ${showText(member.peerAddress)}`,
    `Role: ${orElse(member.role, "unknown")}`,
    `Term: ${orElse(member.term, "unknown")}`,
    `Match Index: ${orElse(member.matchIndex, "unknown")}`,
    `Lag: ${orElse(member.lag, "unknown")}`,
    `Reachable: ${member.reachable ? "yes" : "no"}`,
    `Voter: ${member.voter ? "yes" : "no"}`,
    ...(member.drained ? ["Drained: yes"] : []),
    ...(member.quarantined ? ["Quarantined: yes"] : []),
    `Protocol: ${member.versions === undefined ? "unknown" : `${member.versions.oldest}-${member.versions.newest}`}`,
  ];
  return [`Node ${member.id}`, parts.join(", ")];
}
