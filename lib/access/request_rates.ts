/**
 * How many requests a second a connection and a user may send to this node, whatever the protocol. Who sends more is told so at once: what is
 * refused was not begun. AUTH and its like, and health checks, are neither counted nor refused.
 */

import { USERS_MAX } from "../kv/users.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { Counter } from "../observe/metrics.ts";
import { METRIC } from "../observe/names.ts";
import { LAUNCHER, type Login } from "./login.ts";

/** Fewest and most requests a second that a limit may be. */
export const REQUESTS_PER_SECOND = { least: 1, most: 1_000_000 } as const;

/** Requests a second; undefined for any number. */
export interface RateLimits {
  /** Of all connections of a user to this node together. */
  readonly userRequestsPerSecond: number | undefined;
  readonly connectionRequestsPerSecond: number | undefined;
}

/** A request over a limit. */
export interface RateRefusal {
  readonly of: "connection" | "user";
  readonly requestsPerSecond: number;
}

/** A token bucket that holds the requests of one second. Times are `Clock.now()`, in ms. */
export class TokenBucket {
  readonly requestsPerSecond: number;
  #tokens: number;
  #at: number;

  /** A full one. */
  constructor(requestsPerSecond: number, now: number) {
    this.requestsPerSecond = requestsPerSecond;
    this.#tokens = requestsPerSecond;
    this.#at = now;
  }

  /** Takes a token; false when there is none. */
  take(now: number): boolean {
    const elapsedMs = Math.max(0, now - this.#at);
    this.#at = now;
    this.#tokens = Math.min(this.requestsPerSecond, this.#tokens + elapsedMs * this.requestsPerSecond / MS_PER_SECOND);
    if (this.#tokens < 1) return false;
    this.#tokens -= 1;
    return true;
  }
}

const MS_PER_SECOND = 1_000;

/** The rates of a node: one for all of its ports. */
export class RequestRates {
  readonly #limits: RateLimits;
  readonly #node: Pick<KeyValueNode, "users">;
  /** By login. */
  readonly #buckets = new Map<number, TokenBucket>();
  readonly #refused: Readonly<Record<RateRefusal["of"], Counter>>;

  /** The rates of `node`. */
  constructor(limits: RateLimits, node: Pick<KeyValueNode, "users" | "metrics">) {
    this.#limits = limits;
    this.#node = node;
    const refused = node.metrics.counterFamily(METRIC.requestsOverRate, ["limit"]);
    this.#refused = { connection: refused.counter(["connection"]), user: refused.counter(["user"]) };
  }

  /** Users of whom something is kept. */
  get users(): number {
    return this.#buckets.size;
  }

  /** The rate of a new connection; undefined where nothing is limited, so that nothing is asked for each request. */
  connection(now: number): ConnectionRate | undefined {
    const { userRequestsPerSecond: ofUser, connectionRequestsPerSecond: ofConnection } = this.#limits;
    if (ofUser === undefined && ofConnection === undefined) return undefined;
    const bucket = ofConnection === undefined ? undefined : new TokenBucket(ofConnection, now);
    return new ConnectionRate(bucket, this);
  }

  /** Counts a request of that user; see `ConnectionRate`. */
  refusalOfUser(login: Login | undefined, now: number): RateRefusal | undefined {
    const { userRequestsPerSecond } = this.#limits;
    if (userRequestsPerSecond === undefined || login === undefined) return undefined;
    // Tokens have no rates of their own beside that of their user.
    const id = this.#node.users.findByLogin(login.id)?.login ?? login.id;
    let bucket = this.#buckets.get(id);
    if (bucket === undefined) {
      this.#forget();
      bucket = new TokenBucket(userRequestsPerSecond, now);
      this.#buckets.set(id, bucket);
    }
    return bucket.take(now) ? undefined : this.refuse("user", userRequestsPerSecond);
  }

  /** A refusal, counted. */
  refuse(of: RateRefusal["of"], requestsPerSecond: number): RateRefusal {
    this.#refused[of].add();
    return { of, requestsPerSecond };
  }

  /** Those who are users no more make room: there are never more than users and one. */
  #forget(): void {
    if (this.#buckets.size < USERS_MAX) return;
    for (const id of [...this.#buckets.keys()]) if (!this.#node.users.allows(id)) this.#buckets.delete(id);
  }
}

/** How many requests one connection, and whoever is logged in on it, may still send. */
export class ConnectionRate {
  readonly #bucket: TokenBucket | undefined;
  readonly #rates: RequestRates;

  /** `bucket` is undefined for any number. */
  constructor(bucket: TokenBucket | undefined, rates: RequestRates) {
    this.#bucket = bucket;
    this.#rates = rates;
  }

  /** Counts a request that was read at `now`; why it must not be begun, or undefined. */
  refusal(login: Login | undefined, now: number): RateRefusal | undefined {
    // It looks after the nodes of its cluster, and is no client.
    if (login === LAUNCHER) return undefined;
    const bucket = this.#bucket;
    if (bucket !== undefined && !bucket.take(now)) return this.#rates.refuse("connection", bucket.requestsPerSecond);
    return this.#rates.refusalOfUser(login, now);
  }
}

/** A refusal in words, without a capital and a full stop. */
export function describeRate({ of, requestsPerSecond }: RateRefusal): string {
  const who = of === "user" ? "a user may send a node" : "a connection may send";
  return `${who} ${requestsPerSecond} requests a second; nothing was done, try again in a moment`;
}
