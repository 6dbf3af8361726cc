/** Reads what a reply of the text protocol says about the outcome; the texts are those of docs/text-protocol.md. */

import type { NodeId } from "../../raft/types.ts";
import { EXIT } from "../failures.ts";
import type { CommandTraits } from "./vocabulary.ts";

/**
 * The outcome of a command. Certainly not done, and safe to send again: NotLeader and NoLeader, which is also said of a
 * read that no majority confirmed and by a node that is about to stop.
 */
export type ReplyKind = "Done" | "NotFound" | "NotLeader" | "NoLeader" | "Unknown" | "Usage" | "Failed";

const SUCCESS: ReadonlyMap<string, (reply: string) => boolean> = new Map([
  ["PUT", (reply) => reply.endsWith(" added successfully.")],
  ["DELETE", (reply) => reply.endsWith(" deleted successfully.")],
  ["GET", (reply) => reply.startsWith("value of ")],
]);

const REFUSALS: readonly (readonly [prefix: string, kind: ReplyKind])[] = [
  ["Error: Not leader.", "NotLeader"],
  ["Error: No leader.", "NoLeader"],
  ["Error: Timeout.", "NoLeader"],
  ["Error: Stopping.", "NoLeader"],
  ["Error: Outcome unknown.", "Unknown"],
  ["Error: Usage:", "Usage"],
  ["Error: Unknown command", "Usage"],
];

/** What `reply` to a command says. A key may hold any text, so success is looked for first. */
export function classifyReply({ name }: CommandTraits, reply: string): ReplyKind {
  if (SUCCESS.get(name)?.(reply) === true || !reply.startsWith("Error: ")) return "Done";
  if ((name === "GET" || name === "DELETE") && reply.endsWith(" does not exist.")) return "NotFound";
  return REFUSALS.find(([prefix]) => reply.startsWith(prefix))?.[1] ?? "Failed";
}

/** The node that a refusal names as the leader. */
export function namedLeader(reply: string): NodeId | undefined {
  const digits = /^Error: Not leader\. Current leader is Node ([0-9]{1,10})$/.exec(reply)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** The exit code of a command with that outcome. */
export function exitCodeOf(kind: ReplyKind): number {
  switch (kind) {
    case "Done":
      return EXIT.ok;
    case "NotFound":
      return EXIT.notFound;
    case "NotLeader":
    case "NoLeader":
      return EXIT.noLeader;
    case "Unknown":
      return EXIT.unknown;
    case "Usage":
      return EXIT.usage;
    case "Failed":
      return EXIT.failure;
  }
}
