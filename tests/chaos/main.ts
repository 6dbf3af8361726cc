/** The entry of `deno task chaos`: real nodes under mixed faults. Exits with 0 when all promises were kept, else with 1. */

import { PROCESS_SURROUNDINGS } from "../../lib/cli/surroundings.ts";
import { type ChaosArguments, parseArguments, USAGE, UsageProblem } from "./arguments.ts";
import { describeResult } from "./outcome.ts";
import { runChaos } from "./run.ts";

const EXIT = { ok: 0, failed: 1, usage: 2, interrupted: 130 } as const;
const SEEDS = 0x1_0000_0000;

function say(line: string): void {
  PROCESS_SURROUNDINGS.out(`${line}\n`);
}

async function main(args: readonly string[]): Promise<number> {
  let wanted: ChaosArguments;
  try {
    wanted = parseArguments(args);
  } catch (error) {
    if (!(error instanceof UsageProblem)) throw error;
    PROCESS_SURROUNDINGS.err(`chaos: ${error.message}\n`);
    return EXIT.usage;
  }
  if (wanted.help) {
    PROCESS_SURROUNDINGS.out(USAGE);
    return EXIT.ok;
  }
  const interrupt = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) Deno.addSignalListener(name, () => interrupt.abort());
  const result = await runChaos({
    ...wanted,
    seed: wanted.seed ?? Math.floor(Math.random() * SEEDS),
    say: wanted.quiet ? () => {} : say,
    signal: interrupt.signal,
  });
  for (const line of describeResult(result)) say(line);
  if (interrupt.signal.aborted) return EXIT.interrupted;
  return result.problems.length === 0 ? EXIT.ok : EXIT.failed;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
