/** The program with an HTTP port whose deadlines are short; only its `node` command is another one. */

import { parentGone } from "../../../lib/cluster/parent_watch.ts";
import { THIS_SYSTEM } from "../../../lib/cluster/ports.ts";
import { startServer } from "../../../lib/cluster/server.ts";
import { RUNNERS } from "../../../lib/cli/commands.ts";
import { runNode } from "../../../lib/cli/node_command.ts";
import { runProgram } from "../../../lib/cli/run.ts";
import { StopSignals } from "../../../lib/cli/signals.ts";
import { PROCESS_SURROUNDINGS } from "../../../lib/cli/surroundings.ts";

const ORPHANED = 1;
/** Short enough for a test to wait for, long enough for two thousand connections to be opened before. */
const HURRIED_TIMES = { headMs: 6_000, bodyMs: 6_000, idleMs: 6_000 };

if (import.meta.main) {
  // No node outlives the test, however that ends.
  void parentGone(Deno.stdin).then(() => Deno.exit(ORPHANED));
  const runners = {
    ...RUNNERS,
    node: (context: Parameters<typeof runNode>[0]) =>
      runNode(context, {
        startServer: (options) => startServer(options, { httpTimes: HURRIED_TIMES }),
        system: THIS_SYSTEM,
        requests: new StopSignals("terminal"),
      }),
  };
  Deno.exit(await runProgram(Deno.args, { surroundings: PROCESS_SURROUNDINGS, runners }));
}
