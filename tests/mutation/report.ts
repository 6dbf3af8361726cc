/** The table of planted bugs and what found them, as it stands in docs/generated/mutations.md. Pure. */

import type { Verdict } from "./hunt.ts";

/** One row: id, bug, found by, seeds. */
export type Row = readonly [string, string, string, string];

const BEGIN = "<!-- mutations:begin -->";
const END = "<!-- mutations:end -->";
const HEAD: Row = ["id", "bug", "found by", "seeds"];

/** The row of a verdict. */
export function rowOf({ mutation, findings, seedsTried, problem }: Verdict): Row {
  if (problem !== undefined) return [mutation.id, mutation.what, "unclear", "-"];
  const [first] = findings;
  if (first === undefined) return [mutation.id, mutation.what, "nothing", `> ${seedsTried}`];
  const seeds = first.seeds ?? (seedsTried > 0 ? `> ${seedsTried}` : "-");
  return [mutation.id, mutation.what, findings.map(({ layer, check }) => `${layer}: ${check}`).join("; "), `${seeds}`];
}

/** Whether the mutation could be planted and was found. */
export function isFound({ findings, problem }: Verdict): boolean {
  return problem === undefined && findings.length > 0;
}

/** A GitHub table with columns of equal width, as the formatter leaves it. */
export function renderTable(rows: readonly Row[]): string {
  const cells = [HEAD, ...rows].map((row) => row.map((cell) => cell.replaceAll("|", "\\|").replaceAll("\n", " ")));
  const widths = HEAD.map((_, column) => Math.max(3, ...cells.map((row) => row[column]?.length ?? 0)));
  const lines = cells.map((row) => `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(" | ")} |`);
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`;
  return [lines[0], rule, ...lines.slice(1)].join("\n");
}

/** The page with the rows in place of those of the same ids; the others stay. Undefined when it has no place for them. */
export function updatePage(page: string, rows: readonly Row[], order: readonly string[]): string | undefined {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  const merged = new Map<string, Row>();
  for (const row of [...readRows(page.slice(begin, end)), ...rows]) merged.set(row[0], row);
  const sorted: Row[] = [];
  for (const id of order) {
    const row = merged.get(id);
    if (row !== undefined) sorted.push(row);
  }
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderTable(sorted)}\n\n${page.slice(end)}`;
}

function readRows(section: string): readonly Row[] {
  const rows: Row[] = [];
  for (const line of section.split("\n")) {
    const [, id, what, foundBy, seeds] = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    if (id === undefined || what === undefined || foundBy === undefined || seeds === undefined) continue;
    if (/^[BM]\d/.test(id)) rows.push([id, what, foundBy, seeds]);
  }
  return rows;
}
