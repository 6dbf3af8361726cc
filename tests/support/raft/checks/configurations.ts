/**
 * Raft 6: a server goes by the last configuration in its log, so one that was cut off, or that a snapshot replaced, is no
 * longer in force; and a leader exchanges voters through a joint configuration only.
 */

import { type Configuration, ZERO_ENTRY_ID } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import { contentOf } from "./log_matching.ts";

/** Compares the configuration in force after each step with what the step did to the log. */
export class Configurations implements RaftCheck {
  readonly name = "configurations";
  /** In force before the step, by life, and where it stands. */
  readonly #before = new WeakMap<object, { readonly configuration: Configuration; readonly index: number }>();
  readonly #violate: Violate;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, step: Step): void {
    const { raft, event } = step;
    const before = this.#before.get(server.life);
    if (before?.configuration === raft.configuration && event.type === "Tick") return;
    this.#before.set(server.life, { configuration: raft.configuration, index: raft.configurationIndex });
    this.#judgeWrites(server, step, before?.configuration);
    if (event.type !== "SnapshotInstalled") return;
    const { lastIncluded, configuration } = event.snapshot;
    const isAll = raft.lastEntry.index === lastIncluded.index && raft.lastEntry.term === lastIncluded.term;
    if (!isAll || textOf(configuration) === textOf(raft.configuration)) return;
    this.#violate(`node ${server.id} has installed a snapshot at ${lastIncluded.index} without its configuration`);
  }

  #judgeWrites(server: CheckedServer, { raft, event, update }: Step, known: Configuration | undefined): void {
    let before = known;
    const isLeaders = event.type !== "Receive" || event.message.type !== "AppendEntries";
    const first = update.writes[0]?.run.firstIndex ?? Infinity;
    let last: number | undefined;
    for (const { run } of update.writes) {
      for (const { index, configuration } of run.configurations) {
        if (isLeaders && before !== undefined && exchangesVoters(before, configuration)) {
          this.#violate(`node ${server.id} exchanges voters at ${index} without a joint configuration`);
        }
        before = configuration;
        last = index;
      }
    }
    if (first > raft.configurationIndex && last === undefined) return;
    if (raft.configurationIndex === last || (last === undefined && raft.configurationIndex < first)) return;
    this.#violate(
      `node ${server.id} goes by configuration ${raft.configurationIndex}, which was replaced from ${first} on`,
    );
  }
}

/** Whether no majority of the one is sure to overlap every majority of the other: the voters differ, and neither is joint. */
function exchangesVoters(before: Configuration, after: Configuration): boolean {
  if (before.voters.length === 0 || after.votersOld.join() === before.voters.join()) return false;
  return after.voters.join() !== before.voters.join();
}

function textOf(configuration: Configuration): string {
  return contentOf({ type: "Configuration", ...ZERO_ENTRY_ID, configuration });
}
