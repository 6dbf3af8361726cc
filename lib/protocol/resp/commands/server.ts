/** Commands about the server: INFO, TIME, ROLE, WAIT, snapshots and CONFIG. */

import { byName, row, subcommand } from "../../../kv/command_row.ts";
import { compileGlob, isTooLong } from "../../../kv/glob.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import { LONG_PATTERN, NOT_AN_INTEGER, OK, type Reply } from "../../../kv/replies.ts";
import type { MemberView } from "../../../node/api.ts";
import { QUARANTINED } from "../errors.ts";
import { infoText } from "../info/info.ts";
import { maxMemory } from "../info/process.ts";
import {
  answer,
  type Caller,
  ECHOED_BYTES_MAX,
  type Plan,
  type ProtocolCommand,
  type ProtocolSubcommand,
  refuse,
} from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import { SLOW_LOG_LENGTH_MAX } from "../statistics/slow_log.ts";

const LOADING = ["loading", "stale"] as const;
const LOOKS = { access: "Look", group: "server" } as const;
const AUDITED = { isAudited: true } as const;
const CHANGES = { access: "Server", group: "server" } as const;
const ON_ALL_NODES = ["request_policy:all_nodes", "response_policy:all_succeeded"];
const SETTINGS = { ...CHANGES, since: "2.0.0", flags: ["admin", "noscript", ...LOADING] } as const;

/** The commands of this file. */
export const SERVER_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("INFO [<section> ...]", {
      ...LOOKS,
      since: "1.0.0",
      flags: LOADING,
      categories: ["@dangerous"],
      tips: ["nondeterministic_output", "request_policy:all_shards", "response_policy:special"],
    }),
    summary: "Tells about the server, the cluster and the keys, as text.",
    inTransaction: "DoneByExec",
    plan: (words, { context }) => answer({ type: "Text", text: infoText(context, words.slice(1)) }),
  },
  {
    ...row("TIME", {
      ...LOOKS,
      since: "2.6.0",
      flags: ["loading", "stale", "fast"],
      timing: "Clock",
      tips: ["nondeterministic_output"],
    }),
    summary: "Returns the cluster's time: seconds and microseconds.",
    inTransaction: "DoneByExec",
    plan: planTime,
  },
  {
    ...row("ROLE", {
      ...LOOKS,
      since: "2.8.12",
      flags: ["noscript", "loading", "stale", "fast"],
      categories: ["@admin", "@dangerous"],
    }),
    summary: "Tells whether this node leads, and whom it follows.",
    inTransaction: "DoneByExec",
    plan: (_words, { context }) => answer(role(context)),
  },
  {
    ...row("WAIT <nodes> <milliseconds>", {
      access: "Server",
      group: "generic",
      since: "3.0.0",
      flags: ["noscript"],
      categories: ["@connection"],
      tips: ["request_policy:all_shards", "response_policy:agg_min"],
    }),
    summary: "Returns how many other nodes have this connection's writes, at the least.",
    inTransaction: "DoneByExec",
    plan: planWait,
  },
  {
    ...row("LASTSAVE", {
      ...LOOKS,
      since: "1.0.0",
      flags: ["loading", "stale", "fast"],
      categories: ["@admin", "@dangerous"],
      tips: ["nondeterministic_output"],
    }),
    summary: "Returns the time of the last snapshot, in seconds since 1970.",
    inTransaction: "DoneByExec",
    plan: (_words, { context: { node } }) => answer(Math.floor(node.status().lastSnapshotMs / 1_000)),
  },
  {
    ...row("SAVE", {
      ...CHANGES,
      ...AUDITED,
      since: "1.0.0",
      flags: ["admin", "noscript", "no_async_loading", "no_multi"],
    }),
    summary: "Takes a snapshot.",
    inTransaction: "Refused",
    plan: (_words, { context: { node } }) => ({ type: "Task", run: () => save(node) }),
  },
  {
    ...row("BGSAVE [SCHEDULE]", {
      ...CHANGES,
      ...AUDITED,
      since: "1.0.0",
      flags: ["admin", "noscript", "no_async_loading"],
    }),
    summary: "Begins to take a snapshot.",
    inTransaction: "DoneByExec",
    plan: planBackgroundSave,
  },
  {
    ...row("CONFIG <subcommand> [<argument> ...]", { ...CHANGES, since: "2.0.0", helpSince: "5.0.0" }),
    summary: "Returns settings.",
    inTransaction: "DoneByExec",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("CONFIG GET <pattern> ...", SETTINGS),
        summary: "Returns settings whose names match.",
        plan: getSettings,
      },
      {
        ...subcommand("CONFIG SET <name> <value> ...", { ...SETTINGS, ...AUDITED, tips: ON_ALL_NODES }),
        summary: "Is refused: settings are flags.",
        plan: ([, , name = ""]) => {
          const cause = `possibly related to argument '${name.slice(0, ECHOED_BYTES_MAX)}'`;
          return refuse(`ERR CONFIG SET failed (${cause}) - ${SETTINGS_ARE_FLAGS}`);
        },
      },
      {
        ...subcommand("CONFIG RESETSTAT", { ...SETTINGS, ...AUDITED }),
        summary: "Begins to count anew what INFO tells.",
        plan: (_words, { context: { statistics } }) => {
          statistics.reset();
          return answer(OK);
        },
      },
      {
        ...subcommand("CONFIG REWRITE", { ...SETTINGS, ...AUDITED, since: "2.8.0" }),
        summary: "Is refused: settings are flags.",
        plan: () => refuse(`ERR Rewriting config file: ${SETTINGS_ARE_FLAGS}`),
      },
    ]),
  },
];

function planTime(_words: Words, { context: { node } }: Caller): Plan {
  const now = node.timeMs();
  return answer([Math.floor(now / 1_000).toString(), ((now % 1_000) * 1_000).toString()]);
}

const SETTINGS_ARE_FLAGS = "settings are flags of the server and cannot be changed while it runs";

type Context = Caller["context"];

/** As Redis tells of a primary and its replicas. */
function role({ node }: Context): Reply {
  const { raft } = node.status();
  const members = node.members();
  if (raft.role === "Leader") {
    const others = members.filter(({ id, clientAddress }) => id !== node.id && clientAddress !== "");
    return [
      "master",
      raft.commitIndex,
      others.map((member) => [...endpointOf(member), String(member.matchIndex ?? 0)]),
    ];
  }
  const leader = members.find(({ id }) => id === raft.leaderId);
  const [host = "", port = "0"] = leader === undefined ? [] : endpointOf(leader);
  return ["slave", host, Number(port), leader === undefined ? "connect" : "connected", raft.commitIndex];
}

function endpointOf({ clientAddress }: MemberView): [host: string, port: string] {
  const colon = clientAddress.lastIndexOf(":");
  return [clientAddress.slice(0, Math.max(colon, 0)), clientAddress.slice(colon + 1)];
}

/** Every acknowledged write is on a majority already: there is nothing to wait for but the replies before this one. */
function planWait(words: Words, { context: { node } }: Caller): Plan {
  const replicas = parseInteger64(words[1] ?? "");
  const timeout = parseInteger64(words[2] ?? "");
  if (replicas === undefined) return answer(NOT_AN_INTEGER);
  if (timeout === undefined) return refuse("ERR timeout is not an integer or out of range");
  if (timeout < 0) return refuse("ERR timeout is negative");
  return { type: "Later", plan: () => answer(node.status().quorum.needed - 1) };
}

async function save(node: Context["node"]): Promise<RespReply> {
  const outcome = await node.takeSnapshot();
  if (outcome.type === "NotSound") return QUARANTINED;
  return outcome.type === "Failed" ? { error: `ERR ${outcome.message}` } : { status: "OK" };
}

function planBackgroundSave(words: Words, { context: { node, log } }: Caller): Plan {
  const isForm = words.length === 1 || (words.length === 2 && words[1]?.toUpperCase() === "SCHEDULE");
  if (!isForm) return refuse("ERR syntax error");
  const failed = (message: string) => log("warn", `Cannot take the snapshot that a client asked for: ${message}`);
  save(node).then(
    (reply) => typeof reply === "object" && reply !== null && "error" in reply ? failed(reply.error) : undefined,
    (error: unknown) => failed(error instanceof Error ? error.message : String(error)),
  );
  return answer({ status: "Background saving started" });
}

function getSettings(words: Words, { context }: Caller): Plan {
  if (words.slice(2).some(isTooLong)) return answer(LONG_PATTERN);
  const globs = words.slice(2).map((word) => compileGlob(word.toLowerCase()));
  const entries = settingsOf(context).filter(([name]) => globs.some((glob) => glob.matches(name)));
  return answer({ type: "Map", entries });
}

/** Settings of Redis that tools ask for, as they are here. */
function settingsOf(context: Context): readonly (readonly [string, string])[] {
  return [
    ["appendfsync", "always"],
    ["appendonly", "yes"],
    ["cluster-enabled", context.clusterMode ? "yes" : "no"],
    ["databases", "1"],
    ["latency-monitor-threshold", context.statistics.slowCommandMs.toString()],
    ["latency-tracking", "yes"],
    ["latency-tracking-info-percentiles", "50 99 99.9"],
    ["maxclients", context.connectionsMax().toString()],
    ["maxmemory", String(maxMemory(context.node))],
    ["maxmemory-policy", "noeviction"],
    ["port", context.node.status().clientAddress.split(":").at(-1) ?? ""],
    ["proto-max-bulk-len", context.valueBytesMax.toString()],
    ["save", ""],
    ["slowlog-log-slower-than", (context.statistics.slowCommandMs * 1_000).toString()],
    ["slowlog-max-len", SLOW_LOG_LENGTH_MAX.toString()],
    ["timeout", "0"],
  ];
}
