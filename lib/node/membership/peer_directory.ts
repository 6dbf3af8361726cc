/** What the other servers say of themselves, and what follows from it: whom to dial where, whom to take, what to record. */

import { assert } from "../../base/assert.ts";
import type { RaftNode } from "../../raft/raft_node.ts";
import type { RaftStatus } from "../../raft/status.ts";
import { type Configuration, EMPTY_CONFIGURATION, type Member, MEMBERS_MAX, type NodeId } from "../../raft/types.ts";
import type { Clock } from "../../base/clock.ts";
import { isRetired, lowestFreeId } from "../../raft/retired.ts";
import type { Acquaintance, Greeting, PeerAddress, PeerRefusal, Transport } from "../../transport/transport.ts";
import { JOINS_FRESH_MS } from "../limits.ts";
import { CatchUp } from "./catch_up.ts";
import {
  describeRetired,
  describeTaken,
  type DueChange,
  dueMembershipChange,
  isStranger,
  refusalOf,
} from "./membership_keeper.ts";
import { describeVersions, FIRST_LEVEL } from "../../transport/versions.ts";
import { commonVersion, refusalAtLevel } from "./level.ts";
import { peersToDial } from "../views/views.ts";

/** What a directory of peers is made from. */
export interface PeerDirectoryParts {
  readonly self: NodeId;
  readonly raft: RaftNode;
  readonly transport: Transport;
  readonly clock: Pick<Clock, "now">;
  /** What this node says of itself. */
  readonly greeting: Greeting;
  /** The servers that the operator named. */
  readonly named: readonly Member[];
}

/** From which cluster this server was removed. */
export interface Removal {
  /** Whether its directory belongs to that one. One that belongs to none may have asked at a cluster that was not meant. */
  readonly isOwn: boolean;
}

/** Owns the last greeting of each peer, and tells the transport whom to connect to. */
export class PeerDirectory {
  readonly #parts: PeerDirectoryParts;
  readonly #greetings = new Map<NodeId, Greeting>();
  /** Identities of directories that were admitted again in this life. */
  readonly #readmitted = new Set<string>();
  /** Whether this node asks to be admitted again, as it was told to the peers. */
  #rejoins: boolean;
  #committed: Configuration = EMPTY_CONFIGURATION;
  /** When each server that is no member was heard to ask for it; at most `MEMBERS_MAX`. */
  readonly #joining = new Map<NodeId, number>();
  /** Ids that were promised to directories, by their names; at most `MEMBERS_MAX`. */
  readonly #promised = new Map<string, NodeId>();
  /** Where members are, by the word of a seed. */
  #told: readonly Member[] = [];
  /** Servers that are no members here and know of a later configuration: one of them may lead. At most `MEMBERS_MAX`. */
  readonly #ahead = new Map<NodeId, Greeting>();
  readonly #catchUp = new CatchUp();
  readonly #removal = Promise.withResolvers<Removal>();

  constructor(parts: PeerDirectoryParts) {
    this.#parts = parts;
    this.#rejoins = parts.greeting.rejoin;
  }

  /** A peer that has greeted in this life, undefined when none has. */
  get anyPeer(): NodeId | undefined {
    const [peer] = this.#greetings.keys();
    return peer;
  }

  /** Resolves once this server is known to be removed from a cluster for good. */
  get removal(): Promise<Removal> {
    return this.#removal.promise;
  }

  /** A proven member says so. */
  removed(): void {
    this.#removal.resolve({ isOwn: this.#parts.raft.clusterId !== undefined });
  }

  /** Takes a greeting, and says why the peer is refused; undefined when it is not. */
  admit(greeting: Greeting): PeerRefusal | undefined {
    const { raft: { configuration, settledConfigurationIndex: index } } = this.#parts;
    const { nodeId, rejoin, joins = false, peerAddress } = greeting;
    // Only what is committed is for good.
    if (isRetired(this.#committed, nodeId)) {
      return { reason: describeRetired(nodeId), removed: true };
    }
    const tooOld = refusalAtLevel(greeting, configuration);
    if (tooOld !== undefined) return { reason: tooOld, removed: false };
    const reason = refusalOf(greeting, { configuration, index });
    const refusal = reason === undefined ? undefined : { reason, removed: false };
    // Who joins takes nobody's place: not even the address of the member with that id is taken from it.
    const isKnown = this.#isKnown(nodeId) || this.#meets(greeting) || this.#isAhead(greeting);
    if (refusal !== undefined && (!rejoin || (joins && isKnown))) return refusal;
    if (!isKnown && !this.#noteJoin(greeting)) return refusal;
    const moved = this.#announced(nodeId) !== peerAddress;
    this.#greetings.set(nodeId, { ...greeting });
    if (moved) this.dial();
    return refusal;
  }

  /** What to tell one that asks who is there. Who has an id is taken note of as well. */
  acquaint(greeting: Greeting, wantsId: boolean): Acquaintance {
    const objection = wantsId ? undefined : this.#objectionTo(greeting);
    if (objection === undefined && !wantsId) this.admit(greeting);
    const { raft: { configuration, role }, named, greeting: { nodeId: self, peerAddress } } = this.#parts;
    const known = configuration.members.length > 0 ? configuration.members : named;
    const members = known.map(({ id, address }) => ({ id, address: this.#announced(id) || address }));
    const own = { id: self, address: peerAddress };
    const all = [...members.filter(({ id }) => id !== self), own].slice(-MEMBERS_MAX);
    if (objection !== undefined) return { members: all, objection };
    if (!wantsId || role !== "Leader") return { members: all };
    return { members: all, assignedId: this.#promise(greeting.identity) };
  }

  /** A seed said who it is, and who the members are. */
  acquainted(greeting: Greeting, members: readonly PeerAddress[]): void {
    this.#told = members.map(({ id, address }) => ({ id, address, clientAddress: "", identity: "" }));
    this.admit(greeting);
    this.dial();
  }

  /** A configuration was committed. */
  configurationCommitted(configuration: Configuration): void {
    this.#committed = configuration;
    this.#forgetAhead();
    for (const id of [...this.#greetings.keys()]) if (isRetired(configuration, id)) this.#greetings.delete(id);
    if (isRetired(configuration, this.#parts.self)) this.#removal.resolve({ isOwn: true });
    this.dial();
  }

  /** Another configuration is in force, committed or not. */
  configurationInForce(): void {
    this.#forgetAhead();
    this.dial();
    this.#leaveOlderPrograms();
    for (const member of this.#parts.raft.configuration.members) {
      const greeting = this.#greetings.get(member.id);
      // Who was refused until now greets again.
      const news = greeting?.rejoin === true && greeting.identity === member.identity;
      if (!news || this.#readmitted.has(greeting.identity)) continue;
      this.#readmitted.add(greeting.identity);
      this.#parts.transport.reset(member.id);
    }
    const { rejoin } = this.#parts.greeting;
    // The end of the log that made it a voter again is gone: who was greeted as by a voter would never promote it.
    if (rejoin && !this.#rejoins) { for (const peer of this.#greetings.keys()) this.#parts.transport.reset(peer); }
    this.#rejoins = rejoin;
  }

  /** Ends connections that were made while this node knew no id, to nodes of other clusters than the one it now belongs to. */
  leaveOtherClusters(): void {
    const { greeting: { clusterId: own }, transport } = this.#parts;
    if (own === "") return;
    for (const [peer, { clusterId }] of this.#greetings) {
      if (clusterId === "" || clusterId === own) continue;
      this.#greetings.delete(peer);
      this.#ahead.delete(peer);
      transport.reset(peer);
    }
    this.dial();
  }

  /**
   * Whether every member can do what a change switches on: one may have come back as an older program since it was asked for. A
   * server that the change removes, and that was not heard, need not.
   */
  canAll({ level = FIRST_LEVEL, members: left }: Pick<DueChange, "level" | "members">): boolean {
    const { self, raft, greeting: own } = this.#parts;
    const greetings = this.#greetings;
    const members = raft.configuration.members.filter(({ id }) => {
      return greetings.has(id) || left.some((member) => member.id === id);
    });
    const common = commonVersion(members, { self, own, greetings });
    return level === FIRST_LEVEL || (common !== undefined && common >= level);
  }

  /** Whether a server said that its runtime reads zstd, in its last greeting of this life. */
  readsZstd(id: NodeId): boolean {
    const { self, greeting } = this.#parts;
    return (id === self ? greeting : this.#greetings.get(id))?.readsZstd === true;
  }

  /** See `isStranger` in membership_keeper.ts. */
  isStranger(peer: NodeId): boolean {
    return isStranger(this.#greetings.get(peer), this.#parts.raft.configuration);
  }

  /** The learners of this leader that have caught up by now. */
  caughtUp(status: RaftStatus): ReadonlySet<NodeId> {
    return this.#catchUp.look(status, this.#parts.clock.now());
  }

  /** The change of the membership that this server should make now as the leader. */
  dueChange(status: RaftStatus): DueChange | undefined {
    const { self, greeting, clock, transport } = this.#parts;
    const now = clock.now();
    for (const [id, heardAt] of this.#joining) if (now - heardAt > JOINS_FRESH_MS) this.#forgetJoin(id);
    // One that joins and got the configuration of a leader whose successor has never had it is ahead of everybody until it is added.
    const ahead = transport.peers().filter(({ id, reachable }) => reachable && this.#ahead.get(id)?.joins === true);
    const joining = [...new Set([...this.#joining.keys(), ...ahead.map(({ id }) => id)])];
    const caughtUp = this.caughtUp(status);
    return dueMembershipChange({ self, own: greeting, status, greetings: this.#greetings, joining, caughtUp });
  }

  /** Tells the transport the members of the configuration in force and of the committed one: either may be the older. */
  dial(): void {
    const { self, raft, transport } = this.#parts;
    const ahead = [...this.#ahead.values()].map(memberOf);
    const known = [...raft.configuration.members, ...this.#committed.members, ...ahead];
    const named = [...this.#parts.named, ...this.#told];
    transport.setPeers(peersToDial({ self, known, named, announced: (id) => this.#announced(id) }));
  }

  #objectionTo(greeting: Greeting): string | undefined {
    const { configuration } = this.#parts.raft;
    const { nodeId, identity } = greeting;
    if (isRetired(configuration, nodeId)) return describeRetired(nodeId);
    const tooOld = refusalAtLevel(greeting, configuration);
    if (tooOld !== undefined) return tooOld;
    const member = configuration.members.find(({ id }) => id === nodeId);
    return member === undefined || member.identity === "" || member.identity === identity
      ? undefined
      : describeTaken(nodeId);
  }

  /** Whoever was named or told of but is no member may still ask to join, once it is known who the members are. */
  #isKnown(id: NodeId): boolean {
    const { raft: { configuration }, named } = this.#parts;
    const members = [...configuration.members, ...this.#committed.members];
    if (this.#ahead.has(id)) return true;
    return (members.length > 0 ? members : [...named, ...this.#told]).some((member) => member.id === id);
  }

  /**
   * A server that waits to be admitted takes note of each that belongs to a cluster: its leader may have joined after those that
   * the operator named.
   */
  #meets(greeting: Greeting): boolean {
    const { clusterId, rejoin } = greeting;
    const waits = this.#parts.raft.configuration.members.length === 0;
    if (!waits || clusterId === "" || rejoin || this.#told.length >= MEMBERS_MAX) return false;
    this.#told = [...this.#told, memberOf(greeting)];
    return true;
  }

  /**
   * A server that lags takes who knows of a later configuration than the latest that is committed for certain: all the members that it
   * knows itself may have been replaced, and only who came in their place can bring it up to date.
   */
  #isAhead(greeting: Greeting): boolean {
    const { configuration, settledConfigurationIndex: configurationIndex } = this.#parts.raft;
    if (configuration.members.length === 0 || greeting.configurationIndex <= configurationIndex) return false;
    if (this.#ahead.size >= MEMBERS_MAX) return false;
    this.#ahead.set(greeting.nodeId, { ...greeting });
    this.dial();
    return true;
  }

  /** Once this server knows as much, the members of its configuration are those that count. */
  #forgetAhead(): void {
    for (const [id, { configurationIndex }] of this.#ahead) {
      if (configurationIndex > this.#parts.raft.settledConfigurationIndex) continue;
      this.#ahead.delete(id);
      if (!this.#isKnown(id)) this.#greetings.delete(id);
    }
  }

  /** False when it is no server that asks to join, or too many do. */
  #noteJoin({ nodeId, joins = false }: Greeting): boolean {
    if (!joins || (this.#joining.size >= MEMBERS_MAX && !this.#joining.has(nodeId))) return false;
    this.#joining.set(nodeId, this.#parts.clock.now());
    return true;
  }

  /** It has become a member, or has given up: then nothing of it is kept. */
  #forgetJoin(id: NodeId): void {
    this.#joining.delete(id);
    if (!this.#isKnown(id)) this.#greetings.delete(id);
  }

  /** The same id for the same directory, however often it asks; the oldest promise is forgotten first. */
  #promise(identity: string): NodeId {
    const { configuration } = this.#parts.raft;
    const member = configuration.members.find((candidate) => candidate.identity === identity);
    const given = member?.id ?? this.#promised.get(identity);
    if (given !== undefined && (member !== undefined || !isRetired(configuration, given))) return given;
    const [oldest] = this.#promised.keys();
    if (this.#promised.size >= MEMBERS_MAX && oldest !== undefined) this.#promised.delete(oldest);
    const id = lowestFreeId(configuration, new Set([...this.#promised.values(), ...this.#joining.keys()]));
    this.#promised.set(identity, id);
    return id;
  }

  /** Ends connections to programs that cannot read what may stand in the log from now on. */
  #leaveOlderPrograms(): void {
    const { greeting: { versions }, raft: { configuration: { level = FIRST_LEVEL } }, transport } = this.#parts;
    assert(
      level <= versions.newest,
      `Cannot go on at level ${level}: this program speaks ${describeVersions(versions)}`,
    );
    for (const [peer, greeting] of this.#greetings) {
      if (greeting.versions.newest >= level) continue;
      this.#greetings.delete(peer);
      transport.reset(peer);
    }
  }

  #announced(id: NodeId): string {
    return this.#greetings.get(id)?.peerAddress ?? "";
  }
}

/** What is known of a server by its greeting alone. */
function memberOf({ nodeId: id, peerAddress: address }: Greeting): Member {
  return { id, address, clientAddress: "", identity: "" };
}
