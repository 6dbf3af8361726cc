/** Whether the cluster takes writes again: by way of every node, in every protocol. */

import type { Workload } from "./clients.ts";
import type { SimServer } from "./server.ts";

const PROBE_MS = 200;

/** Sends writes by way of nodes until each has done one. */
export class Probes {
  readonly #workload: Workload;
  readonly #now: () => number;
  readonly #done = new Set<number>();
  #textDone = false;
  #nextAt = 0;

  /** Nothing was done yet. */
  constructor(workload: Workload, now: () => number) {
    this.#workload = workload;
    this.#now = now;
  }

  /** Whether every one of `servers` has passed a write on or done it, and the leader one of the text protocol; else tries on. */
  haveDone(servers: readonly SimServer[]): boolean {
    const lacking = servers.filter(({ id }) => !this.#done.has(id));
    if (lacking.length === 0 && this.#textDone) return true;
    if (this.#now() < this.#nextAt) return false;
    this.#nextAt = this.#now() + PROBE_MS;
    // Which of them leads is theirs to know: the text protocol is tried on all.
    for (const server of this.#textDone ? lacking : servers) {
      this.#workload.probe(server, (protocol) => {
        if (protocol === "text") this.#textDone = true;
        else this.#done.add(server.id);
      });
    }
    return false;
  }
}
