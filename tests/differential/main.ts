/** The entry of `deno task differential`. Exits with 0 when every reply was the same, with 1 when not. */

import { PROCESS_SURROUNDINGS } from "../../lib/cli/surroundings.ts";
import { type DifferentialArguments, parseArguments, USAGE, UsageProblem } from "./arguments.ts";
import { runDifferential, type RunResult } from "./run.ts";
import { hasRedis, startCluster, type StartedServer, startRedis } from "./servers.ts";

const EXIT = { ok: 0, different: 1, usage: 2, noRedis: 3 } as const;
const SEEDS = 0x1_0000_0000;
const PROGRESS_EVERY_MS = 5_000;

function say(line: string): void {
  PROCESS_SURROUNDINGS.out(`${line}\n`);
}

function serverAt(addresses: readonly string[]): StartedServer {
  return { addresses, [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function compare(wanted: DifferentialArguments, seed: number): Promise<RunResult> {
  await using right = wanted.right === undefined ? await startRedis() : serverAt(wanted.right);
  await using left = wanted.left === undefined ? await startCluster(wanted.nodes) : serverAt(wanted.left);
  say(`seed ${seed}; left ${left.addresses.join(",")}, right ${right.addresses.join(",")}`);
  const start = performance.now();
  let told = start;
  return await runDifferential({
    sides: { left: left.addresses, right: right.addresses },
    seed,
    first: wanted.first,
    count: wanted.sequences,
    jobs: wanted.jobs,
    say,
    progress: ({ sequences, commands, differences, failures }) => {
      const now = performance.now();
      if (now - told < PROGRESS_EVERY_MS && sequences < wanted.sequences) return;
      told = now;
      const perSecond = Math.round(sequences / ((now - start) / 1_000));
      say(
        `${sequences} of ${wanted.sequences} sequences (${perSecond}/s), ${commands} commands, ` +
          `${failures} with a difference, of ${differences.length} kinds`,
      );
    },
  });
}

async function main(args: readonly string[]): Promise<number> {
  let wanted: DifferentialArguments;
  try {
    wanted = parseArguments(args);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    PROCESS_SURROUNDINGS.err(`differential: ${error.message}\n`);
    return EXIT.usage;
  }
  if (wanted.help) {
    PROCESS_SURROUNDINGS.out(USAGE);
    return EXIT.ok;
  }
  if (wanted.right === undefined && !await hasRedis()) {
    PROCESS_SURROUNDINGS.err("differential: redis-server is not installed; install it or name a server with --right\n");
    return EXIT.noRedis;
  }
  const result = await compare(wanted, wanted.seed ?? Math.floor(Math.random() * SEEDS));
  const counts = [...result.commandCounts].sort(([, left], [, right]) => right - left);
  say(counts.map(([name, count]) => `${name} ${count}`).join(", "));
  return result.differences.length === 0 ? EXIT.ok : EXIT.different;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
