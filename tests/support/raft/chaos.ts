/** Random trouble for a cluster, all from its seed: one call, one thing that happens. Then a heal, and life must go on. */

import { assert } from "../../../lib/base/assert.ts";
import type { Random } from "../../../lib/base/random.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import type { RaftCluster } from "./cluster.ts";
import { memberOf } from "./values.ts";

/** How much of what happens. Each class is off in about a third of the seeds: rare faults need quiet around them. */
interface Weights {
  readonly act: (chaos: RaftChaos) => void;
  readonly weight: number;
  /** Never off. */
  readonly always: boolean;
}

const ACTIONS: readonly Weights[] = [
  { act: (chaos) => chaos.deliver(), weight: 90, always: true },
  { act: (chaos) => chaos.tick(), weight: 25, always: true },
  { act: (chaos) => chaos.sync(), weight: 25, always: true },
  { act: (chaos) => chaos.propose(), weight: 8, always: true },
  { act: (chaos) => chaos.read(), weight: 8, always: false },
  { act: (chaos) => chaos.load(), weight: 4, always: true },
  { act: (chaos) => chaos.deliverShuffled(), weight: 15, always: false },
  { act: (chaos) => chaos.duplicate(), weight: 4, always: false },
  { act: (chaos) => chaos.drop(), weight: 4, always: false },
  { act: (chaos) => chaos.snapshot(), weight: 2, always: false },
  { act: (chaos) => chaos.crash(), weight: 0.4, always: false },
  { act: (chaos) => chaos.restart(), weight: 0.8, always: true },
  { act: (chaos) => chaos.cut(), weight: 0.6, always: false },
  { act: (chaos) => chaos.heal(), weight: 0.3, always: true },
  { act: (chaos) => chaos.slowDown(), weight: 0.5, always: false },
  { act: (chaos) => chaos.disconnect(), weight: 0.8, always: false },
  { act: (chaos) => chaos.stall(), weight: 0.3, always: false },
  { act: (chaos) => chaos.change(), weight: 0.8, always: false },
  { act: (chaos) => chaos.transfer(), weight: 0.3, always: false },
];

/** What happened, to see that a test was not idle. */
export interface ChaosCounts {
  crashes: number;
  changes: number;
  snapshotsInstalled: number;
}

/** Acts on one cluster. */
export class RaftChaos {
  readonly counts: ChaosCounts = { crashes: 0, changes: 0, snapshotsInstalled: 0 };
  readonly #cluster: RaftCluster;
  readonly #random: Random;
  readonly #actions: readonly Weights[];
  readonly #total: number;
  #slow: NodeId | undefined;

  constructor(cluster: RaftCluster) {
    this.#cluster = cluster;
    this.#random = cluster.random.fork();
    this.#actions = ACTIONS.filter(({ always }) => always || this.#random.chance(0.67));
    this.#total = this.#actions.reduce((sum, { weight }) => sum + weight, 0);
  }

  /** Lets one thing happen. */
  next(): void {
    let at = this.#random.fraction() * this.#total;
    for (const { act, weight } of this.#actions) {
      at -= weight;
      if (at < 0) return act(this);
    }
  }

  /** Everything works again: within a bounded time there must be a leader, and all members must have the same log. */
  recover(): void {
    const cluster = this.#cluster;
    cluster.heal();
    for (const server of cluster.servers.values()) if (!server.up) cluster.restart(server.id);
    for (let round = 0; round < 40; round++) {
      cluster.run(10);
      if (this.#isCaughtUp()) break;
    }
    assert(this.#isCaughtUp(), "The healed cluster does not converge");
    const leader = cluster.leader;
    assert(leader !== undefined, "The healed cluster has no leader");
    const before = leader.node.commitIndex;
    const update = cluster.propose(leader.id, ["alive"]);
    assert(update?.accepted.length === 1, "The healed cluster takes no proposal");
    cluster.run(10);
    assert(leader.node.commitIndex > before, "The healed cluster commits nothing");
  }

  deliver(): void {
    this.#cluster.deliver();
  }

  deliverShuffled(): void {
    const { network } = this.#cluster;
    if (network.length > 0) this.#cluster.deliver(this.#random.below(Math.min(network.length, 20)));
  }

  duplicate(): void {
    const { network } = this.#cluster;
    if (network.length > 0) this.#cluster.deliver(this.#random.below(network.length), true);
  }

  drop(): void {
    const { network } = this.#cluster;
    if (network.length > 0) network.splice(this.#random.below(network.length), 1);
  }

  /** Clocks differ: a leader's may be slow, and it may be cut off: it will go on to believe that it leads. */
  slowDown(): void {
    this.#slow = this.#random.chance(0.7) ? this.#cluster.leader?.id : undefined;
    if (this.#slow !== undefined && this.#random.chance(0.5)) this.#cluster.isolate(this.#slow);
  }

  tick(): void {
    const id = this.#any();
    if (id === this.#slow && this.#random.chance(0.9)) return;
    this.#cluster.step(id, { type: "Tick" });
  }

  sync(): void {
    this.#cluster.sync(this.#any(), this.#random.between(1, 3));
  }

  propose(): void {
    const id = this.#random.chance(0.8) ? this.#cluster.leader?.id ?? this.#any() : this.#any();
    const commands: string[] = [];
    for (let count = this.#random.between(1, 6); count > 0; count--) {
      commands.push(`${this.#cluster.nextRequest()}`.padEnd(this.#random.between(1, 30), "."));
    }
    this.#cluster.propose(id, commands);
  }

  read(): void {
    const leaders = this.#cluster.running.filter(({ node }) => node.role === "Leader").map(({ id }) => id);
    const id = leaders.length > 0 && this.#random.chance(0.5) ? this.#random.pick(leaders) : this.#any();
    this.#cluster.step(id, { type: "Read", id: this.#cluster.nextRequest() });
  }

  load(): void {
    const id = this.#any();
    if (this.#cluster.server(id).loading === undefined) return;
    const good = this.#random.chance(0.8);
    if (good) this.counts.snapshotsInstalled += 1;
    this.#cluster.finishLoading(id, good);
  }

  snapshot(): void {
    this.#cluster.snapshot(this.#any(), this.#random.below(8));
  }

  crash(): void {
    const server = this.#cluster.server(this.#any());
    if (!server.up) return;
    this.counts.crashes += 1;
    this.#cluster.crash(server.id, { writes: this.#random.below(4), hardStates: this.#random.below(2) });
  }

  restart(): void {
    const { id, up } = this.#cluster.server(this.#any());
    if (!up) this.#cluster.restart(id);
  }

  cut(): void {
    if (this.#random.chance(0.5)) this.#cluster.isolate(this.#any());
    else this.#cluster.cuts.add(`${this.#any()}>${this.#any()}`);
  }

  heal(): void {
    this.#cluster.heal();
  }

  disconnect(): void {
    this.#cluster.step(this.#any(), { type: "PeerDisconnected", peer: this.#any() });
  }

  stall(): void {
    this.#cluster.step(this.#any(), { type: "Stalled" });
  }

  change(): void {
    const voters: NodeId[] = [];
    const learners: NodeId[] = [];
    const known = this.#cluster.leader?.node.configuration.members.map(({ id }) => id) ?? [];
    for (const id of this.#cluster.servers.keys()) {
      const place = this.#random.fraction();
      if (place < 0.6 && known.includes(id)) voters.push(id);
      else if (place < 0.75) learners.push(id);
    }
    const members = [...voters, ...learners].map(memberOf);
    const id = this.#cluster.nextRequest();
    const leader = this.#cluster.leader?.id ?? this.#any();
    const update = this.#cluster.step(leader, { type: "ChangeMembership", id, members, voters, learners });
    if (update !== undefined && update.accepted.length > 0) this.counts.changes += 1;
  }

  transfer(): void {
    const target = this.#random.chance(0.5) ? this.#any() : undefined;
    this.#cluster.step(this.#cluster.leader?.id ?? this.#any(), { type: "TransferLeadership", target });
  }

  #any(): NodeId {
    return this.#random.pick([...this.#cluster.servers.keys()]);
  }

  #isCaughtUp(): boolean {
    const leader = this.#cluster.leader;
    if (leader === undefined || !leader.node.status().termCommitted) return false;
    const { lastEntry, commitIndex, configuration } = leader.node.status();
    if (configuration.votersOld.length > 0 || commitIndex !== lastEntry.index) return false;
    return configuration.members.every(({ id }) => {
      const { node } = this.#cluster.server(id);
      return node.commitIndex === commitIndex && node.lastEntry.term === lastEntry.term;
    });
  }
}
