/** Writes under way to a leader, frame by frame. */

import type { NodeId } from "../../raft/types.ts";
import type { ForwardResult } from "../../transport/forward.ts";
import type { Transport } from "../../transport/transport.ts";
import { decodeOutcome } from "./forwarded_outcome.ts";
import { FLIGHTS_MAX } from "../limits.ts";
import type { QueuedWrite } from "./pending_writes.ts";

/** One frame. */
interface Flight {
  readonly id: number;
  readonly to: NodeId;
  readonly batch: readonly QueuedWrite[];
  /** Places in the batch of those whose outcome is open. */
  readonly open: Set<number>;
}

/** Who sends, and by what. */
export interface FlightsParts {
  readonly self: NodeId;
  /** Name of this life of the process: an answer for an earlier one is dropped. */
  readonly incarnation: number;
  readonly transport: Pick<Transport, "send">;
}

/**
 * Owns the frames whose outcomes are open, by their numbers, and what is in them. Each write gets one outcome: the leader's, or
 * that it is unknown, since a frame that was sent may have been done. Commands are opaque: only `send` puts them into a frame.
 */
export class Flights {
  readonly #parts: FlightsParts;
  /** In the order in which they were sent. */
  readonly #flights = new Map<number, Flight>();
  #lastId = 0;

  /** Nothing is under way. */
  constructor(parts: FlightsParts) {
    this.#parts = parts;
  }

  /** Writes whose outcome is open. */
  get size(): number {
    let size = 0;
    for (const { open } of this.#flights.values()) size += open.size;
    return size;
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  /** Whether another frame may be sent. */
  get hasRoom(): boolean {
    return this.#flights.size < FLIGHTS_MAX;
  }

  /** Sends the batch in one frame; false when it was certainly not sent. */
  send(to: NodeId, batch: readonly QueuedWrite[]): boolean {
    const { self: from, incarnation, transport } = this.#parts;
    this.#lastId += 1;
    const id = this.#lastId;
    const commands = batch.map(({ command }) => command);
    if (!transport.send({ type: "Forward", from, to, incarnation, id, commands })) return false;
    this.#flights.set(id, { id, to, batch, open: new Set(batch.keys()) });
    return true;
  }

  /** The leader answers; false when no frame of this life waits for that. */
  takeResult({ from, incarnation, id, first, outcomes }: ForwardResult): boolean {
    const flight = this.#flights.get(id);
    if (flight === undefined || flight.to !== from) return false;
    if (incarnation !== this.#parts.incarnation) return false;
    for (const [at, text] of outcomes.entries()) {
      const write = flight.batch[first + at];
      if (write === undefined || !flight.open.delete(first + at)) continue;
      if (flight.open.size === 0) this.#flights.delete(id);
      write.done(decodeOutcome(text));
    }
    return true;
  }

  /** Gives up what is under way to that peer; false when nothing is. */
  giveUpTo(peer: NodeId): boolean {
    return this.#giveUp(({ to }) => to === peer);
  }

  /** Gives up frames with a write whose deadline has passed. */
  expire(now: number): boolean {
    return this.#giveUp(({ batch, open }) => batch.some(({ deadline }, at) => open.has(at) && deadline <= now));
  }

  /** Gives up everything: the process stops. */
  endAll(): void {
    this.#giveUp(() => true);
  }

  #giveUp(isLost: (flight: Flight) => boolean): boolean {
    const lost = [...this.#flights.values()].filter(isLost);
    for (const { id } of lost) this.#flights.delete(id);
    for (const { batch, open } of lost) for (const at of open) batch[at]?.done({ type: "Unknown" });
    return lost.length > 0;
  }
}
