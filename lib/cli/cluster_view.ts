/** The cluster as a node shows it: reads `GET /v1/cluster`. */

import type { NodeId } from "../raft/types.ts";

/** One server of the configuration. */
export interface ClusterMember {
  readonly id: NodeId;
  readonly clientAddress: string;
  /** "" while that server has said none. */
  readonly httpAddress: string;
  readonly voter: boolean;
  /** It is not to lead. */
  readonly drained: boolean;
  readonly reachable: boolean;
  /** Last entry known to be durable there. */
  readonly matchIndex: number | undefined;
  /** Entries that it is behind. */
  readonly lag: number | undefined;
}

/** What one node knows of the cluster. */
export interface ClusterView {
  /** The node that was asked. */
  readonly node: NodeId;
  readonly leader: NodeId | undefined;
  readonly term: number;
  readonly commitIndex: number;
  readonly appliedIndex: number;
  /** The newest version of the protocol that all members can and that is on; 0 when the node does not say it. */
  readonly level: number;
  readonly quorum: { readonly reachable: number; readonly total: number; readonly needed: number };
  readonly members: readonly ClusterMember[];
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads the body of a reply; undefined when it is not one of a node. Fields that a later version adds are passed over. */
export function readClusterView(json: unknown): ClusterView | undefined {
  const view = fieldsOf(json);
  const members = view["members"];
  if (typeof view["term"] !== "number" || !Array.isArray(members)) return undefined;
  const quorum = fieldsOf(view["quorum"]);
  return {
    node: numberOf(view["node"]) ?? 0,
    leader: numberOf(view["leader"]),
    term: view["term"],
    commitIndex: numberOf(view["commit_index"]) ?? 0,
    appliedIndex: numberOf(view["applied_index"]) ?? 0,
    level: numberOf(view["level"]) ?? 0,
    quorum: {
      reachable: numberOf(quorum["reachable"]) ?? 0,
      total: numberOf(quorum["total"]) ?? 0,
      needed: numberOf(quorum["needed"]) ?? 0,
    },
    members: members.map((member) => readMember(fieldsOf(member))),
  };
}

/** The fields of a JSON object; none for anything else. */
export function fieldsOf(json: unknown): Fields {
  return typeof json === "object" && json !== null && !Array.isArray(json) ? json as Fields : {};
}

function readMember(member: Fields): ClusterMember {
  return {
    id: numberOf(member["id"]) ?? -1,
    clientAddress: String(member["client_address"] ?? ""),
    httpAddress: String(member["http_address"] ?? ""),
    voter: member["voter"] === true,
    drained: member["drained"] === true,
    reachable: member["reachable"] === true,
    matchIndex: numberOf(member["match_index"]),
    lag: numberOf(member["lag"]),
  };
}

function numberOf(json: unknown): number | undefined {
  return typeof json === "number" ? json : undefined;
}
