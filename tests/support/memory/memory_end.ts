/** A node's end of a network in memory: its peers, where it dials each, and the seeds that it asks while it lacks one. */

import type { Clock } from "../../../lib/base/clock.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { findDialerMismatch } from "../../../lib/transport/credentials.ts";
import type { PeerMessage } from "../../../lib/transport/forward.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../../lib/transport/limits.ts";
import { MessageCounts } from "../../../lib/transport/message_counts.ts";
import type {
  Greeting,
  PeerAddress,
  PeerAddresses,
  PeerInfo,
  PeerRefusal,
  Transport,
  TransportHandler,
} from "../../../lib/transport/transport.ts";
import { agreedVersion } from "../../../lib/transport/versions.ts";
import { KnownPeer } from "./known_peer.ts";

/** What the ends have in common. */
export interface Wires {
  isUp(a: NodeId, b: NodeId): boolean;
  running(id: NodeId): MemoryEnd | undefined;
  review(a: NodeId, b: NodeId): void;
  beDialed(end: MemoryEnd): void;
  reset(own: NodeId, other: NodeId): void;
  lose(ends: readonly [NodeId, NodeId], silentFor: NodeId | undefined): void;
  carry(way: readonly [NodeId, NodeId], messages: readonly PeerMessage[]): void;
  ask(asker: MemoryEnd, address: string): void;
}

/** What an end is made from. */
export interface MemoryEndOptions {
  readonly clock: Clock;
  readonly greeting: Greeting;
  /** Addresses to ask who is there, while a peer is not reached or none is known. */
  readonly seeds: readonly string[];
  /** False while the process stands still: it asks nobody, and who asks it gets no answer. */
  isAwake(): boolean;
}

/** Listens at the address that its greeting has. */
export class MemoryEnd implements Transport {
  readonly #wires: Wires;
  readonly #options: MemoryEndOptions;
  readonly #counts = new MessageCounts();
  readonly #peers = new Map<NodeId, KnownPeer>();
  /** Undefined before `start` and after the end. */
  handler: TransportHandler | undefined;

  constructor(wires: Wires, options: MemoryEndOptions) {
    this.#wires = wires;
    this.#options = options;
  }

  get id(): NodeId {
    return this.greeting.nodeId;
  }

  get greeting(): Greeting {
    return this.#options.greeting;
  }

  start(handler: TransportHandler): Promise<void> {
    this.handler = handler;
    for (const id of this.#peers.keys()) this.#wires.review(this.id, id);
    this.#wires.beDialed(this);
    if (this.#options.seeds.length > 0) this.#askSeeds();
    return Promise.resolve();
  }

  send(message: PeerMessage): boolean {
    const peer = this.#peers.get(message.to);
    if (peer === undefined) return false;
    if (!this.#isUp(message.to)) {
      peer.framesDropped += 1;
      return false;
    }
    peer.outbox.push(message);
    this.#counts.countSent(message);
    return true;
  }

  flush(): void {
    for (const [id, peer] of this.#peers) {
      const messages = peer.outbox;
      if (messages.length === 0) continue;
      peer.outbox = [];
      if (this.#isUp(id)) this.#wires.carry([this.id, id], messages);
    }
  }

  setPeers(peers: readonly PeerAddresses[]): void {
    const wanted = new Map(peers.filter(({ id }) => id !== this.id).map(({ id, addresses }) => [id, addresses]));
    for (const id of [...this.#peers.keys()]) {
      if (wanted.has(id)) continue;
      this.#peers.delete(id);
      this.#wires.review(this.id, id);
    }
    for (const [id, addresses] of wanted) {
      const peer = this.#peers.get(id) ?? new KnownPeer();
      this.#peers.set(id, peer);
      if (!peer.moveTo(addresses, { isConnected: this.#isUp(id) })) this.#wires.lose([this.id, id], this.id);
      this.#wires.review(this.id, id);
    }
  }

  reset(peer: NodeId): void {
    this.#wires.reset(this.id, peer);
  }

  peers(): readonly PeerInfo[] {
    return [...this.#peers].map(([id, peer]) => this.#info(id, peer));
  }

  counts(): { readonly sent: ReadonlyMap<string, number>; readonly received: ReadonlyMap<string, number> } {
    return this.#counts;
  }

  stop(): Promise<void> {
    this.end();
    return Promise.resolve();
  }

  /** Ends at once, as a process that dies does. */
  end(): void {
    this.handler = undefined;
    for (const id of this.#peers.keys()) this.#wires.review(this.id, id);
  }

  lists(id: NodeId): boolean {
    return this.#peers.has(id);
  }

  /** Where it dials that peer now; "" for one that it does not list. */
  addressOf(id: NodeId): string {
    return this.#peers.get(id)?.address ?? "";
  }

  tryNextAddress(id: NodeId): void {
    this.#peers.get(id)?.tryNextAddress();
  }

  admit(other: MemoryEnd | undefined): PeerRefusal | undefined {
    if (other === undefined) return { reason: "not running", removed: false };
    const reason = this.#mismatch(other);
    return reason === undefined ? this.handler?.admit(other.greeting) : { reason, removed: false };
  }

  /** Who the members are, for one that asks; undefined when it gets no answer. */
  acquaint(asker: MemoryEnd): readonly PeerAddress[] | undefined {
    if (!this.#options.isAwake() || this.#mismatch(asker) !== undefined) return undefined;
    return this.handler?.acquaint({ ...asker.greeting }, false).members;
  }

  setProblem(id: NodeId, problem: string | undefined): void {
    const peer = this.#peers.get(id);
    if (peer === undefined) return;
    peer.problem = problem;
    if (problem === undefined) peer.lastContact = this.#options.clock.now();
  }

  take(message: PeerMessage, bytes: number): void {
    const peer = this.#peers.get(message.from);
    if (peer === undefined) return;
    peer.lastContact = this.#options.clock.now();
    peer.bytesReceived += bytes;
    this.#counts.countReceived(message);
    this.handler?.receive(message);
  }

  #askSeeds(): void {
    if (this.handler === undefined) return;
    const isLonely = this.#peers.size === 0 || [...this.#peers.keys()].some((id) => !this.#isUp(id));
    if (isLonely && this.#options.isAwake()) {
      for (const address of this.#options.seeds) {
        this.#wires.ask(this, address);
      }
    }
    this.#options.clock.after(DEFAULT_TRANSPORT_LIMITS.seedIntervalMs, () => this.#askSeeds());
  }

  #mismatch({ greeting }: MemoryEnd): string | undefined {
    if (agreedVersion(this.greeting.versions, greeting.versions) === undefined) return "no version in common";
    return findDialerMismatch(this.greeting, { greeting, to: this.id });
  }

  #isUp(id: NodeId): boolean {
    return this.handler !== undefined && this.#wires.isUp(this.id, id);
  }

  #info(id: NodeId, peer: KnownPeer): PeerInfo {
    const reachable = this.#isUp(id);
    const other = reachable ? this.#wires.running(id) : undefined;
    const told = other?.handler?.status();
    if (other !== undefined && told !== undefined) {
      peer.status = told;
      peer.lastAnswer = { status: told, askedAt: this.#options.clock.now() };
      peer.versions = other.greeting.versions;
    }
    return { id, reachable, roundTripMs: undefined, bytesSent: 0, ...peer.told() };
  }
}
