/** Every command of the Redis protocol: the calls of lib/kv and those about connection, server and transactions. */

import { type CallSpec, NO_KEYS, type SubcommandSpec } from "../../kv/call.ts";
import { CALLS } from "../../kv/calls.ts";
import { type CommandFacts, factsOf } from "./command_facts.ts";
import { CLIENT_COMMANDS } from "./commands/client.ts";
import { CLUSTER_COMMANDS } from "./commands/cluster.ts";
import { CONNECTION_COMMANDS } from "./commands/connection.ts";
import { introspectionCommands } from "./commands/introspection.ts";
import { SERVER_COMMANDS } from "./commands/server.ts";
import { SESSION_COMMANDS } from "./commands/sessions.ts";
import { SLOW_COMMANDS } from "./commands/slow_commands.ts";
import { TRANSACTION_COMMANDS } from "./commands/transactions.ts";
import type { ProtocolCommand } from "./plan.ts";

/** What COMMAND tells of a command or a subcommand. */
export interface DescribedCommand extends Pick<CallSpec, "arity" | "keys" | "summary"> {
  /** In small letters, such as `get` or `client|list`. */
  readonly path: string;
  readonly facts: CommandFacts;
  /** Its place in counters: 1 and up, each once. */
  readonly number: number;
  readonly subcommands: ReadonlyMap<string, SubcommandEntry>;
}

/** A subcommand as a client sees it. */
export interface SubcommandEntry extends DescribedCommand, SubcommandSpec {}

/** A command as a client sees it. */
export interface CommandEntry extends DescribedCommand {
  /** In capitals. */
  readonly name: string;
  readonly access: CallSpec["access"] | undefined;
  /** What it does in lib/kv, or here: one of them is there. */
  readonly call: CallSpec | undefined;
  readonly command: ProtocolCommand | undefined;
}

const PROTOCOL_COMMANDS: readonly ProtocolCommand[] = [
  ...CONNECTION_COMMANDS,
  ...CLIENT_COMMANDS,
  ...SERVER_COMMANDS,
  ...SLOW_COMMANDS,
  ...introspectionCommands(() => COMMANDS),
  ...TRANSACTION_COMMANDS,
  ...SESSION_COMMANDS,
  ...CLUSTER_COMMANDS,
];

/** The number of a name that nothing has. */
export const UNKNOWN_COMMAND = 0;

const HELP: SubcommandSpec = { least: 2, most: 2, usage: "", summary: "Prints this help." };

/** Every command by its name in capitals. */
export const COMMANDS: ReadonlyMap<string, CommandEntry> = numbered();

function numbered(): ReadonlyMap<string, CommandEntry> {
  let number = UNKNOWN_COMMAND;
  const entryOf = (spec: CallSpec | ProtocolCommand): Omit<CommandEntry, "access" | "call" | "command"> => {
    const { name, arity, keys, summary } = spec;
    const path = name.toLowerCase();
    const own = { name, path, arity, summary, facts: factsOf(path), number: ++number };
    if (spec.subcommands === undefined) return { ...own, keys, subcommands: new Map() };
    const subcommands = Array.from([...spec.subcommands, ["HELP", HELP] as const], ([word, form]) => {
      const fullPath = `${path}|${word.toLowerCase()}`;
      return [word, {
        ...form,
        path: fullPath,
        arity: form.least === form.most ? form.least : -form.least,
        keys: form === HELP ? NO_KEYS : keys,
        facts: factsOf(fullPath),
        number: ++number,
        subcommands: new Map(),
      }] as const;
    });
    // The keys of a command with subcommands are those of the subcommands.
    return { ...own, keys: NO_KEYS, subcommands: new Map(subcommands) };
  };
  const calls = Array.from(CALLS.values(), (call): CommandEntry => {
    return { ...entryOf(call), access: call.access, call, command: undefined };
  });
  const others = PROTOCOL_COMMANDS.map((command): CommandEntry => {
    return { ...entryOf(command), access: undefined, call: undefined, command };
  });
  return new Map([...calls, ...others].map((entry) => [entry.name, entry]));
}

/** The command or subcommand of each number, by its path; undefined for the number of no command. */
export const PATHS: readonly (string | undefined)[] = pathsByNumber();

/** Whether the command or subcommand of each number is one that Redis calls fast. */
export const FAST: readonly (boolean | undefined)[] = PATHS.map((path) => {
  return path === undefined ? undefined : factsOf(path).flags.includes("fast");
});

function pathsByNumber(): (string | undefined)[] {
  const paths: (string | undefined)[] = [];
  for (const entry of COMMANDS.values()) {
    paths[entry.number] = entry.path;
    for (const { number, path } of entry.subcommands.values()) paths[number] = path;
  }
  return paths;
}

const bySpelling = new Map(
  [...COMMANDS].flatMap(([name, entry]) => [[name, entry], [name.toLowerCase(), entry]] as const),
);

/** The command of a name in any case; undefined for a name that nothing has. */
export function findCommand(name: string): CommandEntry | undefined {
  return bySpelling.get(name) ?? (name.length > NAME_LENGTH_MAX ? undefined : bySpelling.get(name.toUpperCase()));
}

/** No name is longer. */
const NAME_LENGTH_MAX = 32;
