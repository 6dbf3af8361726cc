/** One server this node talks to: its two connections, what is known of it, and when the driver is told. */

import type { Clock } from "../base/clock.ts";
import { LogLimiter } from "../base/log_limiter.ts";
import type { NodeId } from "../raft/types.ts";
import type { Connection } from "./connection.ts";
import type { Beat } from "./control.ts";
import type { LargeTurns } from "./large_turns.ts";
import type { TransportLimits } from "./limits.ts";
import { Pinger } from "./pinger.ts";
import type { Greeting, PeerInfo, PeerStatus, TransportHandler } from "./transport.ts";
import type { VersionRange } from "./versions.ts";

/** Seen from this node: outgoing carries our messages, incoming the peer's. */
export type Direction = "outgoing" | "incoming";

/** A connection whose handshake went well. */
export interface Link {
  readonly connection: Connection;
  readonly greeting: Greeting;
}

/** How the transport writes to the log. */
export type Log = (level: "info" | "warn" | "error" | "debug", message: string) => void;

/** What peers, dialers and acceptor share. */
export interface TransportContext {
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly largeTurns: LargeTurns;
  readonly handler: TransportHandler;
  readonly log: Log;
}

/** A failed handshake ("warn") or a peer that could not be reached ("debug"), which is ordinary while it is down. */
export interface Failure {
  readonly problem: string;
  readonly level: "warn" | "debug";
}

interface Side {
  link: Link | undefined;
  failure: Failure | undefined;
}

/**
 * Events to the driver come from the loops that serve the connections, never from a call of the driver.
 *
 * `connected` is told when both directions are up; `disconnected` once after a direction was lost, and again only when
 * one has come up since.
 */
export class Peer {
  readonly id: NodeId;
  #addresses: readonly string[];
  #addressInUse = 0;
  readonly #context: TransportContext;
  readonly #sides: Readonly<Record<Direction, Side>> = {
    outgoing: { link: undefined, failure: undefined },
    incoming: { link: undefined, failure: undefined },
  };
  readonly #damageLog: LogLimiter;
  readonly #dropLog: LogLimiter;
  readonly #refusalLog: LogLimiter;
  #pinger: Pinger | undefined;
  #connectedTold = false;
  #lossTold = false;
  #status: PeerStatus | undefined;
  #lastAnswer: PeerInfo["lastAnswer"];
  #versions: VersionRange | undefined;
  #roundTripMs: number | undefined;
  #lastContact: number | undefined;
  #framesDropped = 0;
  #pastSent = 0;
  #pastReceived = 0;

  constructor(id: NodeId, options: { readonly addresses: readonly string[]; readonly context: TransportContext }) {
    this.id = id;
    this.#addresses = options.addresses;
    this.#context = options.context;
    this.#damageLog = new LogLimiter(options.context.clock);
    this.#dropLog = new LogLimiter(options.context.clock);
    this.#refusalLog = new LogLimiter(options.context.clock);
  }

  /** The address to dial now; "" when none was given. */
  get address(): string {
    return this.#addresses[this.#addressInUse] ?? "";
  }

  /** An attempt failed: the next one goes to the next address. */
  tryNextAddress(): void {
    this.#addressInUse = this.#addresses.length === 0 ? 0 : (this.#addressInUse + 1) % this.#addresses.length;
  }

  /** Takes other addresses, the best first; false when the connection in use leads to none of them. */
  moveTo(addresses: readonly string[]): boolean {
    const { address: used } = this;
    const same = addresses.length === this.#addresses.length &&
      addresses.every((one, at) => one === this.#addresses[at]);
    if (same) return true;
    this.#addresses = addresses;
    const at = addresses.indexOf(used);
    // A connection that works stays; otherwise the best address is tried at once.
    this.#addressInUse = this.outgoing === undefined || at < 0 ? 0 : at;
    return at >= 0;
  }

  /** The connection our messages leave by, undefined while there is none. */
  get outgoing(): Connection | undefined {
    return openConnection(this.#sides.outgoing);
  }

  get incoming(): Connection | undefined {
    return openConnection(this.#sides.incoming);
  }

  /** Puts a message into the queue; false (and counted) when that was not possible. */
  send(header: string, body: Uint8Array): boolean {
    const { outgoing } = this;
    if (outgoing !== undefined && outgoing.append(header, body)) return true;
    if (outgoing !== undefined) {
      const bytes = header.length + body.length;
      this.#limited(
        this.#dropLog,
        `Dropped a message of ${bytes} bytes to node ${this.id}: too long, or the queue is full`,
      );
    }
    this.drop();
    return false;
  }

  /** Counts a message that was not sent. */
  drop(): void {
    this.#framesDropped += 1;
  }

  /** A handshake went well. A connection in the same direction is replaced. */
  up(direction: Direction, link: Link): void {
    const side = this.#sides[direction];
    const replaced = side.link;
    side.link = link;
    side.failure = undefined;
    this.#versions = link.greeting.versions;
    replaced?.connection.close({ reason: "replaced by a newer connection", expected: true, damage: false });
    if (replaced !== undefined) this.#retire(replaced.connection);
    if (direction === "outgoing") this.#startPinger(link.connection);
    this.#closeOlderLife(direction, link.greeting);
    this.#lossTold = false;
    const both = this.outgoing !== undefined && this.incoming !== undefined;
    if (!both || this.#connectedTold) return;
    this.#connectedTold = true;
    this.#context.log("info", `Connected to node ${this.id} at ${this.address}`);
    this.#context.handler.connected(this.id);
  }

  /** The connection ended. Nothing happens when another one has taken its place. */
  down(direction: Direction, connection: Connection): void {
    const { ending } = connection;
    if (ending?.damage === true) this.#damaged(ending.reason);
    const side = this.#sides[direction];
    if (side.link?.connection !== connection) return;
    side.link = undefined;
    if (direction === "outgoing") this.#pinger = undefined;
    this.#retire(connection);
    this.#connectedTold = false;
    if (ending === undefined || ending.expected || this.#lossTold) return;
    this.#lossTold = true;
    this.#context.log("info", `Lost the connection to node ${this.id}: ${ending.reason}`);
    this.#context.handler.disconnected(this.id);
  }

  /**
   * A handshake failed, or the peer could not be reached at all: said once per change. Who was refused on the incoming
   * side may be anybody who uses the peer's id, so it is no problem of a peer that is connected, nor may it fill the log.
   */
  fail(direction: Direction, failure: Failure): void {
    const side = this.#sides[direction];
    if (side.failure?.problem === failure.problem) return;
    if (openConnection(side) === undefined) side.failure = failure;
    const line = `Node ${this.id} at ${this.address}: ${failure.problem}`;
    if (direction === "incoming") this.#limited(this.#refusalLog, line);
    else this.#context.log(failure.level, line);
  }

  /** Takes what the peer tells about itself. */
  learn(status: PeerStatus): void {
    this.#status = status;
  }

  /** Takes the answer to a ping; false when nothing asked for it. */
  answer({ nonce, status }: Beat): boolean {
    const now = this.#context.clock.now();
    const roundTrip = this.#pinger?.answer(nonce, now);
    if (roundTrip === undefined) return false;
    this.#roundTripMs = roundTrip;
    this.#lastAnswer = { status, askedAt: now - roundTrip };
    this.learn(status);
    return true;
  }

  /** Pings, and closes connections whose deadlines are over. */
  check(now: number): void {
    const { outgoing, incoming } = this;
    outgoing?.checkWrite(now);
    if (this.outgoing !== undefined) this.#pinger?.check(now);
    incoming?.checkWrite(now);
    const { pingIntervalMs, pongTimeoutMs } = this.#context.limits;
    const silent = incoming === undefined ? 0 : now - incoming.lastReadAt;
    if (silent <= pingIntervalMs + pongTimeoutMs) return;
    incoming?.close({ reason: `no sign of life for ${silent.toFixed(0)} ms`, expected: false, damage: false });
  }

  /** Starts all deadlines anew: this process did not run. */
  forgive(now: number): void {
    this.outgoing?.forgive(now);
    this.incoming?.forgive(now);
    this.#pinger?.forgive(now);
  }

  /** Closes both connections by our own will: no loss is told. */
  close(reason: string): void {
    this.outgoing?.close({ reason, expected: true, damage: false });
    this.incoming?.close({ reason, expected: true, damage: false });
  }

  info(): PeerInfo {
    const { outgoing, incoming } = this;
    const alive = this.#pinger?.isAlive(this.#context.clock.now()) ?? false;
    const reads = [this.#lastContact, outgoing?.lastReadAt, incoming?.lastReadAt].filter((time) => time !== undefined);
    return {
      id: this.id,
      address: this.address,
      reachable: outgoing !== undefined && incoming !== undefined && alive,
      lastContact: reads.length === 0 ? undefined : Math.max(...reads),
      roundTripMs: this.#roundTripMs,
      status: this.#status,
      lastAnswer: this.#lastAnswer,
      versions: this.#versions,
      bytesSent: this.#pastSent + current(this.#sides, "bytesSent"),
      bytesReceived: this.#pastReceived + current(this.#sides, "bytesReceived"),
      framesDropped: this.#framesDropped,
      problem: this.#problem(),
    };
  }

  /** A refusal tells more than a connection that could not be made. */
  #problem(): string | undefined {
    const failures = [this.#sides.outgoing.failure, this.#sides.incoming.failure];
    return (failures.find((failure) => failure?.level === "warn") ?? failures[0])?.problem;
  }

  #startPinger(connection: Connection): void {
    const { limits, handler, clock } = this.#context;
    this.#pinger = new Pinger(connection, { limits, status: () => handler.status() });
    this.#pinger.check(clock.now());
  }

  /** A process that came back while its old connection still looked alive: that one leads nowhere. */
  #closeOlderLife(direction: Direction, greeting: Greeting): void {
    const other = this.#sides[direction === "outgoing" ? "incoming" : "outgoing"].link;
    if (other === undefined || other.greeting.incarnation === greeting.incarnation) return;
    other.connection.close({ reason: "the node was restarted", expected: false, damage: false });
  }

  #retire(connection: Connection): void {
    this.#pastSent += connection.bytesSent;
    this.#pastReceived += connection.bytesReceived;
    this.#lastContact = Math.max(this.#lastContact ?? connection.lastReadAt, connection.lastReadAt);
  }

  #damaged(reason: string): void {
    this.#framesDropped += 1;
    this.#limited(this.#damageLog, `Closed a connection of node ${this.id}: ${reason}`);
  }

  #limited(limiter: LogLimiter, message: string): void {
    const line = limiter.pass(message);
    if (line !== undefined) this.#context.log("warn", line);
  }
}

function openConnection(side: Side): Connection | undefined {
  const connection = side.link?.connection;
  return connection?.ending === undefined ? connection : undefined;
}

function current(sides: Readonly<Record<Direction, Side>>, field: "bytesSent" | "bytesReceived"): number {
  return (sides.outgoing.link?.connection[field] ?? 0) + (sides.incoming.link?.connection[field] ?? 0);
}
