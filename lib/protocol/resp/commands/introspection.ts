/** COMMAND: what this server's commands are, for clients that route by keys and shells that help. */

import { isArity, keysAt } from "../../../kv/calls.ts";
import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import { compileGlob, PATTERN_BYTES_MAX } from "../../../kv/glob.ts";
import { LONG_PATTERN, SYNTAX_ERROR } from "../../../kv/replies.ts";
import type { RespReply } from "../reply_writer.ts";
import type { CommandEntry, DescribedCommand } from "../commands.ts";
import { answer, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse, subcommandOf } from "../plan.ts";
import type { Words } from "../request_reader.ts";

/** Every command by its name in capitals; told by commands.ts, which knows this file. */
export type CommandTable = ReadonlyMap<string, CommandEntry>;

const COMMAND: GivenFacts = {
  access: "Look",
  group: "server",
  since: "2.8.13",
  flags: ["loading", "stale"],
  categories: ["@connection"],
};
const UNORDERED = ["nondeterministic_output_order"];
const LISTS: GivenFacts = { ...COMMAND, since: "7.0.0", tips: UNORDERED };

/** Stands for a command that there is not. */
const NO_LIST: RespReply = { type: "NoList" };

/** The commands of this file. */
export function introspectionCommands(table: () => CommandTable): readonly ProtocolCommand[] {
  return [{
    ...row("COMMAND [<subcommand> [<argument> ...]]", { ...COMMAND, tips: UNORDERED, helpSince: "5.0.0" }),
    summary: "Tells about commands.",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("COMMAND COUNT", COMMAND),
        summary: "Returns the number of commands.",
        plan: () => answer(table().size),
      },
      {
        ...subcommand("COMMAND LIST [FILTERBY (MODULE <name>|ACLCAT <category>|PATTERN <pattern>)]", LISTS),
        summary: "Returns the names of commands and subcommands.",
        plan: (words) => list(words, table()),
      },
      {
        ...subcommand("COMMAND INFO [<command> ...]", { ...COMMAND, tips: UNORDERED }),
        summary: "Returns the form of commands, or of all.",
        plan: (words) => {
          const items = chosen(words, table()).map((entry) => entry === undefined ? NO_LIST : describe(entry));
          return answer({ type: "List", items });
        },
      },
      {
        ...subcommand("COMMAND DOCS [<command> ...]", LISTS),
        summary: "Returns what commands do, or all.",
        plan: (words) => {
          const entries = chosen(words, table()).flatMap((entry) => entry === undefined ? [] : [documented(entry)]);
          return answer({ type: "Map", entries });
        },
      },
      {
        ...subcommand("COMMAND GETKEYS <command> <argument> ...", COMMAND),
        summary: "Returns a command's keys.",
        plan: (words) => getKeys(words.slice(2), table()),
      },
    ]),
    plan: () => answer({ type: "List", items: [...table().values()].map(describe) }),
  }];
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
      return answer(
        all.filter(({ categories }) => categories.some((each) => each === category)).map(({ path }) => path),
      );
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
function describe({ path, arity, keys, flags, categories, tips, subcommands }: DescribedCommand): RespReply {
  return {
    type: "List",
    items: [
      path,
      arity,
      { type: "Set", items: flags.map((flag) => ({ status: flag })) },
      keys.first,
      keys.last,
      keys.step,
      { type: "Set", items: categories.map((category) => ({ status: category })) },
      { type: "Set", items: tips },
      [],
      { type: "List", items: [...subcommands.values()].map(describe) },
    ],
  };
}

function documented(entry: DescribedCommand): readonly [string, RespReply] {
  const { path, summary, since, group, subcommands } = entry;
  const entries: [string, RespReply][] = [["summary", summary], ["since", since], ["group", group]];
  if (subcommands.size > 0) {
    entries.push(["subcommands", { type: "Map", entries: [...subcommands.values()].map(documented) }]);
  }
  return [path, { type: "Map", entries }];
}

function getKeys(words: Words, table: CommandTable): Plan {
  const entry = table.get((words[0] ?? "").toUpperCase());
  if (entry === undefined) return refuse("ERR Invalid command specified");
  const { keys, arity } = entry.subcommands.get(subcommandOf(words)) ?? entry;
  if (keys.first === 0) return refuse("ERR The command has no key arguments");
  if (!isArity({ arity }, words.length)) return refuse("ERR Invalid number of arguments specified for command");
  return answer(keysAt(keys, words));
}
