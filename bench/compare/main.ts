/**
 * KVStore against redis-server and etcd from Debian's packages, on this machine and in the same minutes: the bars of the
 * project as one Markdown page on standard output. Exit code 1 when a bar is missed.
 *
 *     deno task compare --help
 */

import { note, print } from "../support/print.ts";
import { describeMachine, isInstalled } from "./machine.ts";
import { type CompareOptions, readCompareOptions } from "./options.ts";
import { showReport } from "./report.ts";
import { failRow, type RowGroup, type RowResult } from "./row.ts";
import { againstEtcd } from "./rows/against_etcd.ts";
import { crowd } from "./rows/crowd.ts";
import { disk } from "./rows/disk.ts";
import { leaderLoss } from "./rows/leader_loss.ts";
import { manyKeys } from "./rows/many_keys.ts";
import { start } from "./rows/start.ts";
import { throughput } from "./rows/throughput.ts";

const GROUPS: readonly RowGroup[] = [throughput, againstEtcd, leaderLoss, manyKeys, disk, start, crowd];
const IDS = GROUPS.flatMap(({ rows }) => rows.map(({ id }) => id));

async function main(): Promise<number> {
  const options = readCompareOptions(Deno.args, IDS);
  if (options === undefined) return 0;
  if (!await isInstalled("redis-server")) {
    note("redis-server is not installed: apt-get install redis-server redis-tools etcd-server etcd-client");
    return 1;
  }
  const machine = await describeMachine();
  const results: RowResult[] = [];
  for (const group of GROUPS) results.push(...await runGroup(options, group));
  print(showReport(options, { machine, results }));
  if (options.jsonFile !== undefined) {
    await Deno.writeTextFile(options.jsonFile, `${JSON.stringify({ options, machine, results }, undefined, 2)}\n`);
  }
  return results.some(({ verdict }) => verdict === "FAIL" || verdict === "ERROR") ? 1 : 0;
}

async function runGroup(options: CompareOptions, group: RowGroup): Promise<readonly RowResult[]> {
  const { only } = options;
  const rows = group.rows.filter(({ id }) => only.length === 0 || only.includes(id));
  if (rows.length === 0) return [];
  note(`--- ${rows.map(({ id }) => id).join(", ")}`);
  try {
    return await group.run(options, new Set(rows.map(({ id }) => id)));
  } catch (error) {
    note(error instanceof Error ? error.stack ?? error.message : String(error));
    return rows.map((row) => failRow(row, error));
  }
}

if (import.meta.main) Deno.exit(await main());
