/** SLOWLOG and LATENCY: the commands of this node that took long, and how long each command takes. */

import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import { NOT_AN_INTEGER, OK } from "../../../kv/replies.ts";
import { PATHS } from "../commands.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import type { CommandFigures } from "../statistics/command_statistics.ts";
import type { LatencyEvents } from "../statistics/latency_events.ts";
import type { ServerStatistics } from "../statistics/server_statistics.ts";
import { SLOW_LOG_LENGTH_MAX, type SlowCommand } from "../statistics/slow_log.ts";

const SHOWN_BY_DEFAULT = 10;
const BOUND_COUNT = 32;
/** Bounds of histograms as in Redis: powers of two in us. */
const BOUNDS_US = Array.from({ length: BOUND_COUNT }, (_, exponent) => 2 ** exponent);
const MICROSECONDS = 1e6;

const SLOWLOG: GivenFacts = {
  access: "Server",
  group: "server",
  since: "2.2.12",
  flags: ["admin", "loading", "stale"],
};
const LATENCY: GivenFacts = {
  access: "Server",
  group: "server",
  since: "2.8.13",
  flags: ["admin", "noscript", "loading", "stale"],
  tips: ["nondeterministic_output", "request_policy:all_nodes", "response_policy:special"],
};
const RESETS = { isAudited: true, tips: ["request_policy:all_nodes", "response_policy:all_succeeded"] };

/** The commands of this file. */
export const SLOW_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("SLOWLOG <subcommand> [<argument> ...]", { ...SLOWLOG, flags: [], helpSince: "6.2.0" }),
    inTransaction: "DoneByExec",
    summary: "Tells which commands took long.",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("SLOWLOG GET [<count>]", {
          ...SLOWLOG,
          most: 3,
          tips: ["request_policy:all_nodes", "nondeterministic_output"],
        }),
        summary: "Returns the newest slow commands: id, time, microseconds, words, address and name of the client.",
        plan: showSlowCommands,
      },
      {
        ...subcommand("SLOWLOG LEN", {
          ...SLOWLOG,
          tips: ["request_policy:all_nodes", "response_policy:agg_sum", "nondeterministic_output"],
        }),
        summary: "Returns the number of slow commands kept.",
        plan: (_words, { context: { statistics } }) => answer(statistics.slowLog.length),
      },
      {
        ...subcommand("SLOWLOG RESET", { ...SLOWLOG, ...RESETS }),
        summary: "Forgets the slow commands.",
        plan: (_words, { context: { statistics } }) => {
          statistics.slowLog.reset();
          return answer(OK);
        },
      },
    ]),
  },
  {
    ...row("LATENCY <subcommand> [<argument> ...]", { ...LATENCY, flags: [], tips: [], helpSince: "2.8.13" }),
    inTransaction: "DoneByExec",
    summary: "Tells how long commands take.",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("LATENCY LATEST", LATENCY),
        summary: "Returns each event: name, time, latest and longest ms.",
        plan: (_words, { context: { statistics } }) => answer(latestOf(statistics.latency)),
      },
      {
        ...subcommand("LATENCY HISTORY <event>", LATENCY),
        summary: "Returns the slowest of each second: time and ms.",
        plan: ([, , name], { context: { statistics } }) => {
          const found = [...statistics.latency.histories].find(([event]) => event === name);
          return answer((found?.[1].samples ?? []).map(({ time, milliseconds }) => [time, milliseconds]));
        },
      },
      {
        ...subcommand("LATENCY RESET [<event> ...]", { ...LATENCY, ...RESETS }),
        summary: "Forgets events, or all of them.",
        plan: (words, { context: { statistics } }) => answer(statistics.latency.reset(words.slice(2))),
      },
      {
        ...subcommand("LATENCY HISTOGRAM [<command> ...]", { ...LATENCY, since: "7.0.0" }),
        summary: "Returns how many calls of each command took at most so many microseconds.",
        plan: (words, { context: { statistics } }) => answer(histograms(words.slice(2), statistics)),
      },
      {
        ...subcommand("LATENCY DOCTOR", LATENCY),
        summary: "Tells about slow commands, as text.",
        plan: (_words, { context: { statistics } }) => answer({ type: "Text", text: report(statistics) }),
      },
    ]),
  },
];

function showSlowCommands(words: Words, { context: { statistics: { slowLog } } }: Caller): Plan {
  const count = words.length === 2 ? SHOWN_BY_DEFAULT : parseInteger64(words[2] ?? "");
  if (count === undefined) return answer(NOT_AN_INTEGER);
  if (count < -1) return refuse("ERR count should be greater than or equal to -1");
  const entries = slowLog.newest(count < 0 ? SLOW_LOG_LENGTH_MAX : Math.min(Number(count), SLOW_LOG_LENGTH_MAX));
  return answer(entries.map(entryOf));
}

function entryOf({ id, timeMs, microseconds, words, address, clientName }: SlowCommand) {
  return [id, Math.floor(timeMs / 1_000), microseconds, words, address, clientName];
}

function latestOf(latency: LatencyEvents) {
  return Array.from(latency.histories, ([event, { samples, maxMilliseconds }]) => {
    const last = samples.at(-1);
    return [event, last?.time ?? 0, last?.milliseconds ?? 0, maxMilliseconds];
  });
}

/** Of the commands named, with their subcommands, or of all; none of what never came. */
function histograms(names: Words, { commands }: ServerStatistics): RespReply {
  const wanted = names.map((name) => name.toLowerCase());
  const isWanted = (path: string) => wanted.some((name) => path === name || path.startsWith(`${name}|`));
  const entries = PATHS.flatMap((path, number) => {
    const figures = commands.of(number);
    if (path === undefined || figures === undefined || figures.calls === 0) return [];
    return wanted.length === 0 || isWanted(path) ? [[path, histogramOf(figures)] as const] : [];
  });
  return { type: "Map", entries };
}

/** Cumulative; a bound that adds nothing is left out. */
function histogramOf({ calls, seconds }: CommandFigures): RespReply {
  const counts = seconds.countsUpTo(BOUNDS_US.map((bound) => bound / MICROSECONDS));
  const buckets = BOUNDS_US.flatMap((bound, at) => {
    const count = counts[at] ?? 0;
    return count > (counts[at - 1] ?? 0) ? [[bound, count] as const] : [];
  });
  return { type: "Map", entries: [["calls", calls], ["histogram_usec", { type: "Map", entries: buckets }]] };
}

function report({ latency, slowLog, slowCommandMs }: ServerStatistics): string {
  if (latency.histories.size === 0) return `No command took ${slowCommandMs} ms or longer.\n`;
  const events = Array.from(latency.histories, ([event, { samples, maxMilliseconds }]) => {
    const mean = samples.reduce((sum, { milliseconds }) => sum + milliseconds, 0) / samples.length;
    return `${event}: slow in ${samples.length} seconds, ${Math.round(mean)} ms in the mean of their slowest, ` +
      `${maxMilliseconds} ms at most.\n`;
  });
  return `${events.join("")}${slowLog.length} commands that took ${slowCommandMs} ms or longer are in SLOWLOG GET. ` +
    "A write takes as long as the disks of a majority; see the metrics of fsync and of round-trip times.\n";
}
