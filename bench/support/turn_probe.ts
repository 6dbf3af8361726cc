/** The program, which also tells on its standard error how long the turns of its event loop take. */

import { runProgram } from "../../lib/cli/run.ts";
import { note } from "./print.ts";

/** What a line about a turn begins with; behind it wall time and the thread's processor time, in ms. */
export const TURN_MARK = "turn";
const TOLD_MS_MIN = 15;

/** Processor time of the main thread: what the machine gave to others does not count. */
function processorMs(): number {
  const [nanoseconds] = Deno.readTextFileSync(`/proc/self/task/${Deno.pid}/schedstat`).split(" ");
  return Number(nanoseconds) / 1_000_000;
}

function watchTurns(): void {
  let lastMs = performance.now();
  let lastProcessorMs = processorMs();
  setInterval(() => {
    const wallMs = performance.now() - lastMs;
    if (wallMs >= TOLD_MS_MIN) {
      note(`${TURN_MARK} ${wallMs.toFixed(0)} ${(processorMs() - lastProcessorMs).toFixed(0)}`);
    }
    lastMs = performance.now();
    lastProcessorMs = processorMs();
  }, 1);
}

if (import.meta.main) {
  watchTurns();
  Deno.exit(await runProgram(Deno.args));
}
