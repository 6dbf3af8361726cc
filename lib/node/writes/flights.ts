/** Writes under way to a leader, frame by frame. */

import type { NodeId } from "../../raft/types.ts";
import type { ForwardResult } from "../../transport/forward.ts";
import type { Transport } from "../../transport/transport.ts";
import { FLIGHT_BYTES_MAX, FLIGHTS_MAX } from "../limits.ts";
import type { OpenWrite } from "./pending_writes.ts";
import { decodeOutcome, isForAnotherLeader } from "./outcomes.ts";

/** A write that is passed on. */
interface PassedWrite extends OpenWrite {
  readonly command: string;
}

/** One frame. */
interface Flight {
  readonly id: number;
  readonly to: NodeId;
  readonly batch: readonly PassedWrite[];
  /** Of the commands. */
  readonly bytes: number;
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
 *
 * Frames form chains (ADR 16): each names the one before, and the leader takes it only behind that one. Once something of a chain
 * was refused, nothing follows until all of it has its outcome; then the next chain begins with what was refused.
 */
export class Flights {
  readonly #parts: FlightsParts;
  /** In the order in which they were sent. */
  readonly #flights = new Map<number, Flight>();
  #lastId = 0;
  #bytes = 0;
  /** Whom the chain under way goes to. */
  #to: NodeId | undefined;
  /** Nothing of that chain has been refused for another leader to do. */
  #isWhole = true;

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

  /** Bytes of the commands of all that is under way. */
  get heldBytes(): number {
    return this.#bytes;
  }

  /** Whether there are none. */
  get isEmpty(): boolean {
    return this.#flights.size === 0;
  }

  /** Whether a frame to that leader may be sent now: it begins a chain, or follows in the one that is under way. */
  mayFollow(to: NodeId): boolean {
    if (this.isEmpty) return true;
    return to === this.#to && this.#isWhole && this.#flights.size < FLIGHTS_MAX && this.#bytes < FLIGHT_BYTES_MAX;
  }

  /** Sends the batch in one frame; false when it was certainly not sent. */
  send(to: NodeId, batch: readonly PassedWrite[]): boolean {
    const { self: from, incarnation, transport } = this.#parts;
    const id = this.#lastId + 1;
    const after = this.isEmpty ? 0 : this.#lastId;
    const commands = batch.map(({ command }) => command);
    if (!transport.send({ type: "Forward", from, to, incarnation, id, after, commands })) return false;
    this.#lastId = id;
    this.#to = to;
    if (after === 0) this.#isWhole = true;
    let bytes = 0;
    for (const { length } of commands) bytes += length;
    this.#bytes += bytes;
    this.#flights.set(id, { id, to, batch, bytes, open: new Set(batch.keys()) });
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
      if (flight.open.size === 0) this.#end(flight);
      const outcome = decodeOutcome(text);
      if (isForAnotherLeader(outcome)) this.#isWhole = false;
      write.done(outcome);
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
    for (const flight of lost) this.#end(flight);
    for (const { batch, open } of lost) for (const at of open) batch[at]?.done({ type: "Unknown" });
    return lost.length > 0;
  }

  #end({ id, bytes }: Flight): void {
    if (this.#flights.delete(id)) this.#bytes -= bytes;
  }
}
