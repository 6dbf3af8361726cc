/** What a check of the simulator is: it sees every step and every message, and says when something that must hold does not. */

import type { Event } from "../../lib/raft/events.ts";
import type { Message } from "../../lib/raft/messages.ts";
import type { RaftNode } from "../../lib/raft/raft_node.ts";
import type { Entry } from "../../lib/raft/types.ts";
import type { Update } from "../../lib/raft/update.ts";
import type { Greeting } from "../../lib/transport/transport.ts";
import type { SimServer } from "./server.ts";

/** One step of a core; its effects are not performed yet. */
export interface Step {
  readonly raft: RaftNode;
  readonly event: Event;
  readonly update: Update;
}

/** Says that something does not hold. */
export type Violate = (message: string) => void;

/** A check; each method is called when that has happened. */
export interface Check {
  readonly name: string;
  stepped?(server: SimServer, step: Step): void;
  /** A message leaves a process. */
  sent?(server: SimServer, message: Message): void;
  /** An entry was committed by the leader `raft`: no server had applied one at its index before. */
  committed?(entry: Entry, raft: RaftNode): void;
  /** A process has heard the greeting of another one. */
  greeted?(server: SimServer, greeting: Greeting): void;
  started?(server: SimServer): void;
  ended?(server: SimServer): void;
  /** The directory of a server is new. */
  wiped?(server: SimServer): void;
  /** Called every 100 simulated ms. */
  watch?(): void;
}
