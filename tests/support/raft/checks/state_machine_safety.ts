/** Raft 5.4.3: no two servers apply different entries at one index, and each applies them in order, once in its life. */

import type { Entry, NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { CommittedLog } from "./committed_log.ts";
import { contentOf } from "./log_matching.ts";
import { entriesIn } from "../../runs.ts";

/** Compares what is applied with what was applied first, which it appends to the reference. */
export class StateMachineSafety implements RaftCheck {
  readonly name = "state-machine-safety";
  readonly #applied = new Map<NodeId, number>();
  readonly #committedLog: CommittedLog;
  readonly #committed: RaftCheck["committed"];
  readonly #violate: Violate;

  /** `committed` hears of each entry that is applied for the first time. */
  constructor(
    parts: { readonly log: CommittedLog; readonly committed: Required<RaftCheck>["committed"] },
    violate: Violate,
  ) {
    this.#committedLog = parts.log;
    this.#committed = parts.committed;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, { raft, update, event }: Step): void {
    if (event.type === "SnapshotInstalled") this.#applied.set(server.id, event.snapshot.lastIncluded.index);
    for (const entry of entriesIn(update.apply)) {
      // A new life begins with the state of its snapshot.
      const last = this.#applied.get(server.id) ?? raft.status().snapshot.index;
      if (entry.index !== last + 1) {
        this.#violate(`node ${server.id} applies entry ${entry.index} after ${last}`);
      }
      this.#applied.set(server.id, entry.index);
      const known = this.#committedLog.at(entry.index);
      if (known === undefined) this.#first(server, { entry, raft });
      else if (known.term !== entry.term || contentOf(known) !== contentOf(entry)) {
        this.#violate(
          `node ${server.id} applies ${entry.index}/${entry.term} where ${known.index}/${known.term} was applied before`,
        );
      }
    }
  }

  /** See `RaftCheck`. */
  ended(server: CheckedServer): void {
    this.#applied.delete(server.id);
  }

  #first(server: CheckedServer, { entry, raft }: { readonly entry: Entry; readonly raft: Step["raft"] }): void {
    const expected = this.#committedLog.lastIndex + 1;
    if (entry.index !== expected) {
      this.#violate(`node ${server.id} applies entry ${entry.index} but the log that is known ends at ${expected - 1}`);
      return;
    }
    this.#committedLog.append(entry);
    this.#committed?.(entry, raft);
  }
}
