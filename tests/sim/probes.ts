/** Whether the cluster takes writes again: by way of every node, in every protocol. */

import type { Workload } from "./clients.ts";
import type { SimServer } from "./server.ts";

const PROBE_MS = 200;
/** Where a limit is so low that one write of a client fills it, room is there for moments only. */
const PROBE_LOWERED_MS = 20;

/** Sends writes by way of nodes until each has done one. */
export class Probes {
  readonly #workload: Workload;
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #done = new Set<number>();
  #textDone = false;
  #nextAt = 0;

  /** Nothing was done yet. */
  constructor(workload: Workload, { now, lowered }: { now(): number; readonly lowered: boolean }) {
    this.#workload = workload;
    this.#now = now;
    this.#everyMs = lowered ? PROBE_LOWERED_MS : PROBE_MS;
  }

  /** Whether every one of `servers` has passed a write on or done it, and the leader one of the text protocol; else tries on. */
  haveDone(servers: readonly SimServer[]): boolean {
    const lacking = servers.filter(({ id }) => !this.#done.has(id));
    if (lacking.length === 0 && this.#textDone) return true;
    if (this.#now() < this.#nextAt) return false;
    this.#nextAt = this.#now() + this.#everyMs;
    // Which of them leads is theirs to know: the text protocol is tried on all.
    for (const server of this.#textDone ? lacking : servers) {
      // What has been done by way of a node is not asked for again: it would take the room of what has not.
      if (!this.#done.has(server.id)) this.#workload.probe(server, () => this.#done.add(server.id));
      if (!this.#textDone) this.#workload.probeText(server, () => this.#textDone = true);
    }
    return false;
  }
}
