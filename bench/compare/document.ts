/**
 * Keeps what was measured last of each row in a file, and the generated part of docs/performance.md made from it. Rows that were
 * measured together stand together, below what they were measured on.
 */

import { ROOT } from "../../tests/support/program.ts";
import type { CompareOptions } from "./options.ts";
import { describeRuns, type Results, showNotes, showTable } from "./report.ts";
import type { RowResult } from "./row.ts";

const RESULTS_FILE = `${ROOT}bench/compare/results.json`;
const DOCUMENT = `${ROOT}docs/performance.md`;
const BEGIN = "<!-- What follows is made by `deno task compare --write`. -->";
const END = "<!-- Here it ends. -->";

/** Rows that were measured in one call. */
export interface Session {
  /** How, and on what: one line each. */
  readonly about: readonly string[];
  readonly rows: readonly RowResult[];
}

/** Puts the results in the place of older ones of the same rows, in the file and in the document. */
export async function writeDocument(options: CompareOptions, { machine, results }: Results): Promise<void> {
  if (options.quick) throw new Error("A quick run says nothing about the bars: it is not written down");
  const about = [...describeRuns(options), ...machine];
  const sessions = mergeSessions(await readSessions(), { about, rows: results });
  await Deno.writeTextFile(RESULTS_FILE, `${JSON.stringify(sessions, undefined, 2)}\n`);
  await Deno.writeTextFile(DOCUMENT, replacePart(await Deno.readTextFile(DOCUMENT), showSessions(sessions)));
  await new Deno.Command(Deno.execPath(), { args: ["fmt", "--quiet", RESULTS_FILE, DOCUMENT], cwd: ROOT }).output();
}

async function readSessions(): Promise<readonly Session[]> {
  try {
    return JSON.parse(await Deno.readTextFile(RESULTS_FILE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** The newest first. A row is in one session only; one without rows is gone. Rows that were skipped replace nothing. */
export function mergeSessions(old: readonly Session[], latest: Session): readonly Session[] {
  const isKnown = (id: string) => old.some(({ rows }) => rows.some((row) => row.id === id));
  const rows = latest.rows.filter(({ id, verdict }) => verdict !== "SKIPPED" || !isKnown(id));
  const measured = new Set(rows.map(({ id }) => id));
  const others = old.map((session) => ({ ...session, rows: session.rows.filter(({ id }) => !measured.has(id)) }));
  return [{ ...latest, rows }, ...others].filter((session) => session.rows.length > 0);
}

/** All sessions as Markdown. */
export function showSessions(sessions: readonly Session[]): string {
  return sessions.flatMap(({ about, rows }) => [
    ...about.map((line) => `- ${line}`),
    "",
    ...showTable(rows),
    "",
    ...rows.flatMap(showNotes),
  ]).join("\n");
}

/** The document with another generated part. Throws when it has no place for it. */
export function replacePart(document: string, part: string): string {
  const begin = document.indexOf(BEGIN);
  const end = document.indexOf(END);
  if (begin < 0 || end < begin) {
    throw new Error(`Cannot write the results: the document has no "${BEGIN}" and "${END}"`);
  }
  return `${document.slice(0, begin + BEGIN.length)}\n\n${part.trimEnd()}\n\n${document.slice(end)}`;
}
