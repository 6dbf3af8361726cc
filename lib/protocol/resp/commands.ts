/** Every command of the Redis protocol: the calls of lib/kv and those about connection, server and transactions. */

import type { CallSpec } from "../../kv/call.ts";
import { CALLS } from "../../kv/calls.ts";
import { byName, type CommandRow, NO_KEYS, subcommand } from "../../kv/command_row.ts";
import { categoriesOf, type Category, type Flag, flagsOf } from "./command_facts.ts";
import { aclCommands } from "./commands/acl.ts";
import { CLIENT_COMMANDS } from "./commands/client.ts";
import { CLUSTER_COMMANDS } from "./commands/cluster.ts";
import { CONNECTION_COMMANDS } from "./commands/connection.ts";
import { introspectionCommands } from "./commands/introspection.ts";
import { MEMBER_COMMANDS } from "./commands/members.ts";
import { SERVER_COMMANDS } from "./commands/server.ts";
import { SESSION_COMMANDS } from "./commands/sessions.ts";
import { SLOW_COMMANDS } from "./commands/slow_commands.ts";
import { STALE_READ_COMMANDS } from "./commands/stale_reads.ts";
import { TRANSACTION_COMMANDS } from "./commands/transactions.ts";
import type { ProtocolCommand } from "./plan.ts";

/** A command or subcommand as a client sees it: its row, with what follows from that. */
export interface DescribedCommand extends Omit<CommandRow, "flags" | "categories" | "subcommands"> {
  /** In small letters, such as `get` or `client|list`. */
  readonly path: string;
  readonly flags: readonly Flag[];
  readonly categories: readonly Category[];
  /** Its place in counters: 1 and up, each once. */
  readonly number: number;
  readonly subcommands: ReadonlyMap<string, DescribedCommand>;
}

/** A command of the table. */
export interface CommandEntry extends DescribedCommand {
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
  ...STALE_READ_COMMANDS,
  ...MEMBER_COMMANDS,
  ...aclCommands(() => COMMANDS),
];

/** The number of a name that nothing has. */
export const UNKNOWN_COMMAND = 0;

/** Every command by its name in capitals. */
export const COMMANDS: ReadonlyMap<string, CommandEntry> = numbered();

function numbered(): ReadonlyMap<string, CommandEntry> {
  let number = UNKNOWN_COMMAND;
  const described = (own: CommandRow, path: string): DescribedCommand => {
    const facts = { path, flags: flagsOf(own), categories: categoriesOf(own), number: ++number };
    if (own.subcommands === undefined) return { ...own, ...facts, subcommands: new Map() };
    const rows = [...own.subcommands.values(), helpOf(own)];
    const subcommands = byName(rows.map((each) => described(each, `${path}|${each.name.toLowerCase()}`)));
    // The keys of a command with subcommands are those of the subcommands.
    return { ...own, ...facts, keys: NO_KEYS, subcommands };
  };
  const calls = Array.from(CALLS.values(), (call): CommandEntry => {
    return { ...described(call, call.name.toLowerCase()), call, command: undefined };
  });
  const others = PROTOCOL_COMMANDS.map((command): CommandEntry => {
    return { ...described(command, command.name.toLowerCase()), call: undefined, command };
  });
  return byName([...calls, ...others]);
}

/** HELP, which every command with subcommands has. */
function helpOf({ name, group, since, helpSince = since, categories }: CommandRow): CommandRow {
  const facts = { group, since: helpSince, flags: ["loading", "stale"] } as const;
  return {
    ...subcommand(`${name} HELP`, { access: "Look", ...facts, ...(categories && { categories }) }),
    summary: "Prints this help.",
  };
}

const byNumber = numberedRows();

/** The command or subcommand of each number, by its path; undefined for the number of no command. */
export const PATHS: readonly (string | undefined)[] = byNumber.map((entry) => entry?.path);

/** Whether the command or subcommand of each number is one that Redis calls fast. */
export const FAST: readonly (boolean | undefined)[] = byNumber.map((entry) => entry?.flags.includes("fast"));

/** Whether who is not logged in may give the command or subcommand of each number. */
export const OPEN: readonly (boolean | undefined)[] = byNumber.map((entry) => entry?.flags.includes("no_auth"));

/** Whether the command or subcommand of each number is for administrators alone: what Redis has in its category @admin by a flag. */
export const FOR_ADMINS: readonly (boolean | undefined)[] = byNumber.map((entry) => entry?.flags.includes("admin"));

/** Whether the command or subcommand of each number changes more than keys and this connection: the audit log has it. */
export const AUDITED: readonly (boolean | undefined)[] = byNumber.map((entry) => entry?.isAudited);

function numberedRows(): readonly (DescribedCommand | undefined)[] {
  const rows: (DescribedCommand | undefined)[] = [undefined];
  for (const entry of COMMANDS.values()) {
    rows[entry.number] = entry;
    for (const each of entry.subcommands.values()) rows[each.number] = each;
  }
  return rows;
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
