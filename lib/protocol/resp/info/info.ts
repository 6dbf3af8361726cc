/** The text of INFO: the sections of Redis that clients and tools read, and one about Raft. */

import type { MemberView } from "../../../node/api.ts";
import { VERSION } from "../../../observe/version.ts";
import type { RespContext } from "../context.ts";
import { REDIS_VERSION } from "../redis_version.ts";
import type { Words } from "../request_reader.ts";
import type { Lines } from "./lines.ts";
import { cpu, memory } from "./process.ts";
import { commandStatistics, errorStatistics, latencyStatistics, stats } from "./statistics.ts";

/** What Redis says where it was not built from a repository. */
const UNKNOWN_COMMIT = "00000000";

/** A section: whether INFO shows it where none is named, and its lines. */
interface Section {
  readonly isDefault: boolean;
  readonly lines: (context: RespContext) => Lines;
}

/** The sections by their names, in the order in which they are shown. */
const SECTIONS: ReadonlyMap<string, Section> = new Map([
  ["server", { isDefault: true, lines: server }],
  ["clients", { isDefault: true, lines: clients }],
  ["memory", { isDefault: true, lines: memory }],
  ["persistence", { isDefault: true, lines: persistence }],
  ["stats", { isDefault: true, lines: stats }],
  ["replication", { isDefault: true, lines: replication }],
  ["cpu", { isDefault: true, lines: cpu }],
  ["commandstats", { isDefault: false, lines: commandStatistics }],
  ["errorstats", { isDefault: true, lines: errorStatistics }],
  ["latencystats", { isDefault: false, lines: latencyStatistics }],
  ["cluster", { isDefault: true, lines: cluster }],
  ["keyspace", { isDefault: true, lines: keyspace }],
  ["raft", { isDefault: true, lines: raft }],
]);
const EVERY_SECTION = ["all", "everything"];

/** The sections asked for, the usual ones when none is named. Names that nothing has give nothing, as in Redis. */
export function infoText(context: RespContext, wanted: Words): string {
  const names = wanted.map((word) => word.toLowerCase());
  const isAll = names.some((name) => EVERY_SECTION.includes(name));
  const isUsual = names.length === 0 || names.includes("default");
  const shown: string[] = [];
  for (const [name, { isDefault, lines }] of SECTIONS) {
    if (!isAll && !(isUsual && isDefault) && !names.includes(name)) continue;
    const title = `# ${name[0]?.toUpperCase()}${name.slice(1)}`;
    shown.push([title, ...lines(context).map(([field, value]) => `${field}:${value}`), ""].join("\r\n"));
  }
  return shown.join("\r\n");
}

function server({ node, clusterMode, statistics }: RespContext): Lines {
  const { uptimeMs, clientAddress } = node.status();
  return [
    ["redis_version", REDIS_VERSION],
    ["redis_git_sha1", UNKNOWN_COMMIT],
    ["redis_git_dirty", 0],
    ["kvstore_version", VERSION],
    ["redis_mode", clusterMode ? "cluster" : "standalone"],
    ["os", `${Deno.build.os} ${Deno.build.arch}`],
    ["arch_bits", 64],
    ["process_id", Deno.pid],
    ["run_id", statistics.runId],
    ["tcp_port", clientAddress.split(":").at(-1) ?? ""],
    ["server_time_usec", node.timeMs() * 1_000],
    ["uptime_in_seconds", Math.floor(uptimeMs / 1_000)],
    ["uptime_in_days", Math.floor(uptimeMs / 86_400_000)],
  ];
}

function clients(context: RespContext): Lines {
  return [
    ["connected_clients", context.connections()],
    ["maxclients", context.connectionsMax()],
    ["blocked_clients", 0],
    ["tracking_clients", 0],
  ];
}

function persistence({ node }: RespContext): Lines {
  const { storage, lastSnapshotMs, lastApplied, raft: { snapshot } } = node.status();
  return [
    ["loading", 0],
    ["rdb_changes_since_last_save", lastApplied - snapshot.index],
    ["aof_enabled", 1],
    ["aof_current_size", storage.walBytes],
    ["rdb_last_save_time", Math.floor(lastSnapshotMs / 1_000)],
  ];
}

function cluster({ clusterMode }: RespContext): Lines {
  return [["cluster_enabled", clusterMode ? 1 : 0]];
}

/** A follower shows itself as a replica of the leader; it takes writes all the same. */
function replication({ node }: RespContext): Lines {
  const { raft } = node.status();
  const members = node.members();
  if (raft.role === "Leader") {
    const others = members.filter(({ id, clientAddress }) => id !== node.id && clientAddress !== "");
    return [
      ["role", "master"],
      ["connected_slaves", others.filter(({ reachable }) => reachable).length],
      ...others.map((member, at) => [`slave${at}`, replicaLine(member)] as const),
      ["master_repl_offset", raft.commitIndex],
    ];
  }
  const leader = members.find(({ id }) => id === raft.leaderId);
  const [host = "", port = ""] = leader?.clientAddress.split(":") ?? [];
  return [
    ["role", "slave"],
    ["master_host", host],
    ["master_port", port],
    ["master_link_status", leader === undefined ? "down" : "up"],
    ["slave_read_only", 0],
    ["connected_slaves", 0],
    ["master_repl_offset", raft.commitIndex],
  ];
}

function replicaLine({ clientAddress, matchIndex, lag, reachable }: MemberView): string {
  const [ip = "", port = ""] = clientAddress.split(":");
  return `ip=${ip},port=${port},state=${reachable ? "online" : "offline"},offset=${matchIndex ?? 0},lag=${lag ?? 0}`;
}

function keyspace({ node }: RespContext): Lines {
  const { keys, expiring } = node.status();
  return keys === 0 ? [] : [["db0", `keys=${keys},expires=${expiring},avg_ttl=0`]];
}

function raft({ node, httpsPort }: RespContext): Lines {
  const { raft: status, lastApplied } = node.status();
  const members = node.members();
  const leader = members.find(({ id }) => id === status.leaderId);
  const httpAddress = members.find(({ id }) => id === node.id)?.httpAddress ?? "";
  return [
    ["raft_node_id", node.id],
    ["raft_role", status.role.toLowerCase()],
    ["raft_term", status.currentTerm],
    ["raft_leader_id", status.leaderId ?? ""],
    ["raft_leader_address", leader?.clientAddress ?? ""],
    ["raft_http_address", httpAddress],
    ["raft_https_address", httpsPort === undefined ? "" : httpAddress.replace(/\d+$/, String(httpsPort))],
    ["raft_commit_index", status.commitIndex],
    ["raft_last_applied", lastApplied],
    ...members.map((member) => [`raft_member_${member.id}`, memberLine(member)] as const),
  ];
}

function memberLine({ clientAddress, role, reachable }: MemberView): string {
  return `address=${clientAddress},role=${role?.toLowerCase() ?? "unknown"},reachable=${reachable ? 1 : 0}`;
}
