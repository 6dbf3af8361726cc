/** From the arguments to the exit code. */

import { checkFlagsOf, type SplitArguments, splitArguments } from "./arguments.ts";
import type { CommandContext, RunCommand } from "./command_context.ts";
import { RUNNERS } from "./commands.ts";
import { describeFailure, EXIT } from "./failures.ts";
import type { CommandName } from "./flags.ts";
import { showCommandHelp, showHelp } from "./help.ts";
import { onOneLine } from "./log.ts";
import { type Settings, settle } from "./settings.ts";
import { PROCESS_SURROUNDINGS, type Surroundings } from "./surroundings.ts";
import { versionLine } from "./version.ts";

/** What `runProgram` runs on; tests give their own. */
export interface ProgramParts {
  readonly surroundings: Surroundings;
  readonly runners: Readonly<Record<CommandName, RunCommand>>;
}

/**
 * Runs the program. Resolves to the exit code; an expected error is one line on standard error. A bug of ours is thrown
 * on, with its trace.
 */
export async function runProgram(
  args: readonly string[],
  { surroundings, runners }: ProgramParts = { surroundings: PROCESS_SURROUNDINGS, runners: RUNNERS },
): Promise<number> {
  try {
    const split = splitArguments(args);
    if (split.flags.get("help") === "true") {
      surroundings.out(split.command === undefined ? showHelp() : showCommandHelp(split.command));
      return EXIT.ok;
    }
    if (split.flags.get("version") === "true") {
      surroundings.out(`${versionLine()}\n`);
      return EXIT.ok;
    }
    const settings = settle(split.flags, surroundings);
    const command = split.command ?? impliedCommand(split, settings);
    const context: CommandContext = { settings, operands: split.operands, surroundings };
    return await runners[command](context);
  } catch (error) {
    const known = describeFailure(error);
    if (known === undefined) throw error;
    surroundings.err(`kvstore: ${onOneLine(known.line)}\n`);
    return known.exitCode;
  }
}

/** A node's id, its peers or whom it joins, wherever they were given, tell that one node is meant. */
function impliedCommand(split: SplitArguments, settings: Settings): CommandName {
  const single = (["node-id", "peers", "join"] as const).some((name) => settings.given(name) !== undefined);
  const command = single ? "node" : "cluster";
  checkFlagsOf(command, split.flags);
  return command;
}
