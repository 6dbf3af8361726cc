/**
 * KVStore against redis-server and etcd from Debian's packages and against the ceiling, on this machine and in the same minutes: the
 * bars of the project as one Markdown page on standard output. Exit code 1 when a bar is missed.
 *
 *     deno task compare --help
 */

import { latency } from "../latency/rows.ts";
import { readCompareOptions } from "./options.ts";
import type { RowGroup } from "./row.ts";
import { againstEtcd } from "./rows/against_etcd.ts";
import { crowd } from "./rows/crowd.ts";
import { disk } from "./rows/disk.ts";
import { leaderLoss } from "./rows/leader_loss.ts";
import { hugeKeys, manyKeys } from "./rows/many_keys.ts";
import { secured } from "./rows/secured.ts";
import { start } from "./rows/start.ts";
import { storeOperation } from "./rows/store_operation.ts";
import { throughput } from "./rows/throughput.ts";
import { tlsFirstReply } from "./rows/tls_first_reply.ts";
import { runRows } from "./run_rows.ts";

const GROUPS: readonly RowGroup[] = [
  ...[
    throughput,
    againstEtcd,
    latency,
    leaderLoss,
    manyKeys,
    disk,
    start,
    tlsFirstReply,
    secured,
    crowd,
    storeOperation,
    hugeKeys,
  ],
];

if (import.meta.main) {
  const options = readCompareOptions(Deno.args, GROUPS.flatMap(({ rows }) => rows));
  Deno.exit(options === undefined ? 0 : await runRows(options, GROUPS));
}
