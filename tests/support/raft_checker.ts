/** Watches a cluster: the five properties of Raft figure 3, durability at commit, linearizable reads. Throws at the first flaw. */

import { checkInvariants, checkStep } from "../../lib/raft/invariants.ts";
import { hasQuorum } from "../../lib/raft/quorum.ts";
import type { RaftStatus } from "../../lib/raft/status.ts";
import type { Entry, NodeId } from "../../lib/raft/types.ts";
import type { Update } from "../../lib/raft/update.ts";
import type { SimServer } from "./sim_server.ts";

/** Thrown when a property does not hold. */
export class PropertyViolation extends Error {
  override readonly name = "PropertyViolation";
}

/** One step of one server, as the checker sees it. */
export interface ObservedStep {
  readonly server: SimServer;
  readonly before: RaftStatus;
  readonly update: Update;
}

/** Remembers everything that was ever true, and compares each step with it. */
export class RaftChecker {
  /** The highest index known to be committed. */
  highestCommitted = 0;
  readonly #servers: ReadonlyMap<NodeId, SimServer>;
  readonly #leaders = new Map<number, NodeId>();
  readonly #committed = new Map<number, Entry>();
  /** By index/term: the entry and the term of the one before it. */
  readonly #written = new Map<string, string>();
  /** By read: what was committed when it was asked. */
  readonly #reads = new Map<number, number>();

  constructor(servers: ReadonlyMap<NodeId, SimServer>) {
    this.#servers = servers;
  }

  /** A read is about to be asked. */
  asked(read: number): void {
    this.#reads.set(read, this.highestCommitted);
  }

  /** Checks everything that one step can break. */
  observe(step: ObservedStep): void {
    const after = step.server.node.status();
    const flaws = [...checkInvariants(step.server.node), ...checkStep(step.before, after, step.update)];
    if (flaws.length > 0) throw new PropertyViolation(flaws.join("; "));
    this.#checkElection(step, after);
    this.#checkLogMatching(step);
    this.#checkApplied(step, after);
    this.#checkReads(step.update);
  }

  /** Election safety and leader completeness. */
  #checkElection({ server, before }: ObservedStep, after: RaftStatus): void {
    if (after.role !== "Leader") return;
    const known = this.#leaders.get(after.currentTerm);
    expect(
      known === undefined || known === server.id,
      `Servers ${known} and ${server.id} lead in ${after.currentTerm}`,
    );
    this.#leaders.set(after.currentTerm, server.id);
    if (before.role === "Leader" && before.currentTerm === after.currentTerm) return;
    const log = new Map<number, Entry>();
    for (const entry of server.node.logTail(Number.MAX_SAFE_INTEGER)) log.set(entry.index, entry);
    for (const [index, entry] of this.#committed) {
      const complete = index < after.firstIndex || log.get(index)?.term === entry.term;
      expect(complete, `Leader ${server.id} of term ${after.currentTerm} lacks committed entry ${index}/${entry.term}`);
    }
  }

  /** Two logs that have an entry with the same index and term are equal up to it. */
  #checkLogMatching({ server, update }: ObservedStep): void {
    const first = update.writes[0]?.entries[0];
    // A sole voter that crashes before its new term is durable may use the term again: nobody has seen the first use.
    if (first === undefined || !server.isTermDurable) return;
    const tail = server.node.logTail(server.node.lastEntry.index - first.index + 2);
    let previous: Entry | undefined;
    for (const entry of tail) {
      if (previous !== undefined) this.#checkWritten(entry, previous);
      previous = entry;
    }
  }

  #checkWritten(entry: Entry, previous: Entry): void {
    const key = `${entry.index}/${entry.term}`;
    const content = `${previous.term} ${JSON.stringify(entry)}`;
    const known = this.#written.get(key);
    expect(known === undefined || known === content, `Entry ${key} is both ${known} and ${content}`);
    this.#written.set(key, content);
  }

  /** State machine safety: the same entry at the same index everywhere, each once, in order, durable on a quorum. */
  #checkApplied({ server, update }: ObservedStep, after: RaftStatus): void {
    server.applied.slice(-update.apply.length - 1).forEach((entry, at, tail) => {
      const previous = tail[at - 1];
      const inOrder = previous === undefined || entry.index === previous.index + 1;
      expect(inOrder, `Server ${server.id} applied ${entry.index} after ${previous?.index}`);
    });
    for (const entry of update.apply) {
      const known = this.#committed.get(entry.index);
      if (known !== undefined) {
        const same = JSON.stringify(known) === JSON.stringify(entry);
        expect(same, `Server ${server.id} applied another entry ${entry.index}: ${JSON.stringify([known, entry])}`);
        continue;
      }
      this.#committed.set(entry.index, entry);
      this.highestCommitted = Math.max(this.highestCommitted, entry.index);
      // The first to apply is the leader that committed, unless a follower heard of it while the leader was loading.
      if (after.role === "Leader") this.#checkDurable(entry, after);
    }
  }

  #checkDurable(entry: Entry, leader: RaftStatus): void {
    const durable = hasQuorum(leader.configuration, (id) => {
      const server = this.#servers.get(id);
      if (server === undefined) return false;
      if (server.snapshotIndex >= entry.index) return true;
      return server.durableLog.some((stored) => stored.index === entry.index && stored.term === entry.term);
    });
    expect(durable, `Entry ${entry.index}/${entry.term} is committed and not durable on a quorum`);
  }

  #checkReads(update: Update): void {
    for (const { id, index } of update.confirmedReads) {
      const least = this.#reads.get(id) ?? 0;
      expect(index >= least, `Read ${id} is served at ${index}, but ${least} was committed when it was asked`);
    }
  }
}

function expect(holds: boolean, what: string): void {
  if (!holds) throw new PropertyViolation(what);
}
