/** The program with memory that a test damages, and a self-check that hurries; only its `node` command is another one. */

import { fromFileUrl } from "@std/path";
import { installFaults } from "../../../lib/base/faults.ts";
import { parentGone } from "../../../lib/cluster/parent_watch.ts";
import { THIS_SYSTEM } from "../../../lib/cluster/ports.ts";
import { startServer } from "../../../lib/cluster/server.ts";
import type { RunningServer } from "../../../lib/cluster/server_types.ts";
import { RUNNERS } from "../../../lib/cli/commands.ts";
import { runNode } from "../../../lib/cli/node_command.ts";
import { runProgram } from "../../../lib/cli/run.ts";
import { StopSignals } from "../../../lib/cli/signals.ts";
import { PROCESS_SURROUNDINGS } from "../../../lib/cli/surroundings.ts";
import { CHECK_MS, SCRUB_PAUSE_MS, SWEEP_PASS_MS_MIN } from "../../../lib/node/limits.ts";
import type { SelfCheckPeriods } from "../../../lib/node/options.ts";
import { damageMemory, type DamageSite } from "../../../lib/store/damage.ts";

const ORPHANED = 1;
/** The control is read again after so long. */
const CONTROL_AGE_MS = 10;

/** What a test wants of a node. */
export interface MemoryControl {
  /** Bits that change, one after the other; more may be added. */
  readonly flips: readonly { readonly site: DamageSite; readonly key: string }[];
  /** It takes no snapshot for others, so that these stay in quarantine. */
  readonly putsOffSnapshots: boolean;
}

const NOTHING: MemoryControl = { flips: [], putsOffSnapshots: false };

/** The command line of that program with `args` and these periods instead of the usual ones; it wants a pipe as standard input, and ends with it. */
export function flippingProgramLine(periods: Partial<SelfCheckPeriods>, args: readonly string[]): string[] {
  const program = fromFileUrl(import.meta.url);
  const { checkMs = CHECK_MS, sweepPassMs = SWEEP_PASS_MS_MIN, scrubPauseMs = SCRUB_PAUSE_MS } = periods;
  const told = `${checkMs},${sweepPassMs},${scrubPauseMs}`;
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-all", program, told, ...args];
}

/** Tells the node that keeps its data in `directory`; it says so for each flip that it has made. */
export function writeMemoryControl(directory: string, control: MemoryControl): void {
  const path = controlPath(directory);
  // By renaming, so that the node never reads half of it.
  Deno.writeTextFileSync(`${path}.new`, JSON.stringify(control));
  Deno.renameSync(`${path}.new`, path);
}

/** What it says then. */
export function flipLine(site: DamageSite, key: string): string {
  return `test: a bit of ${key} has changed: ${site}`;
}

function controlPath(directory: string): string {
  return `${directory}.memory.json`;
}

function readMemoryControl(directory: string): MemoryControl {
  try {
    return JSON.parse(Deno.readTextFileSync(controlPath(directory)));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return NOTHING;
    throw error;
  }
}

function obey({ node }: RunningServer, directory: string): void {
  let done = 0;
  let control = NOTHING;
  installFaults((site) => control.putsOffSnapshots && site === "node/snapshotPutOff");
  setInterval(() => {
    control = readMemoryControl(directory);
    for (const { site, key } of control.flips.slice(done)) {
      done += 1;
      let isThere = false;
      damageMemory(site, () => isThere = node.state.peek(key) !== undefined);
      PROCESS_SURROUNDINGS.out(`${isThere ? flipLine(site, key) : `test: there is no ${key}`}\n`);
    }
  }, CONTROL_AGE_MS);
}

if (import.meta.main) {
  // No node outlives the test, however that ends.
  void parentGone(Deno.stdin).then(() => Deno.exit(ORPHANED));
  const [periods = "", ...args] = Deno.args;
  const [checkMs = 0, sweepPassMs = 0, scrubPauseMs = 0] = periods.split(",").map(Number);
  const selfCheck = { checkMs, sweepPassMs, scrubPauseMs };
  const runners = {
    ...RUNNERS,
    node: (context: Parameters<typeof runNode>[0]) =>
      runNode(context, {
        startServer: async (options) => {
          const server = await startServer(options, { selfCheck });
          obey(server, options.dataDirectory);
          return server;
        },
        system: THIS_SYSTEM,
        requests: new StopSignals("terminal"),
      }),
  };
  Deno.exit(await runProgram(args, { surroundings: PROCESS_SURROUNDINGS, runners }));
}
