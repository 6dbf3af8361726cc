/** What an error must say of whom a node reaches and what to do, as a pattern, from what the node knows. */

import type { Node } from "../../../lib/node/node.ts";

/** How a protocol writes the clauses. */
export interface AdviceForm {
  /** How to read stale values. */
  readonly staleRead: string;
  /** Between two clauses, as a pattern. */
  readonly separator: string;
}

const EMPTY_DIRECTORY = "the data directory is empty, .*";

/** All clauses, in small letters. */
export function reachPattern(node: Node, { staleRead, separator }: AdviceForm): string {
  const { raft: { leaderId, foundingHeldBy, configuration: { voters } }, peers } = node.status();
  const isReached = (id: number) => id === node.id || peers.some((peer) => peer.id === id && peer.reachable);
  const reached = voters.filter(isReached).length;
  const needed = 1 + Math.floor(voters.length / 2);
  const reach = `reachable ${reached} of ${voters.length} nodes, need ${needed}`;
  const isHeld = leaderId === undefined && foundingHeldBy !== undefined;
  return [reach, isHeld ? EMPTY_DIRECTORY : adviceOf(node, { staleRead, separator })].join(separator);
}

function adviceOf(node: Node, { staleRead, separator }: AdviceForm): string {
  const { raft: { leaderId, configuration: { voters } }, peers } = node.status();
  const others = voters.filter((id) => id !== node.id);
  const answer = others.filter((id) => peers.some((peer) => peer.id === id && peer.reachable));
  const missing = others.filter((id) => !answer.includes(id));
  if (missing.length <= (voters.length - 1) / 2) {
    return leaderId === undefined ? "an election is under way: try again in a moment" : "try again in a moment";
  }
  return [
    answer.length === 0 ? "no other node answers" : `nodes? ${answer.join("(,| and) ")} answers?`,
    `start .*${missing.map((id) => `\\b${id}\\b.*`).join("")}, or mend the network`,
    `${staleRead.replace("?", "\\?")} shows what this node has`,
  ].join(separator);
}
