/** What a check over cores is: it sees every step and every message, and says when something that must hold does not. */

import type { Event } from "../../../../lib/raft/events.ts";
import type { Message } from "../../../../lib/raft/messages.ts";
import type { RaftNode } from "../../../../lib/raft/raft_node.ts";
import type { RaftStatus } from "../../../../lib/raft/status.ts";
import type { Entry, NodeId } from "../../../../lib/raft/types.ts";
import type { Update } from "../../../../lib/raft/update.ts";

/** What checks look at in a core. */
export type CheckedCore = Pick<
  RaftNode,
  | "role"
  | "currentTerm"
  | "leaderId"
  | "commitIndex"
  | "clusterId"
  | "configuration"
  | "configurationIndex"
  | "lastEntry"
  | "lastDurable"
  | "logTail"
  | "status"
>;

/** What checks know of a server, whether it is a process with a disk or a core alone. */
export interface CheckedServer {
  readonly id: NodeId;
  /** Another object in each life. */
  readonly life: object;
  /** Its directory is new and has to be admitted by the others. */
  readonly rejoins: boolean;
}

/** One step of a core; its effects are not performed yet. */
export interface Step {
  readonly raft: CheckedCore;
  readonly event: Event;
  readonly update: Update;
}

/** Says that something does not hold. */
export type Violate = (message: string) => void;

/** A check; each method is called when that has happened. */
export interface RaftCheck<Server extends CheckedServer = CheckedServer> {
  readonly name: string;
  stepped?(server: Server, step: Step): void;
  /** A message leaves a process. */
  sent?(server: Server, message: Message): void;
  /** An entry was committed, as `raft` says: no server had applied one at its index before. */
  committed?(entry: Entry, raft: CheckedCore): void;
  /** A server runs, with a core that it began in that state. */
  started?(server: Server, status: RaftStatus): void;
  ended?(server: Server): void;
  /** The directory of a server is new. */
  wiped?(server: Server): void;
}
