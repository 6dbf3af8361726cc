/** HELP: the table of commands as people read it. */

import { formatReport, type ReportLine } from "./report.ts";

/** What HELP shows of a command. */
export interface HelpEntry {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly usage: string;
  readonly summary: string;
  readonly examples: readonly string[];
}

/** All commands with a line each, or the only one given in detail. */
export function renderHelp(commands: readonly HelpEntry[]): string {
  const [only] = commands;
  if (only !== undefined && commands.length === 1) return renderOne(only);
  return formatReport(
    "Commands",
    commands.map(({ usage, summary, aliases }) => [usage, `${summary}${aliasesOf(aliases)}`]),
  );
}

function renderOne({ name, usage, summary, aliases, examples }: HelpEntry): string {
  const lines: ReportLine[] = [["Usage", usage], ["Summary", summary]];
  if (aliases.length > 0) lines.push(["Aliases", aliases.join(", ")]);
  for (const example of examples) lines.push(["Example", example]);
  return formatReport(name, lines);
}

function aliasesOf(aliases: readonly string[]): string {
  return aliases.length === 0 ? "" : ` (also ${aliases.join(", ")})`;
}
