/**
 * The peer transport over TCP.
 *
 * Each node dials every peer for the messages it sends, and accepts the connections by which theirs come: one connection
 * per direction, so that two nodes that start together need no agreement on which of two connections to keep.
 */

import type { PeerMessage } from "./forward.ts";
import { assert } from "../base/assert.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { NodeId } from "../raft/types.ts";
import { Acceptor } from "./acceptor.ts";
import { encodeMessage } from "./codec.ts";
import { type Secrets, secretsIn } from "./credentials.ts";
import { Dialer } from "./dialer.ts";
import type { HandshakeOptions } from "./handshake.ts";
import { LargeTurns } from "./large_turns.ts";
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from "./limits.ts";
import { MessageCounts } from "./message_counts.ts";
import { Seeds } from "./seeds.ts";
import { type Log, Peer, type TransportContext } from "./peer.ts";
import type { PeerSecurity } from "./security.ts";
import type { Greeting, PeerAddresses, PeerInfo, Transport, TransportHandler } from "./transport.ts";

/** What a `TcpTransport` is made with. */
export interface TcpTransportOptions extends Secrets {
  readonly clock: Clock;
  /** 0 to 1, 1 excluded: spreads the attempts to reconnect. */
  readonly random: () => number;
  readonly greeting: Greeting;
  /** Port 0 takes a free one; see `port`. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** Certificates, with which the nodes speak TLS. */
  readonly security?: PeerSecurity | undefined;
  /** Addresses of peer ports to ask who is there, while a peer is not reached or none is known. */
  readonly seeds?: readonly string[];
  readonly limits?: Partial<TransportLimits>;
  readonly log: Log;
}

/** Everything that exists between `start` and `stop`. */
interface Running {
  readonly context: TransportContext;
  readonly handshake: HandshakeOptions;
  readonly acceptor: Acceptor;
  readonly seeds: Seeds;
  readonly tasks: Set<Promise<void>>;
  ticker: Timer;
}

interface Connected {
  readonly peer: Peer;
  dialer: Dialer;
}

const CHECKS_PER_PING = 4;

const ISOLATED = "cut off from the other nodes";

/** One listener, and for each peer one connection out and one in. */
export class TcpTransport implements Transport {
  readonly #options: TcpTransportOptions;
  readonly #limits: TransportLimits;
  readonly #counts = new MessageCounts();
  readonly #peers = new Map<NodeId, Connected>();
  #wanted: readonly PeerAddresses[] = [];
  #listener: Deno.TcpListener | undefined;
  #running: Running | undefined;
  #isolated = false;

  constructor(options: TcpTransportOptions) {
    this.#options = options;
    this.#limits = { ...DEFAULT_TRANSPORT_LIMITS, ...options.limits };
  }

  /** The port listened on; only after `start`. */
  get port(): number {
    assert(this.#listener !== undefined, "Cannot tell the port before the transport has started");
    return this.#listener.addr.port;
  }

  start(handler: TransportHandler): Promise<void> {
    // The system's error becomes a rejection.
    return Promise.resolve(handler).then((known) => this.#begin(known));
  }

  #begin(handler: TransportHandler): void {
    assert(this.#listener === undefined, "Cannot start a transport twice");
    const { clock, log, listen, greeting, security } = this.#options;
    const secrets = secretsIn(this.#options);
    const context = { clock, log, handler, limits: this.#limits, largeTurns: new LargeTurns(clock) };
    this.#listener = Deno.listen(listen);
    const handshake: HandshakeOptions = {
      ...secrets,
      greeting,
      security,
      knows: (id) => this.#peers.has(id) && !this.#isolated,
      admit: (other) => handler.admit(other),
      acquaint: (other, wantsId) => handler.acquaint(other, wantsId),
    };
    const acceptor = new Acceptor(this.#listener, {
      context,
      handshake,
      findPeer: (id) => this.#peers.get(id)?.peer,
      // Not refused with a reason: that would tell a peer of a mistake in its settings.
      isClosed: () => this.#isolated,
      receive: (message) => {
        this.#counts.countReceived(message);
        handler.receive(message);
      },
      dialedBy: (peer) => {
        if (peer.outgoing === undefined) this.#peers.get(peer.id)?.dialer.wake();
      },
    });
    const seeds = new Seeds({
      ...{
        ...secrets,
        greeting,
        security,
        handler,
        log,
        connection: context,
        addresses: this.#options.seeds ?? [],
      },
      isLonely: () => !this.#isolated && (this.#peers.size === 0 || this.#isMissingPeer()),
    });
    this.#running = { context, handshake, acceptor, seeds, tasks: new Set(), ticker: this.#scheduleCheck(clock.now()) };
    this.#spawn(acceptor.run());
    this.#spawn(seeds.run());
    this.setPeers(this.#wanted);
  }

  send(message: PeerMessage): boolean {
    const peer = this.#peers.get(message.to)?.peer;
    if (peer === undefined) return false;
    if (peer.outgoing === undefined) {
      peer.drop();
      return false;
    }
    const { header, body } = encodeMessage(message);
    if (!peer.send(header, body)) return false;
    this.#counts.countSent(message);
    return true;
  }

  flush(): void {
    for (const { peer } of this.#peers.values()) peer.outgoing?.flush();
  }

  setPeers(peers: readonly PeerAddresses[]): void {
    this.#wanted = peers.filter(({ id }) => id !== this.#options.greeting.nodeId);
    const running = this.#running;
    if (running === undefined) return;
    const wanted = new Set(this.#wanted.map(({ id }) => id));
    for (const [id, { peer, dialer }] of this.#peers) {
      if (wanted.has(id)) continue;
      this.#peers.delete(id);
      dialer.stop("no longer a peer");
      peer.close("no longer a peer");
    }
    for (const peer of this.#wanted) this.#keep(running, peer);
  }

  /** Cuts the connections to all peers, in both directions, and takes none; or lets them come again. */
  isolate(isolated: boolean): void {
    if (this.#isolated === isolated) return;
    this.#isolated = isolated;
    const running = this.#running;
    if (running === undefined) return;
    // What is known of the peers stays, as it does when a cable is cut.
    for (const connected of this.#peers.values()) {
      connected.dialer.stop(ISOLATED);
      connected.peer.close(ISOLATED);
      if (!isolated) connected.dialer = this.#dial(running, connected.peer);
    }
  }

  reset(peer: NodeId): void {
    const connected = this.#peers.get(peer);
    connected?.peer.close("reset");
    connected?.dialer.redial("reset");
  }

  peers(): readonly PeerInfo[] {
    return [...this.#peers.values()].map(({ peer }) => peer.info());
  }

  counts(): { readonly sent: ReadonlyMap<string, number>; readonly received: ReadonlyMap<string, number> } {
    return this.#counts;
  }

  async stop(): Promise<void> {
    const running = this.#running;
    if (running === undefined) return;
    this.#running = undefined;
    running.ticker.cancel();
    running.acceptor.stop();
    running.seeds.stop();
    for (const { peer, dialer } of this.#peers.values()) {
      dialer.stop("this node stops");
      peer.close("this node stops");
    }
    await Promise.all(running.tasks);
  }

  #isMissingPeer(): boolean {
    return [...this.#peers.values()].some(({ peer }) => peer.outgoing === undefined);
  }

  #keep(running: Running, { id, addresses }: PeerAddresses): void {
    const known = this.#peers.get(id);
    if (known === undefined) {
      const peer = new Peer(id, { addresses, context: running.context });
      this.#peers.set(id, { peer, dialer: this.#dial(running, peer) });
    } else if (!known.peer.moveTo(addresses)) {
      known.dialer.stop("the address changed");
      known.dialer = this.#dial(running, known.peer);
    }
  }

  #dial({ context, handshake }: Running, peer: Peer): Dialer {
    const dialer = new Dialer(peer, { context, handshake, random: this.#options.random });
    if (this.#isolated) dialer.stop(ISOLATED);
    this.#spawn(dialer.run());
    return dialer;
  }

  /** A rejection is a bug of ours or of the handler and ends the process; only `stop` waits for the tasks. */
  #spawn(task: Promise<void>): void {
    const tasks = this.#running?.tasks;
    const tracked = task.finally(() => tasks?.delete(tracked));
    tasks?.add(tracked);
  }

  #scheduleCheck(previous: number): Timer {
    const { clock } = this.#options;
    const intervalMs = this.#limits.pingIntervalMs / CHECKS_PER_PING;
    return clock.after(intervalMs, () => {
      const now = clock.now();
      // After a stop of this process its timers run before the answers that wait in the sockets are read.
      const stalled = now - previous > intervalMs + this.#limits.pongTimeoutMs / 2;
      for (const { peer } of this.#peers.values()) {
        if (stalled) peer.forgive(now);
        else peer.check(now);
      }
      if (this.#running !== undefined) this.#running.ticker = this.#scheduleCheck(now);
    });
  }
}
