/** The entry of `deno run` and `deno compile`. */

import { runProgram } from "./lib/cli/run.ts";
import { silenceRuntime } from "./lib/cli/surroundings.ts";

if (import.meta.main) {
  silenceRuntime();
  Deno.exit(await runProgram(Deno.args));
}
