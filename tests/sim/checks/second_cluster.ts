/** A cluster has one id for ever, and servers with empty directories begin no other one once somebody told them of data. */

import type { NodeId } from "../../../lib/raft/types.ts";
import type { Greeting } from "../../../lib/transport/transport.ts";
import type { Step, Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import type { SimServer } from "../server.ts";

/** What was said in one turn of a process may be acted upon in the next. */
const GRACE_MS = 50;

/** Follows what is said in handshakes, by what passes through the network and not by what the servers make of it. */
export class SecondCluster implements Check {
  readonly name = "second-cluster";
  readonly #told = new Map<SimServer, { readonly by: NodeId; readonly atMs: number }>();
  readonly #leading = new Set<SimServer>();
  readonly #violate: Violate;
  readonly #now: () => number;
  #clusterId: string | undefined;

  constructor(now: () => number, violate: Violate) {
    this.#now = now;
    this.#violate = violate;
  }

  /** See `Check`. */
  greeted(server: SimServer, { clusterId, nodeId: by }: Greeting): void {
    if (clusterId !== "" && !this.#told.has(server)) this.#told.set(server, { by, atMs: this.#now() });
  }

  /** See `Check`. */
  ended(server: SimServer): void {
    this.#told.delete(server);
    this.#leading.delete(server);
  }

  /** See `Check`. */
  stepped(server: SimServer, step: Step): void {
    const { raft: { clusterId } } = step;
    if (server.isGuest) this.#judgeGuest(server, step);
    else if (clusterId !== undefined && clusterId !== this.#clusterId) {
      if (this.#clusterId !== undefined) {
        this.#violate(`node ${server.id} is of cluster ${clusterId}, others of ${this.#clusterId}`);
      }
      this.#clusterId = clusterId;
    }
  }

  #judgeGuest(server: SimServer, { raft, event, update }: Step): void {
    const { role, lastEntry: { index } } = raft;
    const begins = role === "Leader" && !this.#leading.has(server) && index <= 1;
    if (role === "Leader") this.#leading.add(server);
    else this.#leading.delete(server);
    const isAsked = event.type === "Receive" && event.message.type === "RequestVote" &&
      event.message.lastLogIndex === 0;
    const votes = isAsked && index === 0 && [...update.messages, ...update.durableMessages].some((message) => {
      return message.type === "RequestVoteResult" && message.voteGranted;
    });
    const told = this.#told.get(server);
    if (told === undefined || this.#now() - told.atMs <= GRACE_MS || !(begins || votes)) return;
    const what = begins ? "begins a cluster" : "votes for one that begins a cluster";
    const since = `${(this.#now() - told.atMs).toFixed(0)} ms after node ${told.by} told it that there is data`;
    this.#violate(`node ${server.id}, whose directory is empty, ${what} ${since}`);
  }
}
