/** What the program gives to each of its commands. */

import type { Settings } from "./settings.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a command is run with. */
export interface CommandContext {
  readonly settings: Settings;
  readonly operands: readonly string[];
  readonly surroundings: Surroundings;
}

/** Runs one command; resolves to its exit code. */
export type RunCommand = (context: CommandContext) => Promise<number>;
