/** Every command of the Redis protocol: the calls of lib/kv and those about connection, server and transactions. */

import type { CallSpec } from "../../kv/call.ts";
import { CALLS } from "../../kv/calls.ts";
import { CLIENT_COMMANDS } from "./commands/client.ts";
import { CLUSTER_COMMANDS } from "./commands/cluster.ts";
import { CONNECTION_COMMANDS } from "./commands/connection.ts";
import { introspectionCommands } from "./commands/introspection.ts";
import { SERVER_COMMANDS } from "./commands/server.ts";
import { SESSION_COMMANDS } from "./commands/sessions.ts";
import { TRANSACTION_COMMANDS } from "./commands/transactions.ts";
import type { ProtocolCommand } from "./plan.ts";

/** A command as a client sees it. */
export interface CommandEntry extends Pick<CallSpec, "name" | "arity" | "keys" | "summary"> {
  readonly access: CallSpec["access"] | undefined;
  readonly group: string;
  /** Its place in counters: 1 and up, each once. */
  readonly number: number;
  /** What it does in lib/kv, or here: one of them is there. */
  readonly call: CallSpec | undefined;
  readonly command: ProtocolCommand | undefined;
}

const GENERIC = new Set(
  ("DEL UNLINK EXISTS TOUCH EXPIRE PEXPIRE EXPIREAT PEXPIREAT TTL PTTL EXPIRETIME PEXPIRETIME PERSIST TYPE KEYS SCAN RENAME " +
    "RENAMENX COPY RANDOMKEY OBJECT MEMORY DBSIZE FLUSHDB FLUSHALL REVISION RANGE PREFIX").split(" "),
);

const PROTOCOL_COMMANDS: readonly ProtocolCommand[] = [
  ...CONNECTION_COMMANDS,
  ...CLIENT_COMMANDS,
  ...SERVER_COMMANDS,
  ...introspectionCommands(() => COMMANDS),
  ...TRANSACTION_COMMANDS,
  ...SESSION_COMMANDS,
  ...CLUSTER_COMMANDS,
];

/** The number of a name that nothing has. */
export const UNKNOWN_COMMAND = 0;

const ENTRIES: readonly Omit<CommandEntry, "number">[] = [
  ...Array.from(CALLS.values(), (call) => {
    const { name, arity, keys, summary, access } = call;
    return { name, arity, keys, summary, access, group: groupOf(call), call, command: undefined };
  }),
  ...PROTOCOL_COMMANDS.map((command) => {
    const { name, arity, keys, summary, group } = command;
    return { name, arity, keys, summary, access: undefined, group, call: undefined, command };
  }),
];

/** Every command by its name in capitals. */
export const COMMANDS: ReadonlyMap<string, CommandEntry> = new Map(
  ENTRIES.map((entry, at) => [entry.name, { ...entry, number: UNKNOWN_COMMAND + 1 + at }]),
);

const bySpelling = new Map(
  [...COMMANDS].flatMap(([name, entry]) => [[name, entry], [name.toLowerCase(), entry]] as const),
);

/** The command of a name in any case; undefined for a name that nothing has. */
export function findCommand(name: string): CommandEntry | undefined {
  return bySpelling.get(name) ?? (name.length > NAME_LENGTH_MAX ? undefined : bySpelling.get(name.toUpperCase()));
}

/** No name is longer. */
const NAME_LENGTH_MAX = 32;

/** Calls on values are "string" in Redis, all others "generic". */
function groupOf({ name }: CallSpec): string {
  return GENERIC.has(name) ? "generic" : "string";
}
