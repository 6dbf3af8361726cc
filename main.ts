/** The entry of `deno run` and `deno compile`. */

import { runProgram } from "./lib/cli/run.ts";

if (import.meta.main) Deno.exit(await runProgram(Deno.args));
