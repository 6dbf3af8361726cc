/** How the program whose disk obeys a control file is started. */

import { fromFileUrl } from "@std/path";

const NODE_PROGRAM = fromFileUrl(new URL("./node.ts", import.meta.url));

/** The command line of that program with `args`; it wants a pipe as standard input, and ends with it. */
export function faultyProgramLine(args: readonly string[]): readonly string[] {
  return [Deno.execPath(), "run", "--quiet", "--no-prompt", "--allow-all", NODE_PROGRAM, ...args];
}
