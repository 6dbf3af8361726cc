/** The schedule of the open loop: who sends when, at a rate that does not wait for replies. */

import type { LoadConnection } from "./load_connection.ts";

/** The schedule. */
export interface OpenLoopPlan {
  /** Requests per second over all connections. */
  readonly rate: number;
  readonly pipeline: number;
  /** When the first batch is due, and from when on none is due any more. */
  readonly from: number;
  readonly until: number;
  /** Requests due before it do not count against `requestsMax`. */
  readonly measureFrom: number;
  readonly requestsMax: number;
}

/** Batches come at equal distances and go to the connections in turn. */
export class OpenLoop {
  readonly #plan: OpenLoopPlan;
  readonly #connections: readonly LoadConnection[];
  readonly #touched = new Set<LoadConnection>();
  #batches = 0;
  #requestsLeft: number;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #done = false;

  constructor(connections: readonly LoadConnection[], plan: OpenLoopPlan) {
    this.#plan = plan;
    this.#connections = connections;
    this.#requestsLeft = plan.requestsMax;
  }

  /** Whether nothing will become due any more. */
  get isDone(): boolean {
    return this.#done;
  }

  /** Begins. */
  start(): void {
    this.#turn();
  }

  /** Nothing becomes due from now on. */
  stop(): void {
    this.#done = true;
    clearTimeout(this.#timer);
  }

  /** Hands out what is due at `now`, one write for each connection. */
  sendDue(now: number): void {
    for (let due = this.#nextDue(); due <= now && !this.#done; due = this.#nextDue()) this.#handOut(due);
    for (const connection of this.#touched) connection.pump(now);
    this.#touched.clear();
  }

  #turn(): void {
    this.sendDue(performance.now());
    if (!this.#done) this.#timer = setTimeout(() => this.#turn(), Math.max(0, this.#nextDue() - performance.now()));
  }

  #nextDue(): number {
    return this.#plan.from + this.#batches * this.#plan.pipeline * 1_000 / this.#plan.rate;
  }

  #handOut(due: number): void {
    const { pipeline, until, measureFrom } = this.#plan;
    const counted = due >= measureFrom;
    const count = counted ? Math.min(pipeline, this.#requestsLeft) : pipeline;
    if (due >= until || count === 0) return this.stop();
    if (counted) this.#requestsLeft -= count;
    const connection = this.#connections[this.#batches % this.#connections.length];
    this.#batches += 1;
    if (connection === undefined) return;
    connection.add(due, count);
    this.#touched.add(connection);
  }
}
