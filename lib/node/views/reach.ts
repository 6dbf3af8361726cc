/** Whom a node reaches that has no leader or no majority, and what to do about it: for the errors of every protocol. */

import { describeEmptyDirectory } from "../membership/empty_directory.ts";
import type { MemberView, NodeMonitor } from "../api.ts";

/**
 * Clauses in small letters, the first one how many nodes are reached. `staleRead` is how to read what this node has in the protocol
 * that asks.
 */
export function describeReach(node: Pick<NodeMonitor, "id" | "status" | "members">, staleRead: string): string[] {
  const { raft: { leaderId, foundingHeldBy }, quorum: { reachable, total, needed } } = node.status();
  const reach = `reachable ${reachable} of ${total} nodes, need ${needed}`;
  if (leaderId === undefined && foundingHeldBy !== undefined) return [reach, describeEmptyDirectory(foundingHeldBy)];
  if (reachable >= needed) {
    return [
      reach,
      leaderId === undefined ? "an election is under way: try again in a moment" : "try again in a moment",
    ];
  }
  const others = node.members().filter(({ id, voter }) => voter && id !== node.id);
  const answer = others.filter((member) => member.reachable).map(({ id }) => String(id));
  const missing = others.filter((member) => !member.reachable);
  return [
    reach,
    answer.length === 0
      ? "no other node answers"
      : `${nodes(answer, "and")} ${answer.length > 1 ? "answer" : "answers"}`,
    `${describeStart(missing, needed - reachable)}, or mend the network`,
    `${staleRead} shows what this node has`,
  ];
}

/** What to start, where so many of `missing` are enough. */
function describeStart(missing: readonly MemberView[], count: number): string {
  // A node that knows no configuration yet knows nobody by name.
  if (missing.length === 0) return "start the other nodes";
  const names = missing.map(({ id, clientAddress }) => clientAddress === "" ? String(id) : `${id} (${clientAddress})`);
  if (count >= names.length) return `start ${nodes(names, "and")}`;
  return count === 1 ? `start ${nodes(names, "or")}` : `start ${count} of ${nodes(names, "and")}`;
}

function nodes(names: readonly string[], word: "and" | "or"): string {
  const last = names.at(-1) ?? "";
  if (names.length === 1) return `node ${last}`;
  return `${word === "or" ? "node" : "nodes"} ${names.slice(0, -1).join(", ")} ${word} ${last}`;
}
