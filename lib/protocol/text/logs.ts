/** LOGS: the last entries of the log of this node. */

import { formatReport } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { show } from "./show.ts";

/** The last `count` entries, oldest first. */
export function renderLogs({ node }: ReportContext, count: number): string {
  return formatReport(
    "Log Entries",
    node.logTail(count).map(({ id, text }) => [`Index ${id.index}, Term ${id.term}`, show(text)]),
  );
}
