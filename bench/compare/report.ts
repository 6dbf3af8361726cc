/** The result as Markdown. */

import type { CompareOptions } from "./options.ts";
import type { RowResult } from "./row.ts";

/** What ran where, and what came of it. */
export interface Results {
  readonly machine: readonly string[];
  readonly results: readonly RowResult[];
}

/** The page: what ran where, the table, and the notes of each row. */
export function showReport(options: CompareOptions, { machine, results }: Results): string {
  return [
    "# Comparison",
    "",
    ...describeRuns(options),
    ...(options.quick ? ["", "**A quick run: it shows that everything works. The bars mean nothing here.**"] : []),
    "",
    ...machine.map((line) => `- ${line}`),
    "",
    ...showTable(results),
    "",
    ...results.flatMap(showNotes),
    summary(results),
  ].join("\n");
}

/** How it was measured. */
export function describeRuns(options: CompareOptions): readonly string[] {
  const subject = options.subject === "kvstore" ? "KVStore, three nodes" : "redis-server in KVStore's place";
  const program = options.binary === undefined ? "" : " (an executable)";
  return [
    `${subject}${program}. ${options.runs} interleaved runs of ${options.seconds} s; values of 64 bytes, keys of 16.`,
    "Measured: the median, and the least to the greatest of all runs; ratios are those of runs that followed each other.",
    "Memory: resident, of the largest process of each. Processor time: of all processes of each, for one request or in all.",
  ];
}

/** A line for each row. */
export function showTable(results: readonly RowResult[]): readonly string[] {
  const rows = results.map(({ title, bar, measured, verdict, margin, memory, processorTime }) =>
    `| ${[title, bar, measured, verdict, margin, memory, processorTime].join(" | ")} |`
  );
  const head = ["what", "bar", "measured", "", "", "memory", "processor time"];
  return [`| ${head.join(" | ")} |`, `|${" --- |".repeat(head.length)}`, ...rows];
}

/** What else is worth knowing of a row. */
export function showNotes({ title, notes }: RowResult): readonly string[] {
  if (notes.length === 0) return [];
  return [`**${title}**`, "", ...notes.map((line) => `- ${line}`), ""];
}

function summary(results: readonly RowResult[]): string {
  const count = (verdict: string) => results.filter((row) => row.verdict === verdict).length;
  return `${count("PASS")} passed, ${count("FAIL")} failed, ${count("ERROR")} could not be measured, ` +
    `${count("SKIPPED")} skipped.`;
}
