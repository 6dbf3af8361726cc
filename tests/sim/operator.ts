/** The operator of a simulated cluster: starts what is down, replaces what is lost, changes the membership. */

import { unreachable } from "../../lib/base/assert.ts";
import type { Random } from "../../lib/base/random.ts";
import type { MemberChange } from "../../lib/node/api.ts";
import { isRetired } from "../../lib/raft/retired.ts";
import type { Configuration, Entry, NodeId } from "../../lib/raft/types.ts";
import type { Check } from "./check.ts";
import type { SimServer } from "./server.ts";
import { addressesAt } from "../support/memory/memory_server.ts";
import type { World } from "./world.ts";

const RESTART_MS_MAX = 3_000;
const RETIREMENT_MS_MAX = 5_000;
const KILL_STARTING_MS_MAX = 15;

/** Owns which servers are about to be started and which are being admitted again. */
export class Operator implements Check {
  readonly name = "operator";
  readonly #world: World;
  readonly #random: Random;
  readonly #starting = new Set<NodeId>();
  /** Wiped servers that the configuration already lists as learners. */
  readonly #learning = new Set<NodeId>();
  #changes = 1_000_000;
  /** Wishes to drain or undrain that were done. */
  drains = 0;
  /** False ends the restarts: what is down then stays down. */
  restarts = true;

  constructor(world: World) {
    this.#world = world;
    this.#random = world.random.fork();
  }

  /** See `Check`. */
  watch(): void {
    if (!this.restarts) return;
    for (const server of this.#world.servers) {
      const { state, isIdle, isReplaced, isRetired } = server;
      if (state !== "Down" || isIdle || isReplaced || isRetired || this.#starting.has(server.id)) continue;
      this.#starting.add(server.id);
      this.#world.clock.after(this.#random.below(RESTART_MS_MAX), () => {
        this.#starting.delete(server.id);
        if (this.restarts) this.start(server);
      });
    }
  }

  /** See `Check`. A new directory counts again once its server votes again. */
  committed(entry: Entry): void {
    if (entry.type !== "Configuration") return;
    const { members, voters, votersOld, learners } = entry.configuration;
    for (const server of this.#world.membersLeft()) {
      if (members.some(({ id }) => id === server.id)) this.#admitted(server);
      else if (votersOld.length === 0 && !server.isNew) {
        this.#removed(server, isRetired(entry.configuration, server.id));
      }
    }
    for (const server of this.#world.servers) {
      if (!server.rejoins) this.#learning.delete(server.id);
      else if (learners.includes(server.id)) this.#learning.add(server.id);
      else if (this.#learning.has(server.id) && votersOld.length === 0 && voters.includes(server.id)) {
        server.rejoins = false;
        this.#world.trace(() => `node ${server.id} is admitted again`);
      }
    }
  }

  /** See `Check`. A directory that is lost once more has to be admitted once more. */
  wiped(server: SimServer): void {
    this.#learning.delete(server.id);
  }

  /** Starts a server, with an empty directory if the one it has was refused. */
  start(server: SimServer): void {
    if (server.state !== "Down" || server.isIdle || server.isReplaced || server.isRetired) return;
    if (this.#world.isTaken(server)) return;
    if (server.refusedToStart || !server.announced) server.wipe();
    server.start();
    if (!this.#world.settings.faults.has("process/kill-starting") || !this.#random.chance(0.1)) return;
    const { life } = server;
    this.#world.clock.after(this.#random.fraction() * KILL_STARTING_MS_MAX, () => {
      if (server.life !== life || server.state !== "Starting") return;
      this.#world.counts.add("process/kill-starting");
      server.kill();
    });
  }

  /** Whether a server with a new directory holds what the others have: only the commit of its vote is outstanding, at most. */
  isLearning(server: SimServer): boolean {
    return this.#learning.has(server.id);
  }

  /** Whether all others know the directory of this server by name, durably: then they tell any other from it. */
  isKnown(server: SimServer): boolean {
    return !this.#isChanging() && this.#world.servers.every(({ id, isIdle, isRetired }) => {
      if (isIdle || isRetired) return true;
      const { configuration, configurationIndex, durableIndex } = this.#world.shadows.of(id);
      const identity = configuration?.members.find((member) => member.id === server.id)?.identity ?? "";
      return identity !== "" && configurationIndex <= durableIndex;
    });
  }

  /** Whether the data of one more server may be lost: a majority must keep all of it, and no change may be under way. */
  mayLose(server: SimServer): boolean {
    if (
      server.isRemoved || server.isNew || this.#isChanging() || this.#world.servers.some(({ isReplaced }) => isReplaced)
    ) {
      return false;
    }
    const { voters, learners } = this.#world.configuration();
    const kept = voters.filter((id) => id !== server.id && !this.#goesOut(this.#world.server(id)));
    // A leader that has not noticed the loss yet may make a voter of a learner that had caught up.
    const mayBecomeVoter = this.isLearning(server) || learners.includes(server.id);
    const counted = voters.length + (mayBecomeVoter && !voters.includes(server.id) ? 1 : 0);
    return kept.length * 2 > counted && kept.length > 0;
  }

  /** Without what it had, in quarantine, or on the way there: a bit of its memory was changed. */
  #goesOut(server: SimServer): boolean {
    return isOut(server) || this.#world.memoryFlips.isIn(server);
  }

  /** The node that leads, as far as it is seen; undefined when there is none. */
  leader(): SimServer | undefined {
    return this.#world.running().find((server) => server.node?.status().raft.role === "Leader");
  }

  /** Makes a voter a learner. False when that cannot be asked for now. */
  demote(): boolean {
    const { voters } = this.#world.configuration();
    // A sole voter goes by its own clock, whatever the others' say: that is promised to nobody.
    const enough = this.#world.settings.faults.has("clock/date") ? 2 : 1;
    return voters.length > enough && this.#change(this.#random.pick(voters), "learners");
  }

  /** Begins a new server, which half of the time is announced before. Undefined when there is none, or nobody to announce it to. */
  add(): SimServer | undefined {
    const server = this.#world.servers.find(({ isIdle }) => isIdle);
    const leader = this.leader();
    if (server === undefined || leader === undefined) return undefined;
    server.isIdle = false;
    server.staysLearner = this.#random.chance(0.5);
    if (this.#random.chance(0.5)) this.announce(server);
    this.start(server);
    return server;
  }

  /** Asks the leader to add a server that may not have been heard yet. */
  announce({ id, place }: SimServer): void {
    const leader = this.leader();
    const { address: peerAddress, clientAddress } = addressesAt(place);
    if (leader !== undefined) this.#ask(leader, { type: "Add", id, peerAddress, clientAddress });
  }

  /** Asks the leader to give a learner a vote. */
  promoteLearner(id: NodeId): void {
    const leader = this.leader();
    if (leader !== undefined) this.#ask(leader, { type: "Promote", id });
  }

  /** Asks the leader to give a learner that stays one a vote, if there is one. */
  promoteJoined(): void {
    const { learners } = this.#world.configuration();
    const id = learners.find((learner) => this.#world.server(learner).staysLearner);
    if (id !== undefined) this.promoteLearner(id);
  }

  /** Makes a learner a voter. False when that cannot be asked for now. */
  promote(): boolean {
    const { learners } = this.#world.configuration();
    return learners.length > 0 && this.#change(this.#random.pick(learners), "voters");
  }

  /** Any member, by the committed configuration. */
  pickMember(): SimServer {
    return this.#world.server(this.#random.pick(this.#world.configuration().members).id);
  }

  /** Asks the leader to remove a server, itself now and then, if that can be asked for now: a committed configuration tells. */
  remove({ id }: Pick<SimServer, "id"> = this.pickMember()): void {
    const leader = this.leader();
    const { voters } = this.#world.configuration();
    const enough = this.#world.settings.faults.has("clock/date") ? 2 : 1;
    const left = voters.filter((voter) => voter !== id).length;
    if (leader?.node === undefined || left < enough || this.#isChanging()) return;
    if (this.#world.servers.some((server) => isOut(server) || server.isReplaced)) return;
    this.#ask(leader, { type: "Remove", id });
  }

  /** Asks the leader to drain a server, or to undrain one that is drained. */
  drain(): void {
    const leader = this.leader();
    const { members, drained = [] } = this.#world.configuration();
    const { id } = this.#random.pick(members);
    if (leader !== undefined) this.#ask(leader, { type: drained.includes(id) ? "Undrain" : "Drain", id });
  }

  /** Where only drained voters are sound, one of them has to lead for the others to be repaired (docs/operations.md): asks for that. */
  undrainSound(): void {
    const leader = this.leader();
    const { voters, drained = [] } = this.#world.configuration();
    const sound = voters.map((id) => this.#world.server(id)).filter((server) => {
      return !server.isMarked && !this.#world.memoryFlips.isIn(server);
    }).map(({ id }) => id);
    const [id] = sound;
    if (leader === undefined || id === undefined || this.#world.memoryFlips.all.length === 0) return;
    if (sound.every((each) => drained.includes(each))) this.#ask(leader, { type: "Undrain", id });
  }

  /** Whether a server leads that shall not, where another voter may. */
  drainedLeads(): boolean {
    const { voters, drained = [] } = this.#world.configuration();
    const leader = this.leader();
    return leader !== undefined && drained.includes(leader.id) && voters.some((id) => !drained.includes(id));
  }

  /** Asks, and holds what the leader answers against what it has committed. */
  #ask(leader: SimServer, change: MemberChange): void {
    this.#world.trace(() => `the operator asks node ${leader.id}: ${JSON.stringify(change)}`);
    this.#world.clock.busy = true;
    const { life } = leader;
    leader.node?.changeMember(change).then((outcome) => {
      this.#world.clock.busy = true;
      this.#world.trace(() => `node ${leader.id} about ${JSON.stringify(change)}: ${JSON.stringify(outcome)}`);
      if (!life.alive || outcome.type !== "Done") return;
      // By what the leader knows to be committed: others learn of it once somebody comes to apply it.
      const { configuration, configurationIndex, commitIndex } = this.#world.shadows.of(leader.id);
      if (change.type === "Drain" || change.type === "Undrain") this.#drained();
      if (configurationIndex <= commitIndex && configuration !== undefined && isSo(configuration, change)) return;
      this.#world.violate("member-change", `node ${leader.id} says that it is done: ${JSON.stringify(change)}`);
    });
  }

  #drained(): void {
    this.drains += 1;
    this.#world.counts.add("operator/drain");
  }

  #admitted(server: SimServer): void {
    if (!server.isNew) return;
    server.isNew = false;
    this.#world.counts.add("operator/add");
    this.#world.trace(() => `server ${server.id} is added`);
  }

  /** Half of those that are removed are switched off some time later, and one that no list keeps from joining again at once. */
  #removed(server: SimServer, isListed: boolean): void {
    server.isRemoved = true;
    this.#world.counts.add("operator/remove");
    this.#world.trace(() => `server ${server.id} is removed`);
    if (isListed && this.#random.chance(0.5)) return;
    this.#world.clock.after(isListed ? this.#random.below(RETIREMENT_MS_MAX) : 0, () => {
      server.isRetired = true;
      server.kill();
    });
  }

  #change(id: NodeId, to: "voters" | "learners"): boolean {
    const leader = this.leader();
    const configuration = leader?.node?.status().raft.configuration;
    if (leader?.node === undefined || configuration === undefined || this.#isChanging()) return false;
    if (this.#world.servers.some(isOut)) return false;
    // It goes past the plan of a change, which waits where too few voters would be left beside one that is about to be in quarantine.
    if (to === "learners" && this.#world.servers.some((server) => this.#goesOut(server))) return false;
    const { members } = configuration;
    const voters = configuration.voters.filter((other) => other !== id);
    const learners = configuration.learners.filter((other) => other !== id);
    (to === "voters" ? voters : learners).push(id);
    if (voters.length === 0 || voters.length + learners.length !== members.length) return false;
    this.#changes += 1;
    this.#world.trace(() => `the operator wants voters ${voters} and learners ${learners}`);
    leader.node.driver.enqueue({ type: "ChangeMembership", id: this.#changes, members, voters, learners });
    return true;
  }

  /** Whether any log holds a configuration that is not known to be committed. */
  #isChanging(): boolean {
    if (this.#world.configuration().votersOld.length > 0) return true;
    const { lastIndex } = this.#world.reference;
    return this.#world.servers.some(({ id }) => this.#world.shadows.of(id).lastConfigurationIndex > lastIndex);
  }

  /** Every set of voters that a leader may need: of the committed configuration, and of later ones in some log. */
  votersInForce(): readonly (readonly NodeId[])[] {
    const latest: Pick<Configuration, "voters" | "votersOld"> = this.#world.configuration();
    const sets = [latest.voters, latest.votersOld];
    const { lastIndex } = this.#world.reference;
    for (const { id, hasLostData } of this.#world.servers) {
      const { configuration, configurationIndex } = this.#world.shadows.of(id);
      // An older one, or one that lost against another entry, is on a server that cannot be elected.
      if (hasLostData || configuration === undefined || configurationIndex <= lastIndex) continue;
      sets.push(configuration.voters, configuration.votersOld);
    }
    return sets.filter((voters) => voters.length > 0);
  }
}

/** Whether the others must do without it: it has lost its data, or is in quarantine, in which no other one may be taken away. */
function isOut({ hasLostData, isMarked }: SimServer): boolean {
  return hasLostData || isMarked;
}

/** Whether a configuration is as a change wants it. */
function isSo({ members, voters, votersOld, drained = [] }: Configuration, change: MemberChange): boolean {
  const isMember = members.some(({ id }) => id === change.id);
  switch (change.type) {
    case "Drain":
    case "Undrain":
      return drained.includes(change.id) === (change.type === "Drain");
    case "Promote":
      return votersOld.length === 0 && voters.includes(change.id);
    case "Add":
    case "Remove":
      return votersOld.length === 0 && isMember === (change.type === "Add");
    default:
      return unreachable(change);
  }
}
