/** What a leader does for nodes in quarantine: it sends them its state. */

import type { Clock } from "../../base/clock.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import type { PeerInfo, Transport } from "../../transport/transport.ts";
import type { ClusterTime } from "../clock/cluster_time.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { Inbox } from "../inbox.ts";
import type { Lifetime } from "../lifetime.ts";
import { GrowingPause } from "../growing_pause.ts";
import { HANDOVER_RETRY_MS, REPAIR_LOOK_MS, REPAIR_RETRY_MS_MAX } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import type { Snapshots } from "../snapshots/snapshots.ts";
import type { Proposals } from "../writes/proposals.ts";
import type { MemorySweep } from "./memory_sweep.ts";
import type { Quarantine } from "./quarantine.ts";

/** What it looks at, and what it lets others do. */
export interface RepairParts {
  readonly raft: Pick<RaftNode, "role" | "configuration">;
  readonly transport: Pick<Transport, "peers">;
  readonly quarantine: Pick<Quarantine, "isOn">;
  readonly sweep: Pick<MemorySweep, "foundAt">;
  readonly snapshots: Pick<Snapshots, "newest" | "take">;
  readonly applied: Pick<AppliedState, "id">;
  readonly clock: Pick<Clock, "now">;
  readonly time: Pick<ClusterTime, "takeTurn">;
  readonly proposals: Pick<Proposals, "addTime">;
  readonly inbox: Pick<Inbox, "put">;
  readonly lifetime: Pick<Lifetime, "fail">;
  readonly log: NodeLog;
}

const MS_PER_SECOND = 1_000;

/** A snapshot replaces a state only where it is newer than all that is committed there (B12), and a node in quarantine commits nothing more. */
export class Repair {
  readonly #parts: RepairParts;
  readonly #pause = new GrowingPause({ msMin: REPAIR_LOOK_MS, msMax: REPAIR_RETRY_MS_MAX });
  #lookedAt = -Infinity;
  #isTaking = false;
  /** No snapshot is taken before: the last one failed. */
  #takesFrom = -Infinity;
  /** Nobody is asked to lead before: somebody was. */
  #handsOverFrom = -Infinity;

  /** Nobody is repaired yet. */
  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Takes the next step for each of them, at most every `REPAIR_LOOK_MS`. */
  look(): void {
    const { raft, clock, quarantine, sweep, transport } = this.#parts;
    const now = clock.now();
    if (raft.role !== "Leader" || quarantine.isOn) return;
    if (sweep.foundAt !== undefined) return this.#handOver(now);
    if (now - this.#lookedAt < REPAIR_LOOK_MS) return;
    this.#lookedAt = now;
    const { members } = raft.configuration;
    for (const peer of transport.peers()) {
      const isWaiting = peer.reachable && peer.status?.quarantined === true;
      if (isWaiting && members.some(({ id }) => id === peer.id)) this.#repair(peer, now);
    }
  }

  /**
   * Its own state is not to be given to anybody: one that is sound leads, and repairs both, one after the other. Of those the one with the
   * longest log is asked: the leader takes no writes while it waits for that one to have all of it, which another may never have.
   */
  #handOver(now: number): void {
    const { raft: { configuration: { voters } }, transport, inbox } = this.#parts;
    if (now < this.#handsOverFrom) return;
    const [best] = transport.peers().filter(({ id, reachable, status }) =>
      reachable && voters.includes(id) && status?.quarantined !== true && status?.suspect !== true
    ).sort((left, right) => durableOf(right) - durableOf(left));
    if (best === undefined) return;
    this.#handsOverFrom = now + HANDOVER_RETRY_MS;
    inbox.put({ type: "TransferLeadership", target: best.id });
  }

  #repair({ id, status }: PeerInfo, now: number): void {
    const { snapshots, applied, inbox, proposals, time } = this.#parts;
    const held = Math.max(status?.commitIndex ?? 0, status?.lastApplied ?? 0);
    if ((snapshots.newest?.index ?? 0) > held) return inbox.put({ type: "SendSnapshot", peer: id });
    if (applied.id.index <= held) {
      if (time.takeTurn(now)) proposals.addTime();
      return;
    }
    if (this.#isTaking || now < this.#takesFrom) return;
    this.#isTaking = true;
    this.#takeFor(id).catch((error: unknown) => this.#parts.lifetime.fail(error));
  }

  async #takeFor(id: NodeId): Promise<void> {
    const { snapshots, clock, log } = this.#parts;
    const outcome = await snapshots.take();
    this.#isTaking = false;
    if (outcome.type !== "Failed") return this.#pause.succeeded();
    const ms = this.#pause.failed();
    this.#takesFrom = clock.now() + ms;
    const next = `the next attempt is in ${ms / MS_PER_SECOND} s`;
    log("warn", `Cannot take a snapshot for node ${id}: ${outcome.message}; ${next}`);
  }
}

function durableOf({ status }: PeerInfo): number {
  return status?.lastDurable.index ?? 0;
}
