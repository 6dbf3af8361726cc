/** Measures the rows that were asked for, group by group, and reports. */

import { note, print } from "../support/print.ts";
import { writeDocument } from "./document.ts";
import { Guard } from "./guard.ts";
import { describeMachine, isInstalled } from "./machine.ts";
import type { CompareOptions } from "./options.ts";
import { showReport } from "./report.ts";
import { failRow, type RowGroup, type RowHead, type RowResult } from "./row.ts";
import { endAll } from "./servers/server.ts";

const INTERRUPTED = 130;
const TOOLS = ["redis-server", "redis-benchmark", "redis-cli"];

/** The exit code: 1 when a bar is missed or a row could not be measured. */
export async function runRows(options: CompareOptions, groups: readonly RowGroup[]): Promise<number> {
  for (const tool of TOOLS) {
    if (await isInstalled(tool)) continue;
    note(`${tool} is not installed: apt-get install redis-server redis-tools etcd-server etcd-client`);
    return 1;
  }
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => {
      endAll();
      Deno.exit(INTERRUPTED);
    });
  }
  const machine = await describeMachine();
  const results: RowResult[] = [];
  for (const group of groups) results.push(...await runGroup(options, group));
  print(showReport(options, { machine, results }));
  if (options.jsonFile !== undefined) {
    await Deno.writeTextFile(options.jsonFile, `${JSON.stringify({ options, machine, results }, undefined, 2)}\n`);
  }
  if (options.write) await writeDocument(options, { machine, results });
  return results.some(({ verdict }) => verdict === "FAIL" || verdict === "ERROR") ? 1 : 0;
}

/** Whether the options ask for a row: by its name, or else by how long it takes. */
export function isChosen({ id, isLong = false }: RowHead, { only, long }: CompareOptions): boolean {
  return only.length === 0 ? long || !isLong : only.includes(id);
}

async function runGroup(options: CompareOptions, group: RowGroup): Promise<readonly RowResult[]> {
  const rows = group.rows.filter((row) => isChosen(row, options));
  if (rows.length === 0) return [];
  note(`--- ${rows.map(({ id }) => id).join(", ")}`);
  using guard = new Guard(group);
  try {
    const results = await group.run(options, new Set(rows.map(({ id }) => id)));
    return results.map((row) => withReason(row, guard.reason));
  } catch (error) {
    note(error instanceof Error ? error.stack ?? error.message : String(error));
    return rows.map((row) => withReason(failRow(row, error), guard.reason));
  }
}

/** A row that failed because its servers were ended says so. */
function withReason(row: RowResult, reason: string | undefined): RowResult {
  return reason === undefined || row.verdict !== "ERROR" ? row : { ...row, notes: [reason, ...row.notes] };
}
