/** CLUSTER: the cluster as clients of Redis Cluster see it: all slots belong to the leader, every other node is its replica. */

import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import type { MemberView } from "../../../node/api.ts";
import { PEER_PORT_OFFSET } from "../../../transport/address.ts";
import type { RespContext } from "../context.ts";
import { answer, type Planner, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import { slotOf, SLOTS } from "../slots.ts";

const DISABLED = "ERR This instance has cluster support disabled";

const CLUSTER: GivenFacts = { access: "Look", group: "cluster", since: "3.0.0", flags: ["stale"] };
const CHANGING: GivenFacts = { ...CLUSTER, tips: ["nondeterministic_output"] };

/** The commands of this file. */
export const CLUSTER_COMMANDS: readonly ProtocolCommand[] = [{
  ...row("CLUSTER <subcommand> [<argument> ...]", { ...CLUSTER, flags: [], helpSince: "5.0.0" }),
  summary: "Tells which node leads, in the forms of Redis Cluster.",
  subcommands: byName<ProtocolSubcommand>([
    {
      ...subcommand("CLUSTER SLOTS", CHANGING),
      summary: "Returns the one range of slots with the leader and the others.",
      plan: planOf(slots),
    },
    {
      ...subcommand("CLUSTER SHARDS", { ...CHANGING, since: "7.0.0" }),
      summary: "Returns the one shard with its nodes.",
      plan: planOf(shards),
    },
    {
      ...subcommand("CLUSTER NODES", CHANGING),
      summary: "Returns the nodes, one on each line.",
      plan: planOf(nodeLines),
    },
    {
      ...subcommand("CLUSTER INFO", CHANGING),
      summary: "Tells whether there is a leader, as text.",
      plan: planOf(info),
    },
    {
      ...subcommand("CLUSTER MYID", CLUSTER),
      summary: "Returns the name of this node.",
      plan: planOf(({ self }) => nameOf(self)),
    },
    {
      ...subcommand("CLUSTER KEYSLOT <key>", CLUSTER),
      summary: "Returns the slot of a key.",
      plan: planOf((_view, [, , key = ""]) => slotOf(key)),
    },
  ]),
}];

function planOf(tell: (view: ClusterView, words: Words) => RespReply): Planner {
  return (words, { context }) => context.clusterMode ? answer(tell(viewOf(context), words)) : refuse(DISABLED);
}

interface ClusterView {
  readonly self: number;
  /** The leader first, where one is known. */
  readonly members: readonly MemberView[];
  readonly leader: MemberView | undefined;
  readonly term: number;
  readonly needed: number;
}

function viewOf({ node }: RespContext): ClusterView {
  const { raft, quorum } = node.status();
  const members = node.members().filter(({ clientAddress }) => clientAddress !== "");
  const leader = members.find(({ id }) => id === raft.leaderId);
  const others = members.filter((member) => member !== leader);
  return {
    self: node.id,
    members: leader === undefined ? others : [leader, ...others],
    leader,
    term: raft.currentTerm,
    needed: quorum.needed,
  };
}

function nodeLines(view: ClusterView): RespReply {
  return { type: "Text", text: `${view.members.map((member) => nodeLine(member, view)).join("\n")}\n` };
}

/** A node's name as Redis has it: 40 hexadecimal digits. */
function nameOf(id: number): string {
  return id.toString(16).padStart(40, "0");
}

function endpointOf({ clientAddress }: MemberView): { readonly host: string; readonly port: number } {
  const colon = clientAddress.lastIndexOf(":");
  return { host: clientAddress.slice(0, Math.max(colon, 0)), port: Number(clientAddress.slice(colon + 1)) };
}

/** Without a leader no slot is served, and clients ask again. */
function slots({ members, leader }: ClusterView): RespReply {
  if (leader === undefined) return [];
  const nodes = members.map((member) => {
    const { host, port } = endpointOf(member);
    return [host, port, nameOf(member.id), []];
  });
  return [[0, SLOTS - 1, ...nodes]];
}

function shards({ members, leader }: ClusterView): RespReply {
  if (leader === undefined) return [];
  const nodes = members.map((member): RespReply => {
    const { host, port } = endpointOf(member);
    return {
      type: "Map",
      entries: [
        ["id", nameOf(member.id)],
        ["port", port],
        ["ip", host],
        ["endpoint", host],
        ["role", member === leader ? "master" : "replica"],
        ["replication-offset", member.matchIndex ?? 0],
        ["health", member.reachable ? "online" : "fail"],
      ],
    };
  });
  const shard: RespReply = {
    type: "Map",
    entries: [["slots", [0, SLOTS - 1]], ["nodes", { type: "List", items: nodes }]],
  };
  return { type: "List", items: [shard] };
}

function nodeLine(member: MemberView, { self, leader, term }: ClusterView): string {
  const { host, port } = endpointOf(member);
  const peerPort = member.peerAddress.split(":").at(-1) ?? String(port + PEER_PORT_OFFSET);
  const isLeader = member === leader;
  const flags = `${member.id === self ? "myself," : ""}${isLeader ? "master" : "slave"}`;
  const head = `${nameOf(member.id)} ${host}:${port}@${peerPort} ${flags} `;
  const master = isLeader || leader === undefined ? "-" : nameOf(leader.id);
  const link = member.reachable ? "connected" : "disconnected";
  return `${head}${master} 0 0 ${term} ${link}${isLeader ? ` 0-${SLOTS - 1}` : ""}`;
}

function info({ members, leader, term }: ClusterView): RespReply {
  const assigned = leader === undefined ? 0 : SLOTS;
  const lines = [
    ["cluster_enabled", 1],
    ["cluster_state", leader === undefined ? "fail" : "ok"],
    ["cluster_slots_assigned", assigned],
    ["cluster_slots_ok", assigned],
    ["cluster_slots_pfail", 0],
    ["cluster_slots_fail", 0],
    ["cluster_known_nodes", members.length],
    ["cluster_size", leader === undefined ? 0 : 1],
    ["cluster_current_epoch", term],
    ["cluster_my_epoch", term],
  ];
  return { type: "Text", text: lines.map(([name, value]) => `${name}:${value}\r\n`).join("") };
}
