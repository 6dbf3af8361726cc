/** Whether the cluster takes writes again: by way of every node, in every protocol. */

import type { Node } from "../../lib/node/node.ts";
import type { Workload } from "./clients.ts";
import type { SimServer } from "./server.ts";

/** The ways to write. In the text protocol only the leader does; the others pass a write on to it. */
export const PROTOCOLS = ["api", "text", "resp", "http"] as const;

/** Those in which a simulated client can show who it is without the work of a password. */
export const PROTOCOLS_WITH_USERS: readonly Protocol[] = ["api", "http"];

/** One of them. */
export type Protocol = (typeof PROTOCOLS)[number];

/** Where one write is sent, and who is told when it is done. */
export interface ProbedNode {
  readonly server: SimServer;
  readonly node: Node;
  readonly done: () => void;
}

const PROBE_MS = 200;
/** Where a limit is so low that one write of a client fills it, room is there for moments only. */
const PROBE_LOWERED_MS = 20;

/** What the operations done in peace are counted as. */
export function nameOfPeaceWrite(protocol: Protocol): string {
  return `peace write by ${protocol}`;
}

/** Sends writes by way of nodes until each has done one in each protocol. */
export class Probes {
  readonly #workload: Workload;
  readonly #now: () => number;
  readonly #everyMs: number;
  readonly #protocols: readonly Protocol[];
  readonly #done = new Set<string>();
  #lacking: readonly string[] = [];
  #tries = 0;
  #nextAt = 0;

  /** Nothing was done yet. */
  constructor(
    workload: Workload,
    { now, lowered, users }: { now(): number; readonly lowered: boolean; readonly users: boolean },
  ) {
    this.#protocols = users ? PROTOCOLS_WITH_USERS : PROTOCOLS;
    this.#workload = workload;
    this.#now = now;
    this.#everyMs = lowered ? PROBE_LOWERED_MS : PROBE_MS;
  }

  /** Whether every one of `servers` has done a write in each protocol, and the leader one of the text protocol; else tries on. */
  haveDone(servers: readonly SimServer[]): boolean {
    const lacking = servers.map((server) => ({ server, protocols: this.#lackingAt(server) }));
    this.#lacking = lacking.flatMap(({ server, protocols }) => protocols.map((each) => placeOf(each, server)));
    if (this.#lacking.length === 0) return true;
    if (this.#now() < this.#nextAt) return false;
    this.#nextAt = this.#now() + this.#everyMs;
    this.#tries += 1;
    for (const { server, protocols } of lacking) {
      // One at a time: together they would take each other's room where a limit is low.
      const protocol = protocols[this.#tries % Math.max(1, protocols.length)];
      const { node } = server;
      if (protocol === undefined || node === undefined) continue;
      this.#workload.probe(protocol, { server, node, done: () => this.#noteDone(protocol, server) });
    }
    return false;
  }

  /** What was not done when it was last looked; "" for nothing. */
  describeLack(): string {
    const lacking = [...new Set(this.#lacking)];
    return lacking.length === 0 ? "" : `; no write was done by ${lacking.join(", ")}`;
  }

  #lackingAt(server: SimServer): readonly Protocol[] {
    return this.#protocols.filter((protocol) => !this.#done.has(placeOf(protocol, server)));
  }

  #noteDone(protocol: Protocol, server: SimServer): void {
    this.#done.add(placeOf(protocol, server));
    this.#workload.count(nameOfPeaceWrite(protocol));
    // The next one at once: peace shall not take longer than it must.
    this.#nextAt = this.#now();
  }
}

/** Which of the nodes leads is theirs to know: a write of the text protocol counts wherever it was done. */
function placeOf(protocol: Protocol, { id }: SimServer): string {
  return protocol === "text" ? "text at the leader" : `${protocol} at node ${id}`;
}
