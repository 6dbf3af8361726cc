/** The result as Markdown. */

import type { CompareOptions } from "./options.ts";
import type { RowResult } from "./row.ts";

/** The page: what ran where, the table, and the notes of each row. */
export function showReport(
  options: CompareOptions,
  { machine, results }: { machine: readonly string[]; results: readonly RowResult[] },
): string {
  const subject = options.subject === "kvstore" ? "KVStore, three nodes" : "redis-server in KVStore's place";
  const program = options.binary === undefined ? "" : " (an executable)";
  return [
    "# Comparison",
    "",
    `${subject}${program}. ${options.runs} interleaved runs of ${options.seconds} s; values of 64 bytes, keys of 16.`,
    "Measured: the median, and the least to the greatest of all runs; ratios are those of runs that followed each other.",
    ...(options.quick ? ["", "**A quick run: it shows that everything works. The bars mean nothing here.**"] : []),
    "",
    ...machine.map((line) => `- ${line}`),
    "",
    ...table(results),
    "",
    ...results.flatMap(showNotes),
    summary(results),
  ].join("\n");
}

function table(results: readonly RowResult[]): string[] {
  const rows = results.map(({ title, bar, measured, verdict, margin }) =>
    `| ${title} | ${bar} | ${measured} | ${verdict} | ${margin} |`
  );
  return ["| what | bar | measured | | |", "| --- | --- | --- | --- | --- |", ...rows];
}

function showNotes({ title, notes }: RowResult): string[] {
  if (notes.length === 0) return [];
  return [`**${title}**`, "", ...notes.map((line) => `- ${line}`), ""];
}

function summary(results: readonly RowResult[]): string {
  const count = (verdict: string) => results.filter((row) => row.verdict === verdict).length;
  return `${count("PASS")} passed, ${count("FAIL")} failed, ${count("ERROR")} could not be measured, ` +
    `${count("SKIPPED")} skipped.`;
}
