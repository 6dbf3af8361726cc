/** A long reply that is made while it is sent: one piece in each turn of the event loop, as the client takes them. */

import type { Clock, Timer } from "../../base/clock.ts";
import { UNSENT_BYTES_MAX } from "../limits.ts";
import type { ClientLink } from "../protocol.ts";

/** What a reply is sent by. */
export interface PiecewiseReplyParts {
  readonly clock: Clock;
  readonly link: Pick<ClientLink, "send" | "unsentBytes">;
  /** The last piece is sent. */
  ended(): void;
}

/** At most one reply at a time. */
export class PiecewiseReply {
  readonly #parts: PiecewiseReplyParts;
  #pieces: Iterator<string, void> | undefined;
  #timer: Timer | undefined;
  #isEnded = false;

  /** Nothing to send. */
  constructor(parts: PiecewiseReplyParts) {
    this.#parts = parts;
  }

  /** Whether pieces are left. */
  get isOpen(): boolean {
    return this.#pieces !== undefined;
  }

  /** Begins a reply; `goOn` sends it. Nothing after `end`: a read may take longer than its connection lasts. */
  open(pieces: Iterator<string, void>): void {
    if (!this.#isEnded) this.#pieces = pieces;
  }

  /** Sends the next piece in the next turn, unless the client has enough for now: then whoever hears that it does not calls again. */
  goOn(): void {
    if (this.#pieces === undefined || this.#timer !== undefined) return;
    if (this.#parts.link.unsentBytes > UNSENT_BYTES_MAX) return;
    // A socket may take piece after piece at once: then all of them would be one turn.
    this.#timer = this.#parts.clock.after(0, () => {
      this.#timer = undefined;
      this.#sendPiece();
    });
  }

  /** Forgets what is left: nobody takes it any more. */
  end(): void {
    this.#isEnded = true;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#pieces = undefined;
  }

  #sendPiece(): void {
    const piece = this.#pieces?.next();
    if (piece?.done === false) {
      this.#parts.link.send(piece.value);
      return this.goOn();
    }
    this.#pieces = undefined;
    this.#parts.ended();
  }
}
