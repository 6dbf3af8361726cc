/** A network in memory for tests and simulation: deterministic, with addresses, cuts, latency and loss, and nothing shared. */

import type { PeerMessage } from "../../../lib/transport/forward.ts";
import type { Clock, Timer } from "../../../lib/base/clock.ts";
import type { NodeId } from "../../../lib/raft/types.ts";
import { decodeMessage, type EncodedMessage, encodeMessage } from "../../../lib/transport/codec.ts";
import { findAcceptorMismatch, findDialerMismatch } from "../../../lib/transport/credentials.ts";
import { assert } from "../../../lib/base/assert.ts";
import { defaultGreeting } from "./default_greeting.ts";
import { MemoryEnd, type MemoryEndOptions, type Wires } from "./memory_end.ts";
import { parseFields } from "../../../lib/transport/fields.ts";
import type { Greeting, PeerRefusal, Transport } from "../../../lib/transport/transport.ts";

/** How a network in memory behaves. */
export interface MemoryNetworkOptions {
  readonly clock: Clock;
  /** Milliseconds from one node to another, asked for each flush and each event; 1 by default. */
  latencyMs?(from: NodeId, to: NodeId): number;
  /**
   * In how many milliseconds each copy of a message arrives: none for one that is lost, several for a duplicated one. Then
   * messages overtake each other and outlive the connection they were sent on. When left out, each connection is in order.
   */
  fates?(message: PeerMessage): readonly number[];
}

/** Milliseconds after which a refused peer is greeted again. */
const RETRY_MS = 1_000;

/** A pair of nodes; `epoch` changes with each connect and each loss, so that what was in flight is lost. */
interface Link {
  readonly ends: readonly [NodeId, NodeId];
  cut: boolean;
  up: boolean;
  /** The timer of the next greeting, while one is due. */
  greeting: Timer | undefined;
  epoch: number;
  /** Ends that do not know yet that the connection was lost. */
  readonly untold: Set<NodeId>;
  /** Towards the lower and towards the higher id. */
  readonly lanes: readonly [Lane, Lane];
}

/** What is under way in one direction. Each delivery takes the oldest, so that no rounding of times can reorder them. */
interface Lane {
  readonly flushes: { readonly epoch: number; readonly frames: readonly EncodedMessage[] }[];
  dueAt: number;
}

/** Joins the transports made by `connect`. Every event is a timer of the clock, and the same calls give the same order. */
export class MemoryNetwork implements Wires {
  readonly #options: MemoryNetworkOptions;
  readonly #nodes = new Map<NodeId, MemoryEnd>();
  readonly #links = new Map<string, Link>();
  /** How often another machine has taken the place of a server. */
  readonly #replacements = new Map<NodeId, number>();
  /** Whether servers that were removed are told so when they greet; older ones do not listen. */
  tellsRemovals = true;
  #loses: ((message: PeerMessage) => boolean) | undefined;

  constructor(options: MemoryNetworkOptions) {
    this.#options = options;
  }

  /** The transport of a node; one made again for the same id takes the place of the first, as a restarted process does. */
  connect(
    id: NodeId,
    greeting: Partial<Greeting> = {},
    { seeds = [], isAwake = () => true }: Partial<Pick<MemoryEndOptions, "seeds" | "isAwake">> = {},
  ): Transport {
    this.#nodes.get(id)?.end();
    const node = new MemoryEnd(this, {
      clock: this.#options.clock,
      greeting: isWhole(greeting) ? greeting : { ...defaultGreeting(id), ...greeting, nodeId: id },
      seeds,
      isAwake,
    });
    this.#nodes.set(id, node);
    return node;
  }

  /** Cuts the connection of two nodes: both are told, what is in flight is lost. */
  cut(a: NodeId, b: NodeId): void {
    this.#link(a, b).cut = true;
    this.review(a, b);
  }

  /** Lets two nodes connect again. */
  heal(a: NodeId, b: NodeId): void {
    this.#link(a, b).cut = false;
    this.review(a, b);
  }

  /** Loses each message for which `loses` is true, without telling anybody; undefined loses none. */
  drop(loses: ((message: PeerMessage) => boolean) | undefined): void {
    this.#loses = loses;
  }

  /** Another machine takes the place of a server: what is under way to the one before, or from it, is lost with its connections. */
  replace(id: NodeId): void {
    this.#replacements.set(id, (this.#replacements.get(id) ?? 0) + 1);
  }

  /** Whether messages pass between two nodes. For `MemoryEnd`. */
  isUp(a: NodeId, b: NodeId): boolean {
    return this.#link(a, b).up;
  }

  /** The node's transport, while it runs. For `MemoryEnd`. */
  running(id: NodeId): MemoryEnd | undefined {
    const node = this.#nodes.get(id);
    return node?.handler === undefined ? undefined : node;
  }

  /** Connects or disconnects two nodes as their state now asks. For `MemoryEnd`. */
  review(a: NodeId, b: NodeId): void {
    const link = this.#link(a, b);
    if (!this.#mayConnect(link)) this.lose(link.ends, undefined);
    if (this.#mayGreet(link) && !link.up && link.greeting === undefined) this.#greetAfter(link, this.#latency(a, b));
  }

  /** A node that listens now is dialed by those that it does not know, but that know it. For `MemoryEnd`. */
  beDialed(node: MemoryEnd): void {
    for (const [id, other] of this.#nodes) if (!node.lists(id) && other.lists(node.id)) this.review(id, node.id);
  }

  /** Ends a connection of `own` by its own will and greets again, without waiting if the last greeting was refused. */
  reset(own: NodeId, other: NodeId): void {
    const link = this.#link(own, other);
    this.lose(link.ends, own);
    link.greeting?.cancel();
    link.greeting = undefined;
    this.review(own, other);
  }

  /** Ends a connection; every end but `silentFor` is told. For `MemoryEnd`. */
  lose([a, b]: readonly [NodeId, NodeId], silentFor: NodeId | undefined): void {
    const link = this.#link(a, b);
    if (!link.up) return;
    link.up = false;
    link.epoch += 1;
    for (const [own, other] of bothWays(link)) {
      const node = this.running(own);
      if (node === undefined || own === silentFor || !node.lists(other)) continue;
      link.untold.add(own);
      this.#options.clock.after(this.#latency(other, own), () => this.#tellLoss(link, [own, other]));
    }
  }

  /** Carries messages that left in one flush. For `MemoryEnd`. */
  carry([from, to]: readonly [NodeId, NodeId], messages: readonly PeerMessage[]): void {
    const link = this.#link(from, to);
    if (!link.up) return;
    if (this.#options.fates !== undefined) return this.#scatter(link, { messages, to });
    const kept = messages.filter((message) => this.#loses?.(message) !== true).map(encodeMessage);
    // A body may be shared with the sender's log: the receiver decodes a copy.
    const frames = kept.map(({ header, body }) => ({ header, body: body.slice() }));
    if (frames.length === 0) return;
    const lane = link.lanes[to > from ? 1 : 0];
    const now = this.#options.clock.now();
    lane.dueAt = Math.max(now + this.#latency(from, to), lane.dueAt);
    lane.flushes.push({ epoch: link.epoch, frames });
    this.#options.clock.after(lane.dueAt - now, () => this.#deliver(link, { lane, to }));
  }

  /** An end asks who is at an address, and who the members are; see `Seeds`. For `MemoryEnd`. */
  ask(asker: MemoryEnd, address: string): void {
    const asked = this.#listenerAt(address);
    if (asked === undefined || asked === asker || this.#link(asker.id, asked.id).cut) return;
    this.#options.clock.after(this.#latency(asker.id, asked.id), () => {
      const members = asked.acquaint(asker);
      const greeting = { ...asked.greeting };
      if (members === undefined) return;
      this.#options.clock.after(this.#latency(asked.id, asker.id), () => asker.handler?.acquainted(greeting, members));
    });
  }

  /** Each message on its own way. */
  #scatter(link: Link, { messages, to }: { readonly messages: readonly PeerMessage[]; readonly to: NodeId }): void {
    for (const message of messages) {
      const delays = this.#options.fates?.(message) ?? [];
      if (delays.length === 0) continue;
      const { header, body } = encodeMessage(message);
      const copy = body.slice();
      const sentAmong = this.#replacementsOf(link);
      for (const delay of delays) {
        this.#options.clock.after(delay, () => {
          if (this.#replacementsOf(link) === sentAmong) this.#arrive(link, { header, body: copy, to });
        });
      }
    }
  }

  #replacementsOf({ ends }: Link): number {
    return ends.reduce((sum, id) => sum + (this.#replacements.get(id) ?? 0), 0);
  }

  #arrive(link: Link, { header, body, to }: EncodedMessage & { readonly to: NodeId }): void {
    const fields = link.up ? parseFields(header) : undefined;
    const message = fields === undefined ? undefined : decodeMessage(fields, body);
    if (message !== undefined) this.running(to)?.take(message, header.length + body.length);
  }

  #deliver(link: Link, { lane, to }: { readonly lane: Lane; readonly to: NodeId }): void {
    const flush = lane.flushes.shift();
    for (const { header, body } of flush?.frames ?? []) {
      // Any message may make the receiver stop or reset: what comes after it is lost then.
      if (flush?.epoch !== link.epoch) return;
      const fields = parseFields(header);
      const message = fields === undefined ? undefined : decodeMessage(fields, body);
      if (message !== undefined) this.running(to)?.take(message, header.length + body.length);
    }
  }

  #greetAfter(link: Link, delayMs: number): void {
    link.greeting = this.#options.clock.after(delayMs, () => {
      link.greeting = undefined;
      if (link.up || !this.#mayGreet(link)) return;
      if (!this.#shakesHands(link)) {
        // Who has just heard where the other is has begun another attempt.
        if (link.greeting === undefined) this.#greetAfter(link, RETRY_MS);
        return;
      }
      link.up = true;
      link.epoch += 1;
      for (const [own, other] of bothWays(link)) {
        this.#tellLoss(link, [own, other]);
        this.running(own)?.handler?.connected(other);
      }
    });
  }

  #tellLoss(link: Link, [own, other]: readonly [NodeId, NodeId]): void {
    if (link.untold.delete(own)) this.running(own)?.handler?.disconnected(other);
  }

  /** Whether each end that dials reaches the other, and both take each other. */
  #shakesHands(link: Link): boolean {
    // Only who lists the other dials it, and shows its greeting.
    const dials = bothWays(link).filter(([own, other]) => this.running(other)?.lists(own) === true);
    const misses = new Map(dials.map(([own, other]) => [other, this.#miss({ dialer: other, meant: own })]));
    const met = dials.filter(([, other]) => misses.get(other) === undefined);
    const missing = dials.length < link.ends.length ? "not known there" : undefined;
    const refusal = this.#refusalOf(met, { bothDial: missing === undefined });
    const reason = refusal?.reason ?? missing;
    for (const [own, other] of bothWays(link)) this.running(own)?.setProblem(other, misses.get(own) ?? reason);
    return reason === undefined && met.length === dials.length;
  }

  /** Why a dialer does not meet the one that it means where it takes it to be; undefined when it does. */
  #miss({ dialer, meant }: { readonly dialer: NodeId; readonly meant: NodeId }): string | undefined {
    const from = this.running(dialer);
    const found = from === undefined ? undefined : this.#listenerAt(from.addressOf(meant));
    if (from === undefined || found?.id === meant) return undefined;
    from.tryNextAddress(meant);
    if (found === undefined) return "nobody is there";
    const objections = [
      findDialerMismatch(found.greeting, { greeting: from.greeting, to: meant }),
      findAcceptorMismatch(from.greeting, { greeting: found.greeting }, meant),
    ];
    for (const objection of objections) {
      assert(objection !== undefined, `Node ${dialer} takes node ${found.id}, which it met there, for node ${meant}`);
    }
    return objections[0];
  }

  /** What those have against each other that meet: `met` are pairs of who answered and who dialed it. */
  #refusalOf(
    met: readonly (readonly [NodeId, NodeId])[],
    { bothDial }: { readonly bothDial: boolean },
  ): PeerRefusal | undefined {
    const refusals = met.map(([own, other]) => this.running(own)?.admit(this.running(other)));
    for (const [at, [, other]] of met.entries()) {
      if (refusals[at]?.removed === true && this.tellsRemovals) {
        this.#options.clock.after(0, () => this.running(other)?.handler?.removed());
      }
    }
    const refusal = refusals.find((known) => known !== undefined);
    const [[own, other] = []] = met;
    const isAlone = bothDial && met.length === 1 && own !== undefined && other !== undefined;
    // Only a dialer that is taken hears who answers.
    return refusal !== undefined || !isAlone ? refusal : this.running(other)?.admit(this.running(own));
  }

  #listenerAt(address: string): MemoryEnd | undefined {
    for (const node of this.#nodes.values()) {
      if (node.handler !== undefined && node.greeting.peerAddress === address) return node;
    }
    return undefined;
  }

  #mayConnect(link: Link): boolean {
    return !link.cut && bothWays(link).every(([own, other]) => this.running(own)?.lists(other) === true);
  }

  #mayGreet(link: Link): boolean {
    if (link.cut || !link.ends.every((id) => this.running(id) !== undefined)) return false;
    return bothWays(link).some(([own, other]) => this.running(own)?.lists(other) === true);
  }

  #latency(from: NodeId, to: NodeId): number {
    return this.#options.latencyMs?.(from, to) ?? 1;
  }

  #link(a: NodeId, b: NodeId): Link {
    const ends: readonly [NodeId, NodeId] = a < b ? [a, b] : [b, a];
    const key = ends.join();
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    const lanes: Link["lanes"] = [{ flushes: [], dueAt: 0 }, { flushes: [], dueAt: 0 }];
    const link: Link = { ends, cut: false, up: false, greeting: undefined, epoch: 0, untold: new Set(), lanes };
    this.#links.set(key, link);
    return link;
  }
}

/** A greeting that may change with its node, and so must not be copied. */
function isWhole(greeting: Partial<Greeting>): greeting is Greeting {
  return "configurationIndex" in greeting && "identity" in greeting && "nodeId" in greeting;
}

function bothWays({ ends: [low, high] }: Link): readonly (readonly [NodeId, NodeId])[] {
  return [[low, high], [high, low]];
}
