/**
 * The one table of flags. The parser, the help, the names of the environment variables, the keys of the configuration
 * file and docs/command-line.md are all made from it.
 */

import { MEMORY_LIMIT_BYTES_MAX, MEMORY_LIMIT_BYTES_MIN } from "../cluster/machine_memory.ts";
import type { LogFormat, LogLevel } from "../observe/log.ts";
import { BACKUP_FLAGS } from "./backup/backup_flags.ts";
import { BENCH_FLAGS } from "./bench_flags.ts";
import { ADMINISTRATORS, CLIENT_FLAGS } from "./client_flags.ts";
import { CLIENT_LIMIT_FLAGS } from "./client_limit_flags.ts";
import { CLIENT_TLS_FLAGS } from "./client_tls_flags.ts";
import { DISK_FLAGS } from "./disk_flags.ts";
import { DIRECTORY_FLAGS } from "./directory_flags.ts";
import { HISTORY_FLAGS } from "./history_flags.ts";
import { JOIN_FLAGS } from "./join_flags.ts";
import { MASTER_KEY_FLAGS } from "./master_key_flags.ts";
import { TLS_FLAGS } from "./tls_flags.ts";
import { TRANSFER_FLAGS } from "./transfer/transfer_flags.ts";
import { USER_FLAGS } from "./user_flags.ts";

/** The commands of the program. */
export type CommandName =
  | "cluster"
  | "node"
  | "cli"
  | "bench"
  | "leader"
  | "rolling-restart"
  | "member"
  | "user"
  | "inspect"
  | "disk"
  | "recover"
  | "rekey"
  | "backup"
  | "verify"
  | "restore"
  | "undo"
  | "export"
  | "import"
  | "tls"
  | "assets"
  | "version"
  | "licenses"
  | "help";

/**
 * What a flag's value looks like. A switch has none; a size is a whole number with KiB, MiB or GiB behind it or not; a
 * decimal is a number like 0.25.
 */
export type FlagKind = "integer" | "decimal" | "size" | "text" | "choice" | "switch";

/** One flag. `min`, `max` and `choices` bound its values; without `default` it may stay unset. */
export interface Flag {
  readonly name: string;
  readonly kind: FlagKind;
  readonly commands: readonly CommandName[];
  /** What stands for the value in the help. */
  readonly placeholder?: string;
  readonly default?: string;
  /** What the help says instead of the default. */
  readonly defaultShown?: string;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Values that are none of the choices, and valid: one of the commands reads them, and the others refuse them. */
  readonly otherwise?: RegExp;
  /** Neither passed on nor shown on a command line, where other users of the machine can read it. */
  readonly secret?: boolean;
  readonly help: string;
}

/** Log levels, gravest first. */
export const LOG_LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug"];

/** Formats of log lines. */
export const LOG_FORMATS: readonly LogFormat[] = ["text", "json"];

const SERVERS: readonly CommandName[] = ["cluster", "node"];
const CONFIGURABLE: readonly CommandName[] = ["cluster", "node", "cli", "bench", ...ADMINISTRATORS];
const EVERYWHERE: readonly CommandName[] = [
  ...CONFIGURABLE,
  "inspect",
  "disk",
  "recover",
  "rekey",
  "verify",
  "tls",
  "assets",
  "version",
  "licenses",
  "help",
];
const PORT_MAX = 65_535;
const ID_MAX = 2_147_483_647;

/** Every flag, in the order of the help. */
export const FLAGS = [
  {
    name: "nodes",
    kind: "choice",
    commands: ["cluster", "tls"],
    placeholder: "N",
    default: "3",
    choices: ["1", "3", "5", "7"],
    otherwise: /=/,
    help: "Number of nodes of the local cluster; left out, as many as its directory has. " +
      "For tls init also ID=NAME[+NAME...],...: names and addresses of each node.",
  },
  {
    name: "node-id",
    kind: "integer",
    commands: ["node", "restore"],
    placeholder: "ID",
    min: 0,
    max: ID_MAX,
    defaultShown: "the rank of its address; for restore 0",
    help: "Id of this node, unique in the cluster.",
  },
  {
    name: "port",
    kind: "integer",
    commands: SERVERS,
    placeholder: "PORT",
    default: "5000",
    min: 1,
    max: PORT_MAX,
    help: "Port for clients; of the first node in a local cluster, the others follow.",
  },
  {
    name: "peers",
    kind: "text",
    commands: ["node"],
    placeholder: "LIST",
    defaultShown: "none, a cluster of one",
    help: "The other nodes: ports, host:port or id=host:port[@peerport], with commas between.",
  },
  ...JOIN_FLAGS,
  {
    name: "peer-port",
    kind: "integer",
    commands: SERVERS,
    placeholder: "PORT",
    min: 1,
    max: PORT_MAX,
    defaultShown: "port + 10000",
    help: "Port that other nodes connect to.",
  },
  {
    name: "peer-bind-port",
    kind: "integer",
    commands: ["node"],
    placeholder: "PORT",
    min: 1,
    max: PORT_MAX,
    defaultShown: "the peer port",
    help: "Port to listen on for nodes, where a forwarder stands before it at the peer port.",
  },
  {
    name: "http-port",
    kind: "integer",
    commands: SERVERS,
    placeholder: "PORT",
    min: 1,
    max: PORT_MAX,
    defaultShown: "port + 3000",
    help: "HTTP port; of the first node in a local cluster, the others follow.",
  },
  {
    name: "host",
    kind: "text",
    commands: SERVERS,
    placeholder: "HOST",
    default: "127.0.0.1",
    help: "Address to listen on, and by which other nodes know this one.",
  },
  {
    name: "insecure",
    kind: "switch",
    commands: SERVERS,
    help: "The same as --insecure-clients and --insecure-peers.",
  },
  {
    name: "data-dir",
    kind: "text",
    commands: [...SERVERS, "restore"],
    placeholder: "DIR",
    defaultShown: "./kvstore-data, for one node ./kvstore-data/node-<id>",
    help: "Directory of the data; a local cluster keeps one node-<id> in it for each node.",
  },
  {
    name: "new-identity",
    kind: "switch",
    commands: ["node"],
    help: "This node lost its directory: let the others admit the new, empty one under the old id.",
  },
  {
    name: "cluster-id",
    kind: "text",
    commands: [...SERVERS, "tls", "restore"],
    placeholder: "NAME",
    help: "Name of the cluster, beside the random id that it gets; nodes with different names refuse each other.",
  },
  {
    name: "cluster-secret",
    kind: "text",
    commands: SERVERS,
    placeholder: "SECRET",
    secret: true,
    help:
      "Secret that nodes prove to each other, of 16 characters at least; by environment or configuration file only.",
  },
  {
    name: "cluster-secret-file",
    kind: "text",
    commands: SERVERS,
    placeholder: "FILE",
    defaultShown: "a secret of this user on this machine",
    help: "File with the secret that nodes prove to each other; needed with --insecure-peers.",
  },
  {
    name: "previous-cluster-secret-file",
    kind: "text",
    commands: ["node"],
    placeholder: "FILE",
    defaultShown: "no other secret counts",
    help: "File with a secret that counts as well, while a cluster changes from it to another; " +
      "none: that of nodes which were given none.",
  },
  {
    name: "snapshot-entries",
    kind: "integer",
    commands: SERVERS,
    placeholder: "N",
    default: "200000",
    min: 100,
    max: 1_000_000_000,
    help: "Take a snapshot after so many log entries.",
  },
  {
    name: "snapshot-bytes",
    kind: "size",
    commands: SERVERS,
    placeholder: "SIZE",
    default: "64MiB",
    min: 65_536,
    max: 68_719_476_736,
    help: "Take a snapshot after so many bytes of log.",
  },
  ...DISK_FLAGS,
  ...MASTER_KEY_FLAGS,
  ...HISTORY_FLAGS,
  {
    name: "memory-limit",
    kind: "size",
    commands: SERVERS,
    placeholder: "SIZE",
    min: MEMORY_LIMIT_BYTES_MIN,
    max: MEMORY_LIMIT_BYTES_MAX,
    defaultShown: "60 % of the memory",
    help: "Refuse writes that add once keys, log and queues take so much; the nodes of a local cluster share it.",
  },
  {
    name: "election-timeout-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "1000",
    min: 100,
    max: 60_000,
    help: "Silence after which a leader is given up, at the least; at most twice that.",
  },
  {
    name: "heartbeat-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "100",
    min: 10,
    max: 30_000,
    help: "Pause between heartbeats, at most half of the election timeout.",
  },
  {
    name: "request-timeout-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "5000",
    min: 100,
    max: 600_000,
    help: "How long a request may wait before its client is told that it failed or that its fate is unknown.",
  },
  ...CLIENT_LIMIT_FLAGS,
  {
    name: "cluster-mode",
    kind: "switch",
    commands: SERVERS,
    help: "For Redis Cluster clients: answer CLUSTER, and send clients to the leader with MOVED.",
  },
  {
    name: "max-key-bytes",
    kind: "size",
    commands: SERVERS,
    placeholder: "SIZE",
    default: "64KiB",
    min: 1,
    max: 65_536,
    help: "Longest key that a Redis client may use.",
  },
  {
    name: "max-value-bytes",
    kind: "size",
    commands: SERVERS,
    placeholder: "SIZE",
    default: "8MiB",
    min: 1_024,
    max: 8_388_608,
    help: "Longest value that a Redis client may send.",
  },
  {
    name: "slow-command-ms",
    kind: "integer",
    commands: SERVERS,
    placeholder: "MS",
    default: "100",
    min: 0,
    max: 3_600_000,
    help: "Enter commands of Redis clients that take so long into SLOWLOG and LATENCY.",
  },
  {
    name: "unsafe-no-fsync",
    kind: "switch",
    commands: SERVERS,
    help: "Never wait for the disk: fast, and a power loss may lose acknowledged writes.",
  },
  {
    name: "log-level",
    kind: "choice",
    commands: SERVERS,
    placeholder: "LEVEL",
    default: "info",
    choices: LOG_LEVELS,
    help: "What to log: error, warn, info or debug.",
  },
  {
    name: "log-format",
    kind: "choice",
    commands: SERVERS,
    placeholder: "FORMAT",
    default: "text",
    choices: LOG_FORMATS,
    help: "How to log: text for people, json for machines with one object on each line.",
  },
  ...CLIENT_FLAGS,
  ...CLIENT_TLS_FLAGS,
  ...BENCH_FLAGS,
  ...DIRECTORY_FLAGS,
  ...BACKUP_FLAGS,
  ...TRANSFER_FLAGS,
  ...TLS_FLAGS,
  ...USER_FLAGS,
  {
    name: "config",
    kind: "text",
    commands: CONFIGURABLE,
    placeholder: "FILE",
    help: "Take flags from this JSON file, one key each, named like the flag.",
  },
  { name: "help", kind: "switch", commands: EVERYWHERE, help: "Show the help of the command." },
  { name: "version", kind: "switch", commands: EVERYWHERE, help: "Show the version." },
] as const satisfies readonly Flag[];

/** The name of a flag, without the dashes. */
export type FlagName = (typeof FLAGS)[number]["name"];

const byName: ReadonlyMap<string, Flag & { readonly name: FlagName }> = new Map(FLAGS.map((flag) => [flag.name, flag]));

/** The flag of that name, or undefined. */
export function findFlag(name: string): (Flag & { readonly name: FlagName }) | undefined {
  return byName.get(name);
}

/** The environment variable of a flag: `KVSTORE_DATA_DIR` for `data-dir`. */
export function environmentName(flag: FlagName): string {
  return `KVSTORE_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/** Whether a flag can be set by environment and file; `help` and `version` ask for something else to be done, and `yes` is said each time. */
export function isSetting(flag: Flag): boolean {
  return !["help", "version", "config", "yes"].includes(flag.name);
}

/** The flags of one command, in the order of the help. */
export function flagsOf(command: CommandName): readonly (Flag & { readonly name: FlagName })[] {
  return [...byName.values()].filter((flag) => flag.commands.includes(command));
}
