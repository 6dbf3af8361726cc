/** HISTORY: the commands of this connection with their numbers. */

import { formatReport } from "./report.ts";
import type { ReportContext } from "./report_context.ts";
import { show } from "./show.ts";

/** The commands that are kept, oldest first. */
export function renderHistory({ connection }: ReportContext): string {
  return formatReport("History", connection.history.entries().map(({ number, line }) => [`${number}`, show(line)]));
}
