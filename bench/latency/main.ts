/**
 * What distance between the nodes costs, alone: the rows of the comparison about latency, with the same flags.
 *
 *     deno run -A bench/latency/main.ts --help
 */

import { readCompareOptions } from "../compare/options.ts";
import { runRows } from "../compare/run_rows.ts";
import { latency } from "./rows.ts";

if (import.meta.main) {
  const options = readCompareOptions(Deno.args, latency.rows);
  Deno.exit(options === undefined ? 0 : await runRows(options, [latency]));
}
