/** The table of commands: names, aliases, usage, help and meaning. Parser, HELP and docs follow it. */

import { readCount, readKey, readKeyAndValue, type UsageError } from "./arguments.ts";
import { renderCluster } from "./cluster.ts";
import { renderHelp } from "./help.ts";
import { renderHistory } from "./history_report.ts";
import { skipBlanks, trimmedRest } from "./lexer.ts";
import { renderLogSize } from "./log_size.ts";
import { renderLogs } from "./logs.ts";
import { MEMBER_USAGE, readMember } from "./member.ts";
import { renderMetrics } from "./metrics.ts";
import { unknownCommand, usage } from "./outcomes.ts";
import type { ReportContext } from "./report_context.ts";
import type { Request } from "./requests.ts";
import { renderStats } from "./stats.ts";
import { renderStatus } from "./status.ts";

/** One command. */
export interface TextCommand {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly usage: string;
  /** One line for HELP. */
  readonly summary: string;
  /** More lines for `HELP <command>`. */
  readonly examples: readonly string[];
  /** Redis has it too, and a line that ends as there is of that protocol; an alias is for those who type such lines here. */
  readonly isOfRedisToo?: boolean;
  /** Its lines hold secrets: they are not kept. */
  readonly isSecret?: boolean;
  /** What a line asks for; `at` is behind the command word. */
  readonly read: (line: string, at: number) => Request | UsageError;
}

const LOGS_COUNT = { least: 1, most: 10_000, otherwise: 10 } as const;
const WATCH_SECONDS = { least: 1, most: 3_600, otherwise: 2 } as const;
const USAGE_ERROR: UsageError = { type: "UsageError", detail: undefined };
/** Whose password it is that comes alone, as in Redis. */
const DEFAULT_USER = "default";
const EXIT: Request = { type: "Exit" };
/** With the line end of the Redis protocol, once the one of this protocol is behind it. */
const PONG = "+PONG\r";
const SNAPSHOT: Request = { type: "Snapshot" };
/** The cursor home, the screen cleared. */
const CLEAR_SCREEN = "\x1b[H\x1b[2J";

/** Every command, in the order of HELP. */
export const TEXT_COMMANDS: readonly TextCommand[] = [
  {
    name: "PUT",
    aliases: ["P", "SET", "ADD", "UPDATE", "WRITE"],
    usage: "PUT <key> <value>",
    summary: "Stores a value under a key; on the leader",
    examples: ["PUT key1 value1", 'PUT key1 "a b"', "PUT --key key1 --value value1", "PUT -k key1 -v value1"],
    read: (line, at) => {
      const read = readKeyAndValue(line, at);
      if (read.type === "UsageError") return read;
      return { type: "Write", command: { type: "Put", key: read.key, value: read.value } };
    },
  },
  {
    name: "GET",
    aliases: ["G", "FETCH", "READ", "RETRIEVE"],
    usage: "GET <key> [STALE]",
    summary: "Shows the value of a key; on any node, never an old one; with STALE at once, and how old it may be",
    examples: ["GET key1", 'GET "a key"', "GET --key key1", "GET key1 STALE"],
    read: (line, at) => {
      const read = readKey(line, at);
      if (read.type === "KeyValue") return { type: "Read", key: read.key };
      const end = staleAt(line);
      const stale = end === undefined ? read : readKey(line.slice(0, end), at);
      return stale.type === "KeyValue" ? { type: "StaleRead", key: stale.key } : read;
    },
  },
  {
    name: "DELETE",
    aliases: ["D", "DEL", "REMOVE", "RM"],
    usage: "DELETE <key>",
    summary: "Removes a key; on the leader",
    examples: ["DELETE key1", "DELETE --key key1"],
    read: (line, at) => {
      const read = readKey(line, at);
      return read.type === "UsageError" ? read : { type: "Write", command: { type: "Delete", key: read.key } };
    },
  },
  report("STATUS", { aliases: ["S"], summary: "Shows role, term, log and peers of this node", render: renderStatus }),
  report("METRICS", {
    aliases: ["M"],
    summary: "Shows counters, rates and latencies of this node",
    render: renderMetrics,
  }),
  report("LOGSIZE", { summary: "Shows how much the log of this node holds", render: renderLogSize }),
  {
    name: "SNAPSHOT",
    aliases: [],
    usage: "SNAPSHOT",
    summary: "Makes a checkpoint of this node now",
    examples: [],
    read: (line, at) => withoutArguments(line, at) ?? SNAPSHOT,
  },
  {
    name: "LOGS",
    aliases: [],
    usage: "LOGS [count]",
    summary: "Shows the last log entries of this node (1 to 10000, default 10)",
    examples: ["LOGS", "LOGS 100"],
    read: (line, at) => {
      const count = readCount(line, { at, ...LOGS_COUNT });
      if (typeof count !== "number") return count;
      return { type: "Report", render: (context) => renderLogs(context, count), isForAdmins: true };
    },
  },
  report("CLUSTER", { summary: "Shows every node of the cluster", render: renderCluster }),
  {
    name: "MEMBER",
    aliases: [],
    usage: MEMBER_USAGE,
    summary: "Adds a server as a learner, gives one a vote, or removes one; on any node",
    examples: ["MEMBER LIST", "MEMBER ADD 10.0.0.4:5000", "MEMBER PROMOTE 3", "MEMBER REMOVE 0"],
    read: readMember,
  },
  {
    name: "WATCH",
    aliases: [],
    usage: "WATCH [seconds]",
    summary: "Shows METRICS every so many seconds (1 to 3600, default 2) until you send a line",
    examples: ["WATCH", "WATCH 10"],
    read: (line, at) => {
      const seconds = readCount(line, { at, ...WATCH_SECONDS });
      return typeof seconds === "number" ? { type: "Watch", seconds } : seconds;
    },
  },
  {
    name: "HELP",
    aliases: ["H", "?"],
    usage: "HELP [command]",
    summary: "Shows all commands, or one in detail",
    examples: ["HELP", "HELP PUT"],
    read: (line, at) => helpRequest(trimmedRest(line, at)),
  },
  {
    name: "AUTH",
    aliases: ["LOGIN"],
    usage: "AUTH [user] <password>",
    summary: "Logs this connection in, with a password alone as the user default; on any node",
    examples: ["AUTH alice secret-of-alice", "LOGIN alice secret-of-alice"],
    isOfRedisToo: true,
    isSecret: true,
    read: (line, at) => {
      const words = trimmedRest(line, at).split(/[ \t]+/).filter((word) => word !== "");
      const [name = "", password] = words;
      if (words.length === 0 || words.length > 2) return USAGE_ERROR;
      return password === undefined
        ? { type: "Login", name: DEFAULT_USER, password: name }
        : { type: "Login", name, password };
    },
  },
  report("HISTORY", {
    summary: "Shows the commands of this connection; !! repeats the last one, !n the one of number n",
    render: renderHistory,
  }),
  report("STATS", { summary: "Shows the traffic of this connection and of this node", render: renderStats }),
  report("PING", {
    summary: "Answers +PONG, as Redis does: for tools that ask so before all else",
    isOpen: true,
    render: () => PONG,
  }),
  report("CLEAR", { summary: "Clears the screen", render: () => CLEAR_SCREEN }),
  {
    name: "EXIT",
    aliases: ["Q", "QUIT", "BYE"],
    usage: "EXIT",
    summary: "Closes this connection",
    examples: [],
    read: (line, at) => withoutArguments(line, at) ?? EXIT,
  },
];

/** By name and alias, in capitals and in small letters: what is typed most is found without another string. */
const BY_WORD: ReadonlyMap<string, TextCommand> = new Map(
  TEXT_COMMANDS.flatMap((command) =>
    [command.name, ...command.aliases].flatMap((word) => [[word, command], [word.toLowerCase(), command]] as const)
  ),
);
const WORD_LENGTH_MAX = Math.max(...[...BY_WORD.keys()].map((word) => word.length));

/** The command of that name or alias in any case; a byte string. */
export function findCommand(word: string): TextCommand | undefined {
  const found = BY_WORD.get(word);
  // The bound keeps a long word of garbage from being copied only to be unknown.
  if (found !== undefined || word.length > WORD_LENGTH_MAX) return found;
  return BY_WORD.get(word.toUpperCase());
}

interface ReportParts {
  readonly aliases?: readonly string[];
  readonly summary: string;
  readonly render: (context: ReportContext) => string;
  readonly isOpen?: boolean;
}

function report(name: string, { aliases = [], summary, render, isOpen = false }: ReportParts): TextCommand {
  const request: Request = { type: "Report", render, isOpen };
  return {
    name,
    aliases,
    usage: name,
    summary,
    examples: [],
    read: (line, at) => withoutArguments(line, at) ?? request,
  };
}

/** Where the last word of a line begins, if that is STALE without quotes. */
function staleAt(line: string): number | undefined {
  const rest = trimmedRest(line, 0);
  const end = rest.length - STALE.length;
  // A blank before it: STALE alone, or as a part of a word, is a key.
  if (rest.slice(end).toUpperCase() !== STALE || !/[ \t]/.test(rest.charAt(end - 1))) return undefined;
  return skipBlanks(line, 0) + end;
}

const STALE = "STALE";

function withoutArguments(line: string, at: number): UsageError | undefined {
  return trimmedRest(line, at) === "" ? undefined : USAGE_ERROR;
}

function helpRequest(word: string): Request {
  if (word === "") return { type: "Report", render: () => renderHelp(TEXT_COMMANDS), isOpen: true };
  const command = findCommand(word);
  if (command === undefined) return { type: "Refused", reply: unknownCommand(word) };
  return { type: "Report", render: () => renderHelp([command]), isOpen: true };
}

/** The reply to wrong arguments. */
export function usageReply(command: TextCommand, error: UsageError): string {
  return usage(command.usage, error.detail);
}
