/** Looks now and then whether all nodes have the same state: says so where they have not, and sees to it that they have again (ADR 42). */

import type { Clock } from "../../base/clock.ts";
import type { Registry } from "../../observe/metrics.ts";
import { METRIC } from "../../observe/names.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId } from "../../raft/types.ts";
import type { PeerInfo, StateCheck, Transport } from "../../transport/transport.ts";
import type { ClusterClock } from "../clock/cluster_clock.ts";
import type { ClusterTime } from "../clock/cluster_time.ts";
import type { AppliedState } from "../effects/applied.ts";
import type { PendingReads } from "../reads/pending_reads.ts";
import { SUSPECT_MS } from "../limits.ts";
import type { NodeLog } from "../options.ts";
import type { Proposals } from "../writes/proposals.ts";
import { compareChecks, type Comparison, type Difference, isMajorityOfEach, type Split } from "./comparison.ts";
import type { MemorySweep } from "./memory_sweep.ts";
import type { Quarantine } from "./quarantine.ts";
import type { StateChecks } from "./state_checks.ts";

/** What it looks at, and whom it tells. */
export interface SelfCheckParts {
  readonly raft: Pick<RaftNode, "id" | "isFounding" | "configuration">;
  readonly transport: Pick<Transport, "peers">;
  readonly applied: Pick<AppliedState, "state" | "id">;
  readonly checks: StateChecks;
  readonly clock: Pick<Clock, "now">;
  readonly clusterClock: Pick<ClusterClock, "now">;
  readonly time: Pick<ClusterTime, "takeTurn">;
  readonly proposals: Pick<Proposals, "addTime" | "fence">;
  readonly reads: Pick<PendingReads, "endAll">;
  readonly sweep: Pick<MemorySweep, "foundAt" | "foundIndex" | "watch">;
  readonly quarantine: Pick<Quarantine, "isOn" | "isFenced" | "begin" | "fence">;
  readonly metrics: Registry;
  readonly log: NodeLog;
}

const NOTHING: Comparison = { differing: new Map(), agreeing: new Map(), split: undefined };

/**
 * Compares what this node has with what its peers tell, and says each difference once. One that differs goes into quarantine by itself; a leader brings
 * the next comparison about.
 */
export class SelfCheck {
  readonly #parts: SelfCheckParts;
  #comparison = NOTHING;
  /** Nodes of which it was said that they differ. */
  readonly #told = new Set<NodeId>();
  #toldSplit = 0;

  /** Nothing is compared yet. */
  constructor(parts: SelfCheckParts) {
    this.#parts = parts;
    const { metrics, raft, sweep, transport } = parts;
    sweep.watch(() => this.#judgeItself(transport.peers()));
    metrics.gauge(METRIC.replicasDiffering, () => differingIn(this.#comparison));
    metrics.gauge(METRIC.checkedIndex, () => this.#comparison.agreeing.get(raft.id) ?? 0);
  }

  /** To be called more often than peers are pinged, each of which replaces what the peer told before. */
  look(): void {
    const peers = this.#parts.transport.peers();
    this.#compare(peers);
    this.#judgeItself(peers);
    this.#bringAbout();
  }

  /** Both where two are in force. */
  get #voterSets(): readonly (readonly NodeId[])[] {
    const { voters, votersOld } = this.#parts.raft.configuration;
    return [voters, votersOld].filter((set) => set.length > 0);
  }

  #compare(peers: readonly PeerInfo[]): void {
    const { raft: { id: self }, checks } = this.#parts;
    const told = new Map<NodeId, readonly StateCheck[]>([[self, checks.last]]);
    const heard = new Set([self]);
    for (const { id, status, reachable } of peers) {
      told.set(id, status?.checks ?? []);
      if (reachable) heard.add(id);
    }
    const voterSets = this.#voterSets;
    this.#comparison = voterSets.length === 0 ? NOTHING : compareChecks({ voterSets, checks: told, heard });
    const { differing, agreeing, split } = this.#comparison;
    for (const [id, difference] of differing) this.#tell(id, difference);
    for (const id of agreeing.keys()) {
      if (this.#told.delete(id)) this.#parts.log("info", `Node ${id} has the same state as a majority again`);
    }
    if (split !== undefined) this.#tellSplit(split);
  }

  /**
   * A majority has another state, or the memory is damaged. It goes, if those that are sound are there and are a majority without it. Until that
   * is certain it answers nothing where they may be: what they have told of their logs is up to a second old.
   */
  #judgeItself(peers: readonly PeerInfo[]): void {
    const { raft: { id: self }, quarantine, sweep, applied: { state, id } } = this.#parts;
    const difference = this.#comparison.differing.get(self);
    if (quarantine.isOn) return;
    const isWrong = difference !== undefined || sweep.foundAt !== undefined;
    const isForLong = difference !== undefined || this.#isSuspectForLong;
    // Who has a new directory, or lags far, is there as well, but nothing is committed with it until it has caught up.
    const held = isForLong ? difference?.index ?? sweep.foundIndex : 0;
    const isSpared = isWrong && this.#areEnoughWithoutIt(peers, { held, difference });
    this.#fence(isSpared);
    if (!isSpared || !isForLong) return;
    quarantine.begin({
      what: difference === undefined
        ? "its memory does not hold what was written there"
        : `at entry ${difference.index} a majority has the digest ${difference.ofMajority}, and this node ${difference.digest}`,
      lastApplied: id.index,
      digest: state.digest,
      ...difference === undefined ? {} : { compared: difference },
    });
  }

  #areEnoughWithoutIt(
    peers: readonly PeerInfo[],
    { held, difference }: { readonly held: number; readonly difference: Difference | undefined },
  ): boolean {
    const { differing, agreeing } = this.#comparison;
    const sound = peers.filter(({ id, reachable, status }) => {
      const isWell = reachable && status !== undefined && status.quarantined !== true && status.suspect !== true;
      return isWell && status.lastDurable.index >= held && !differing.has(id) &&
        (difference === undefined || agreeing.has(id));
    });
    return isMajorityOfEach(this.#voterSets, new Set(sound.map(({ id }) => id)));
  }

  /** What is open ends at once: its outcome would be told from the state. */
  #fence(isFenced: boolean): void {
    const { quarantine, proposals, reads } = this.#parts;
    if (quarantine.isFenced === isFenced) return;
    quarantine.fence(isFenced);
    if (!isFenced) return;
    proposals.fence();
    reads.endAll("Quarantined");
  }

  /** For so long that the others know it: of two that find damage at once none goes where one alone may. */
  get #isSuspectForLong(): boolean {
    const { sweep: { foundAt }, clock } = this.#parts;
    return foundAt !== undefined && clock.now() - foundAt >= SUSPECT_MS;
  }

  #tell(id: NodeId, { index, digest, ofMajority }: Difference): void {
    if (this.#told.has(id)) return;
    this.#told.add(id);
    this.#parts.log(
      "error",
      `At entry ${index} node ${id} has another state than a majority: its digest is ${digest}, theirs ${ofMajority}`,
    );
  }

  #tellSplit({ index, digests }: Split): void {
    if (index <= this.#toldSplit) return;
    this.#toldSplit = index;
    const all = [...digests].sort(([left], [right]) => left - right).map(([id, digest]) => `node ${id} ${digest}`);
    this.#parts.log("error", `At entry ${index} no majority has the same state; the digests are: ${all.join(", ")}`);
  }

  /** Without writes no entry moves the time on: what was written last is compared all the same. */
  #bringAbout(): void {
    const { raft, applied: { state }, checks, clock, clusterClock, time, proposals } = this.#parts;
    if (raft.isFounding || !checks.isDue(state, clusterClock.now())) return;
    if (time.takeTurn(clock.now())) proposals.addTime();
  }
}

/** Without a majority nobody knows who is right: all that told their digest count. */
function differingIn({ differing, split }: Comparison): number {
  return Math.max(differing.size, split?.digests.size ?? 0);
}
