/** COMMAND: what this server's commands are, for clients that route by keys and shells that help. */

import { NO_KEYS } from "../../../kv/call.ts";
import { compileGlob, PATTERN_BYTES_MAX } from "../../../kv/glob.ts";
import { LONG_PATTERN, SYNTAX_ERROR } from "../../../kv/replies.ts";
import type { RespReply } from "../reply_writer.ts";
import type { CommandEntry, DescribedCommand } from "../commands.ts";
import { answer, type Plan, type ProtocolCommand, refuse, subcommandOf, unknownSubcommand } from "../plan.ts";
import type { Words } from "../request_reader.ts";

/** Every command by its name in capitals; told by commands.ts, which knows this file. */
export type CommandTable = ReadonlyMap<string, CommandEntry>;

/** Stands for a command that there is not. */
const NO_LIST: RespReply = { type: "NoList" };

/** The commands of this file. */
export function introspectionCommands(table: () => CommandTable): readonly ProtocolCommand[] {
  return [{
    name: "COMMAND",
    arity: -1,
    keys: NO_KEYS,
    inTransaction: "Queued",
    summary: "Tells about commands.",
    subcommands: new Map([
      ["COUNT", { least: 2, most: 2, usage: "", summary: "Returns the number of commands." }],
      ["LIST", {
        least: 2,
        most: Infinity,
        usage: "[FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]",
        summary: "Returns the names of commands and subcommands.",
      }],
      ["INFO", {
        least: 2,
        most: Infinity,
        usage: "[<command> ...]",
        summary: "Returns the form of commands, or of all.",
      }],
      ["DOCS", { least: 2, most: Infinity, usage: "[<command> ...]", summary: "Returns what commands do, or all." }],
      ["GETKEYS", {
        least: 4,
        most: Infinity,
        usage: "<command> <argument> ...",
        summary: "Returns a command's keys.",
      }],
    ]),
    plan: (words) => planCommand(words, table()),
  }];
}

function planCommand(words: Words, table: CommandTable): Plan {
  if (words.length === 1) return answer({ type: "List", items: [...table.values()].map(describe) });
  switch (subcommandOf(words)) {
    case "COUNT":
      return answer(table.size);
    case "LIST":
      return list(words, table);
    case "INFO":
      return answer({
        type: "List",
        items: chosen(words, table).map((entry) => entry === undefined ? NO_LIST : describe(entry)),
      });
    case "DOCS":
      return answer({
        type: "Map",
        entries: chosen(words, table).flatMap((entry) => entry === undefined ? [] : [documented(entry)]),
      });
    case "GETKEYS":
      return getKeys(words.slice(2), table);
    default:
      return unknownSubcommand(words);
  }
}

function chosen(words: Words, table: CommandTable): readonly (DescribedCommand | undefined)[] {
  return words.length === 2 ? [...table.values()] : words.slice(2).map((word) => find(word, table));
}

/** A command, or a subcommand by `command|subcommand`. */
function find(word: string, table: CommandTable): DescribedCommand | undefined {
  const [name = "", subcommand, ...more] = word.toUpperCase().split("|");
  const entry = table.get(name);
  if (subcommand === undefined) return entry;
  return more.length === 0 ? entry?.subcommands.get(subcommand) : undefined;
}

/** LIST, all of it or what one filter lets through. */
function list(words: Words, table: CommandTable): Plan {
  const all = [...table.values()].flatMap((entry) => [entry, ...entry.subcommands.values()]);
  if (words.length === 2) return answer(all.map(({ path }) => path));
  const [, , filterBy = "", kind = "", wanted = ""] = words;
  if (words.length !== FILTERED_WORDS || filterBy.toUpperCase() !== "FILTERBY") return answer(SYNTAX_ERROR);
  switch (kind.toUpperCase()) {
    case "MODULE":
      return answer([]);
    case "ACLCAT": {
      const category = `@${wanted.toLowerCase()}`;
      return answer(all.filter(({ facts }) => facts.categories.includes(category)).map(({ path }) => path));
    }
    case "PATTERN": {
      if (wanted.length > PATTERN_BYTES_MAX) return answer(LONG_PATTERN);
      const glob = compileGlob(wanted.toLowerCase());
      return answer(all.filter(({ path }) => glob.matches(path)).map(({ path }) => path));
    }
    default:
      return answer(SYNTAX_ERROR);
  }
}

/** COMMAND LIST FILTERBY kind word. */
const FILTERED_WORDS = 5;

/** Name, arity, flags, places of the keys, categories, tips, key specifications, subcommands: as Redis 7 has it. */
function describe({ path, arity, keys, facts, subcommands }: DescribedCommand): RespReply {
  return {
    type: "List",
    items: [
      path,
      arity,
      { type: "Set", items: facts.flags.map((flag) => ({ status: flag })) },
      keys.first,
      keys.last,
      keys.step,
      { type: "Set", items: facts.categories.map((category) => ({ status: category })) },
      { type: "Set", items: facts.tips },
      [],
      { type: "List", items: [...subcommands.values()].map(describe) },
    ],
  };
}

function documented(entry: DescribedCommand): readonly [string, RespReply] {
  const { path, summary, facts, subcommands } = entry;
  const entries: [string, RespReply][] = [["summary", summary], ["since", facts.since], ["group", facts.group]];
  if (subcommands.size > 0) {
    entries.push(["subcommands", { type: "Map", entries: [...subcommands.values()].map(documented) }]);
  }
  return [path, { type: "Map", entries }];
}

function getKeys(words: Words, table: CommandTable): Plan {
  const entry = table.get((words[0] ?? "").toUpperCase());
  if (entry === undefined) return refuse("ERR Invalid command specified");
  const { keys: { first, last, step }, arity } = entry.subcommands.get(subcommandOf(words)) ?? entry;
  if (first === 0) return refuse("ERR The command has no key arguments");
  if (arity >= 0 ? words.length !== arity : words.length < -arity) {
    return refuse("ERR Invalid number of arguments specified for command");
  }
  const end = last < 0 ? words.length + last : last;
  const keys: string[] = [];
  for (let at = first; at <= end && at < words.length; at += step) keys.push(words[at] ?? "");
  return answer(keys);
}
