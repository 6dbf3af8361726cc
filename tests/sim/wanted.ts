/** What the workload of many seeds must have done. */

import { CALLS } from "../../lib/kv/calls.ts";
import { TEXT_COMMANDS } from "../../lib/protocol/text/commands.ts";
import { LOWERED_LIMITS } from "./settings.ts";
import { COMMANDS_IN_WORKLOAD } from "./command_maker.ts";

/**
 * Every command and call of the state machine, every command of the text protocol, and what else has a name of its own;
 * and every limit that can be lowered is met.
 */
export const WANTED_OPERATIONS: readonly string[] = [
  ...["get", ...COMMANDS_IN_WORKLOAD],
  ...[...CALLS.keys()].map((name) => name.toLowerCase()),
  ...["session", "session retry", "session reuse", "scan on", "put if absent"],
  ...TEXT_COMMANDS.map(({ name }) => `text ${name}`),
  ...LOWERED_LIMITS.map((name) => `overloaded by ${name}`),
];
