/** What the other servers say of themselves, and what follows from it: whom to dial where, whom to take, what to record. */

import type { RaftNode } from "../../raft/raft_node.ts";
import type { RaftStatus } from "../../raft/status.ts";
import type { Configuration, Member, NodeId } from "../../raft/types.ts";
import type { Greeting, Transport } from "../../transport/transport.ts";
import { type DueChange, dueMembershipChange, isStranger, refusalOf } from "./membership_keeper.ts";
import { peersToDial } from "../views/views.ts";

/** What a directory of peers is made from. */
export interface PeerDirectoryParts {
  readonly self: NodeId;
  readonly raft: RaftNode;
  readonly transport: Transport;
  /** What this node says of itself. */
  readonly greeting: Greeting;
  /** The servers that the operator named. */
  readonly named: readonly Member[];
}

/** Owns the last greeting of each peer, and tells the transport whom to connect to. */
export class PeerDirectory {
  readonly #parts: PeerDirectoryParts;
  readonly #greetings = new Map<NodeId, Greeting>();
  /** Identities of directories that were admitted again in this life. */
  readonly #readmitted = new Set<string>();
  /** Whether this node asks to be admitted again, as it was told to the peers. */
  #rejoins: boolean;
  #committed: readonly Member[] = [];

  constructor(parts: PeerDirectoryParts) {
    this.#parts = parts;
    this.#rejoins = parts.greeting.rejoin;
  }

  /** A peer that has greeted in this life, undefined when none has. */
  get anyPeer(): NodeId | undefined {
    const [peer] = this.#greetings.keys();
    return peer;
  }

  /** Takes a greeting; a string is the reason to refuse the peer. */
  admit(greeting: Greeting): string | undefined {
    const { configuration, configurationIndex: index } = this.#parts.raft;
    const refusal = refusalOf(greeting, { configuration, index });
    if (refusal !== undefined && !greeting.rejoin) return refusal;
    const moved = this.#announced(greeting.nodeId) !== greeting.peerAddress;
    this.#greetings.set(greeting.nodeId, { ...greeting });
    if (moved) this.dial();
    return refusal;
  }

  /** A configuration was committed. */
  configurationCommitted({ members }: Configuration): void {
    this.#committed = members;
    this.dial();
  }

  /** Another configuration is in force, committed or not. */
  configurationInForce(): void {
    this.dial();
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
      transport.reset(peer);
    }
  }

  /** See `isStranger` in membership_keeper.ts. */
  isStranger(peer: NodeId): boolean {
    return isStranger(this.#greetings.get(peer), this.#parts.raft.configuration);
  }

  /** The change of the membership that this server should make now as the leader. */
  dueChange(status: RaftStatus): DueChange | undefined {
    const { self, greeting } = this.#parts;
    return dueMembershipChange({ self, own: greeting, status, greetings: this.#greetings });
  }

  /** Tells the transport the members of the configuration in force and of the committed one: either may be the older. */
  dial(): void {
    const { self, raft, transport, named } = this.#parts;
    const known = [...raft.configuration.members, ...this.#committed];
    transport.setPeers(peersToDial({ self, known, named, announced: (id) => this.#announced(id) }));
  }

  #announced(id: NodeId): string {
    return this.#greetings.get(id)?.peerAddress ?? "";
  }
}
