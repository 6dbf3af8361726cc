/**
 * Connections on which nobody has logged in yet where that is needed, and those whose handshake of TLS is not over: bounded in all, by address and
 * in time, so that strangers take the places of each other and never those of who has logged in.
 */

import type { Counter, Registry } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import {
  BEFORE_LOGIN_CONNECTIONS_MAX,
  BEFORE_LOGIN_CONNECTIONS_MIN,
  CONNECTIONS_PER_ONE_BEFORE_LOGIN,
  LOGIN_TIMEOUT_MS,
} from "./limits.ts";

/** What may be given other than `limits.ts` has it. */
export interface BeforeLoginLimits {
  /** Connections before login of a port; a share of its connections when left out. */
  readonly connectionsMax?: number | undefined;
  /** Those from one address; half of the others when left out. */
  readonly addressConnectionsMax?: number | undefined;
  /** `LOGIN_TIMEOUT_MS` when left out. */
  readonly loginTimeoutMs?: number | undefined;
}

/** A connection as far as it is looked at here. */
export interface LoginAwaiting {
  /** Whether nobody has logged in yet, and somebody has to. */
  readonly isBeforeLogin: boolean;
  /** Where the client comes from, without a port. */
  readonly address: string;
  /** Closes now. */
  abort(): void;
  /** Nobody has logged in in time: tells the client so, and closes. */
  loginTooSlow(): void;
}

/** Why connections before login were closed, or their requests refused. */
export interface ClosedBeforeLogin {
  /** A newcomer took the place: the port had as many before login as there may be, or no other place. */
  readonly total: Counter;
  /** The same among those of its address. */
  readonly address: Counter;
  readonly timeout: Counter;
  /** It sent more than anybody may before login. */
  readonly size: Counter;
}

/** The counters of one port, which has that name in the metrics. */
export function closedBeforeLogin(registry: Registry, port: "client" | "http"): ClosedBeforeLogin {
  const closed = registry.counterFamily(METRIC.connectionsClosedBeforeLogin, ["port", "reason"]);
  const counter = (reason: keyof ClosedBeforeLogin) => closed.counter([port, reason]);
  return { total: counter("total"), address: counter("address"), timeout: counter("timeout"), size: counter("size") };
}

/** What bounds are counted with and told to. */
export interface BeforeLoginParts {
  readonly limits: BeforeLoginLimits;
  readonly closed: ClosedBeforeLogin;
  /** The limit on all connections of the port in force now. */
  connectionsMax(): number;
  /** Logs that some were closed: bounded in number. */
  readonly warn: (message: string) => void;
}

interface Place {
  /** `Clock.now()` from which on a login is awaited. */
  readonly sinceMs: number;
  isOver: boolean;
}

/**
 * Those of one port. Whether somebody has logged in is asked of a connection when that matters: nothing is done for each login.
 */
export class ConnectionsBeforeLogin<C extends LoginAwaiting> {
  readonly #parts: BeforeLoginParts;
  /** The oldest first. Some may have logged in since they were looked at. */
  readonly #places = new Map<C, Place>();
  readonly #byAddress = new Map<string, Set<C>>();

  /** None is open. */
  constructor(parts: BeforeLoginParts) {
    this.#parts = parts;
  }

  /** How many there are now. */
  get size(): number {
    this.#forget(this.#places.keys());
    return this.#places.size;
  }

  /** Counts a newcomer, for which the oldest of its address and of all may have to give way. */
  enter(connection: C, now: number): void {
    if (!connection.isBeforeLogin) return;
    const { closed, warn } = this.#parts;
    const { address } = connection;
    const ofAddress = this.#byAddress.get(address);
    if (ofAddress !== undefined && ofAddress.size >= this.#addressMax()) {
      this.#forget(ofAddress);
      if (ofAddress.size >= this.#addressMax() && this.#end(ofAddress.values(), closed.address)) {
        warn(`Closed a connection of ${address}: nobody has logged in on ${ofAddress.size + 1} of its connections`);
      }
    }
    // `size` looks at all of them.
    if (this.#places.size >= this.#totalMax() && this.size >= this.#totalMax()) this.giveWay();
    this.#add(connection, now);
  }

  /** Forgets one that is closed. Idempotent. */
  leave(connection: C): void {
    if (!this.#places.delete(connection)) return;
    const ofAddress = this.#byAddress.get(connection.address);
    ofAddress?.delete(connection);
    if (ofAddress?.size === 0) this.#byAddress.delete(connection.address);
  }

  /** Closes the oldest; it is no longer counted. Undefined when there is none. */
  giveWay(): C | undefined {
    const ended = this.#end(this.#places.keys(), this.#parts.closed.total);
    if (ended !== undefined) this.#parts.warn("Closed the oldest connection on which nobody has logged in");
    return ended;
  }

  /** Ends those that have waited too long. On some nobody is logged in any more: they count from now on. */
  check(connections: Iterable<C>, now: number): void {
    const { limits: { loginTimeoutMs = LOGIN_TIMEOUT_MS }, closed } = this.#parts;
    for (const connection of connections) {
      const place = this.#places.get(connection);
      if (!connection.isBeforeLogin) this.leave(connection);
      else if (place === undefined) this.#add(connection, now);
      else if (!place.isOver && now - place.sinceMs >= loginTimeoutMs) {
        place.isOver = true;
        closed.timeout.add();
        connection.loginTooSlow();
      }
    }
  }

  #add(connection: C, sinceMs: number): void {
    this.#places.set(connection, { sinceMs, isOver: false });
    const ofAddress = this.#byAddress.get(connection.address) ?? new Set();
    this.#byAddress.set(connection.address, ofAddress.add(connection));
  }

  /** Who has logged in meanwhile counts no more. */
  #forget(connections: Iterable<C>): void {
    for (const connection of connections) if (!connection.isBeforeLogin) this.leave(connection);
  }

  /** Ends the first on which nobody has logged in. */
  #end(connections: Iterable<C>, counter: Counter): C | undefined {
    for (const oldest of connections) {
      this.leave(oldest);
      if (!oldest.isBeforeLogin) continue;
      counter.add();
      oldest.abort();
      return oldest;
    }
    return undefined;
  }

  #totalMax(): number {
    const { limits: { connectionsMax }, connectionsMax: all } = this.#parts;
    if (connectionsMax !== undefined) return connectionsMax;
    const share = Math.floor(all() / CONNECTIONS_PER_ONE_BEFORE_LOGIN);
    return Math.max(BEFORE_LOGIN_CONNECTIONS_MIN, Math.min(share, BEFORE_LOGIN_CONNECTIONS_MAX));
  }

  #addressMax(): number {
    const { addressConnectionsMax } = this.#parts.limits;
    return addressConnectionsMax ?? Math.max(1, Math.floor(this.#totalMax() / 2));
  }
}
