/** What a leader appends to the log without a client: counted by kind, and kept from following the ups and downs of others. */

import type { Counter, Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { LogWrite } from "../../raft/update.ts";
import type { WriteOutcome } from "../api.ts";
import { OWN_CONFIGURATION_MS, OWN_CONFIGURATIONS_MAX } from "../limits.ts";

/**
 * Counts the entries of this leader that nobody asked for.
 *
 * Those that let keys expire are bounded where they are made (`SWEEP_MS_MIN`), and there is one no-op for each leader. What is
 * left are configurations: the leader records what servers say of themselves, and two that claim one place could take turns for
 * ever. So it has a budget: enough for the start of a cluster and for nodes that move, then one entry in a while.
 */
export class OwnEntries {
  readonly #raft: Pick<RaftNode, "role">;
  readonly #noOps: Counter;
  readonly #configurations: Counter;
  readonly #times: Counter;
  #budget = OWN_CONFIGURATIONS_MAX;
  #budgetAt: number;
  /** This leader has asked for a change by itself, and not all of its configurations are written. */
  #isConfiguring = false;

  /** `now` is monotonic milliseconds. */
  constructor(raft: Pick<RaftNode, "role">, { metrics, now }: { readonly metrics: Registry; readonly now: number }) {
    const family = metrics.counterFamily(METRIC.ownEntries, ["kind"]);
    this.#raft = raft;
    this.#noOps = family.counter(["no_op"]);
    this.#configurations = family.counter(["configuration"]);
    this.#times = family.counter(["time"]);
    this.#budgetAt = now;
  }

  /** Takes note of what a step has written: the core appends its own entries one at a time. */
  written(writes: readonly LogWrite[]): void {
    if (this.#raft.role !== "Leader") return;
    for (const { run } of writes) {
      if (run.isNoOp) this.#noOps.add();
      if (run.configurations.length === 0) continue;
      this.#configurations.add();
      if (!this.#isConfiguring) continue;
      this.#budget -= 1;
      const [last] = run.configurations.slice(-1);
      this.#isConfiguring = last !== undefined && last.configuration.votersOld.length > 0;
    }
  }

  /** An entry that says how late it is has its outcome. */
  advanced({ type }: WriteOutcome): void {
    if (type !== "NotDone") this.#times.add();
  }

  /**
   * Whether the leader may change the configuration by itself at `now`; then it is about to. What an operator asks for is not refused by this,
   * and takes nothing of the budget: however much is changed by request, a server that joins is recorded at once.
   */
  configures(now: number): boolean {
    const earned = Math.floor((now - this.#budgetAt) / OWN_CONFIGURATION_MS);
    this.#budgetAt += earned * OWN_CONFIGURATION_MS;
    this.#budget = Math.min(OWN_CONFIGURATIONS_MAX, this.#budget + earned);
    this.#isConfiguring = this.#budget > 0;
    return this.#isConfiguring;
  }
}
