/** What an error must say of whom a node reaches and what to do, as patterns, from what the node knows. */

import type { Node } from "../../../lib/node/node.ts";

/** One pattern for each clause, in small letters. `staleRead` is how to read stale values in the protocol that is asked. */
export function reachPatterns(node: Node, staleRead: string): readonly string[] {
  const { raft: { leaderId, foundingHeldBy, configuration: { voters } }, peers } = node.status();
  const isReached = (id: number) => id === node.id || peers.some((peer) => peer.id === id && peer.reachable);
  const others = voters.filter((id) => id !== node.id);
  const reached = voters.filter(isReached).length;
  const needed = 1 + Math.floor(voters.length / 2);
  const reach = `reachable ${reached} of ${voters.length} nodes, need ${needed}`;
  if (leaderId === undefined && foundingHeldBy !== undefined) return [reach, "the data directory is empty, .*"];
  if (reached >= needed) {
    return [
      reach,
      leaderId === undefined ? "an election is under way: try again in a moment" : "try again in a moment",
    ];
  }
  const answer = others.filter(isReached);
  const start = others.filter((id) => !isReached(id)).map((id) => `\\b${id}\\b.*`).join("");
  return [
    reach,
    answer.length === 0 ? "no other node answers" : `nodes? ${answer.join("(,| and) ")} answers?`,
    `start .*${start}, or mend the network`,
    `${staleRead.replace("?", "\\?")} shows what this node has`,
  ];
}
