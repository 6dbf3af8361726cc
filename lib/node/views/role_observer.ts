/** Notices changes of role, term and leader, and how AppendEntries ended, for the log and the metrics. */

import type { Counter, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { Event } from "../../raft/events.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId, Role, Term } from "../../raft/types.ts";
import type { NodeLog } from "../options.ts";

/** Looks at the core after each pass. */
export class RoleObserver {
  readonly #raft: RaftNode;
  readonly #log: NodeLog;
  readonly #elections: Counter;
  readonly #leaderChanges: Counter;
  readonly #appendSuccesses: Counter;
  readonly #appendFailures: Counter;
  #role: Role;
  #term: Term;
  #leaderId: NodeId | undefined;
  readonly #strayTerms: Counter;
  #strays = 0;

  /** Begins with what the core is now. */
  constructor(raft: RaftNode, parts: { metrics: Registry; log: NodeLog }) {
    this.#raft = raft;
    this.#log = parts.log;
    this.#elections = parts.metrics.counter(METRIC.elections);
    this.#leaderChanges = parts.metrics.counter(METRIC.leaderChanges);
    this.#appendSuccesses = parts.metrics.counter(METRIC.appendSuccess);
    this.#appendFailures = parts.metrics.counter(METRIC.appendFailure);
    this.#strayTerms = parts.metrics.counter(METRIC.strayTerms);
    this.#role = raft.role;
    this.#term = raft.currentTerm;
    this.#leaderId = raft.leaderId;
  }

  /** Counts an answer to AppendEntries. */
  count(event: Event): void {
    if (event.type !== "Receive" || event.message.type !== "AppendEntriesResult") return;
    if (event.message.success) this.#appendSuccesses.add();
    else this.#appendFailures.add();
  }

  /** Logs and counts what changed since the last call. */
  observe(): void {
    this.#countStrays();
    const { role, currentTerm: term, leaderId } = this.#raft;
    if (this.#role === role && this.#term === term && this.#leaderId === leaderId) return;
    if (role === "Candidate" && this.#term !== term) this.#elections.add();
    if (leaderId !== undefined && (leaderId !== this.#leaderId || term !== this.#term)) {
      this.#leaderChanges.add();
      const who = role === "Leader" ? "this node is the leader" : `node ${leaderId} is the leader`;
      this.#log("info", `Term ${term}: ${who}`);
    } else if (leaderId === undefined && this.#leaderId !== undefined) {
      this.#log("warn", `Term ${term}: no leader`);
    }
    this.#role = role;
    this.#term = term;
    this.#leaderId = leaderId;
  }

  /** Each ten times as many are told again: who sends such terms may send very many. */
  #countStrays(): void {
    const { strayTerms } = this.#raft;
    if (strayTerms === this.#strays) return;
    this.#strayTerms.add(strayTerms - this.#strays);
    const hasMoreDigits = this.#strays === 0 || String(strayTerms).length > String(this.#strays).length;
    this.#strays = strayTerms;
    if (!hasMoreDigits) return;
    this.#log("warn", `Messages with a term that no election leads to, dropped so far: ${strayTerms}`);
  }
}
