/** The table of planted bugs and what found them, as it stands in docs/generated/mutations.md. Pure. */

import type { Verdict } from "./hunt.ts";

/** One row: id, bug, found by, seeds, seconds. */
export type Row = readonly [string, string, string, string, string];

const BEGIN = "<!-- mutations:begin -->";
const END = "<!-- mutations:end -->";
const HEAD: Row = ["id", "bug", "found by", "seeds", "seconds"];

/** The row of a verdict. */
export function rowOf({ mutation, findings, seedsTried, problem, seconds }: Verdict): Row {
  const { id, what } = mutation;
  const time = seconds.toFixed(0);
  if (problem !== undefined) return [id, what, "unclear", "-", time];
  const [first] = findings;
  if (first === undefined) return [id, what, "nothing", `> ${seedsTried}`, time];
  const seeds = first.seeds ?? (seedsTried > 0 ? `> ${seedsTried}` : "-");
  return [id, what, findings.map(({ layer, check }) => `${layer}: ${check}`).join("; "), `${seeds}`, time];
}

/** Whether the simulator found the bug of a row, so that the number of seeds is known. */
export function isFoundBySimulator([, , foundBy, seeds]: Row): boolean {
  return foundBy.startsWith("simulator: ") && /^[0-9]+$/.test(seeds);
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

/**
 * The page with the rows in place of those of the same ids; the others stay, and those of bugs that are no more go.
 * Undefined when it has no place for them.
 */
export function updatePage(page: string, rows: readonly Row[], order: readonly string[]): string | undefined {
  const [begin, end] = [page.indexOf(BEGIN), page.indexOf(END)];
  if (begin < 0 || end < begin) return undefined;
  const merged = new Map(readRows(page));
  for (const row of rows) merged.set(row[0], row);
  const sorted: Row[] = [];
  for (const id of order) {
    const row = merged.get(id);
    if (row !== undefined) sorted.push(row);
  }
  return `${page.slice(0, begin)}${BEGIN}\n\n${renderTable(sorted)}\n\n${page.slice(end)}`;
}

/** The rows of the page by id. */
export function readRows(page: string): ReadonlyMap<string, Row> {
  const rows = new Map<string, Row>();
  for (const line of page.slice(page.indexOf(BEGIN), page.indexOf(END)).split("\n")) {
    const [, id, ...rest] = line.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
    const [what, foundBy, seeds, seconds] = rest;
    if (id === undefined || what === undefined || foundBy === undefined || seeds === undefined) continue;
    // The last cell ends with a bar as well, so that an older table of four columns has an empty one here.
    if (/^[BM]\d/.test(id)) {
      rows.set(id, [id, what, foundBy, seeds, seconds === undefined || seconds === "" ? "-" : seconds]);
    }
  }
  return rows;
}

/**
 * The ids of `size` bugs, in turn, of the third that was found soonest: each turn goes on where the one before ended,
 * and begins again after the last one.
 */
export function sampleOf(
  rows: Iterable<Row>,
  { size, turn }: { readonly size: number; readonly turn: number },
): readonly string[] {
  const timed = [...rows].filter(([, , foundBy, , seconds]) =>
    !/^(nothing|unclear)$/.test(foundBy) && /^\d+$/.test(seconds)
  );
  const soonest = timed.sort((one, other) => Number(one[4]) - Number(other[4])).slice(0, Math.ceil(timed.length / 3));
  const length = Math.min(size, soonest.length);
  return Array.from({ length }, (_, at) => soonest[(turn * size + at) % soonest.length]?.[0] ?? "");
}
