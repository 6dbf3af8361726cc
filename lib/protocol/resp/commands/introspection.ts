/** COMMAND: what this server's commands are, for clients that route by keys and shells that help. */

import { NO_KEYS } from "../../../kv/call.ts";
import type { RespReply } from "../reply_writer.ts";
import type { CommandEntry } from "../commands.ts";
import {
  answer,
  type Plan,
  type ProtocolCommand,
  refuse,
  subcommandOf,
  unknownSubcommand,
  wrongSubcommandArity,
} from "../plan.ts";
import type { Words } from "../request_reader.ts";

/** Every command by its name in capitals; told by commands.ts, which knows this file. */
export type CommandTable = ReadonlyMap<string, CommandEntry>;

/** The commands of this file. */
export function introspectionCommands(table: () => CommandTable): readonly ProtocolCommand[] {
  return [{
    name: "COMMAND",
    arity: -1,
    keys: NO_KEYS,
    group: "server",
    inTransaction: "Queued",
    summary: "Tells about commands.",
    subcommands: new Map([
      ["COUNT", { least: 2, most: 2 }],
      ["LIST", { least: 2, most: Infinity }],
      ["INFO", { least: 2, most: Infinity }],
      ["DOCS", { least: 2, most: Infinity }],
      ["GETKEYS", { least: 3, most: Infinity }],
    ]),
    plan: (words) => planCommand(words, table()),
  }];
}

function planCommand(words: Words, table: CommandTable): Plan {
  if (words.length === 1) return answer({ type: "List", items: [...table.values()].map(describe) });
  switch (subcommandOf(words)) {
    case "COUNT":
      return words.length === 2 ? answer(table.size) : wrongSubcommandArity(words);
    case "LIST":
      return words.length === 2
        ? answer([...table.keys()].map((name) => name.toLowerCase()))
        : refuse("ERR syntax error");
    case "INFO":
      return answer({
        type: "List",
        items: chosen(words, table).map((entry) => entry === undefined ? null : describe(entry)),
      });
    case "DOCS":
      return answer({
        type: "Map",
        entries: chosen(words, table).flatMap((entry) => {
          return entry === undefined ? [] : [[entry.name.toLowerCase(), document(entry)] as const];
        }),
      });
    case "GETKEYS":
      return words.length < 3 ? wrongSubcommandArity(words) : getKeys(words.slice(2), table);
    default:
      return unknownSubcommand(words);
  }
}

function chosen(words: Words, table: CommandTable): readonly (CommandEntry | undefined)[] {
  return words.length === 2 ? [...table.values()] : words.slice(2).map((word) => table.get(word.toUpperCase()));
}

/** Name, arity, flags, places of the keys, categories, tips, key specifications, subcommands: as Redis 7 has it. */
function describe({ name, arity, access, keys, group }: CommandEntry): RespReply {
  const flags = access === "Write"
    ? ["write", "denyoom"]
    : access === "Read"
    ? ["readonly"]
    : ["noscript", "loading", "stale"];
  const category = access === "Write" ? "@write" : access === "Read" ? "@read" : `@${group}`;
  return {
    type: "List",
    items: [
      name.toLowerCase(),
      arity,
      { type: "Set", items: flags.map((flag) => ({ status: flag })) },
      keys.first,
      keys.last,
      keys.step,
      { type: "Set", items: [{ status: category }] },
      [],
      [],
      [],
    ],
  };
}

function document({ summary, group }: CommandEntry): RespReply {
  return { type: "Map", entries: [["summary", summary], ["since", "1.0.0"], ["group", group]] };
}

function getKeys(words: Words, table: CommandTable): Plan {
  const entry = table.get((words[0] ?? "").toUpperCase());
  if (entry === undefined) return refuse("ERR Invalid command specified");
  const { keys: { first, last, step }, arity } = entry;
  if (first === 0) return refuse("ERR The command has no key arguments");
  if (arity >= 0 ? words.length !== arity : words.length < -arity) {
    return refuse("ERR Invalid number of arguments specified for command");
  }
  const end = last < 0 ? words.length + last : last;
  const keys: string[] = [];
  for (let at = first; at <= end && at < words.length; at += step) keys.push(words[at] ?? "");
  return answer(keys);
}
