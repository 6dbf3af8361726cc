/** What is committed would outlive a power loss on a majority: read from the disks, whatever the cores believe. */

import type { Random } from "../../../lib/base/random.ts";
import type { Entry, NodeId } from "../../../lib/raft/types.ts";
import type { Step, Violate } from "../../support/raft/checks/check.ts";
import type { Check } from "../check.ts";
import { isMajority, majoritySets } from "../../support/raft/checks/quorum_at_commit.ts";
import { holdsEntry, readDurableLog } from "../durable_log.ts";
import type { SimServer } from "../server.ts";
import type { Shadows } from "../../support/raft/checks/shadow.ts";

/** Reading whole directories is dear, so chance decides which commits are looked at. */
const LOOK_PROBABILITY = 0.03;

/** Where this check looks. */
export interface QuorumOnDisksParts {
  readonly random: Random;
  readonly shadows: Shadows;
  readonly servers: readonly SimServer[];
}

/** Reads the disks of all voters, the leader's own among them. */
export class QuorumOnDisks implements Check {
  readonly name = "quorum-on-disks";
  readonly #parts: QuorumOnDisksParts;
  readonly #violate: Violate;

  constructor(parts: QuorumOnDisksParts, violate: Violate) {
    this.#parts = parts;
    this.#violate = violate;
  }

  /** See `Check`. */
  committed(entry: Entry, raft: Step["raft"]): void {
    if (!this.#parts.random.chance(LOOK_PROBABILITY)) return;
    const sets = majoritySets(raft.configuration);
    const reads = new Map<NodeId, Promise<boolean>>();
    for (const id of sets.flat()) reads.set(id, reads.get(id) ?? this.#holds(id, entry));
    for (const set of sets) {
      Promise.all(set.map(async (id) => await reads.get(id) === true ? [id] : [])).then((found) => {
        const holders = found.flat();
        if (isMajority(holders, set)) return;
        this.#violate(`entry ${entry.index}/${entry.term} is committed, but on the disks of ${holders} of ${set} only`);
      }, (error: unknown) => this.#violate(`a disk cannot be read: ${error}`));
    }
  }

  /** What was durable in a directory that is lost or damaged on purpose counts as it was promised. */
  async #holds(id: NodeId, { index, term }: Entry): Promise<boolean> {
    const promised = this.#parts.shadows.of(id).hasDurably(index, term);
    const server = this.#parts.servers[id];
    const reading = server === undefined || server.hasLostData ? undefined : readDurableLog(server);
    return reading === undefined ? promised : holdsEntry(await reading, { index, term });
  }
}
