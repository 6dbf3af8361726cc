/** A long reply that is made while it is sent: one piece in each turn of the event loop, as the client takes them. */

import type { Clock, Timer } from "../../base/clock.ts";
import { UNSENT_BYTES_MAX } from "../../net/limits.ts";
import type { ClientLink } from "../../net/session.ts";

/** At most one reply at a time. */
export class PiecewiseReply {
  readonly #link: Pick<ClientLink, "send" | "unsentBytes">;
  readonly #clock: Clock;
  #pieces: Iterator<string, void> | undefined;
  #sent = () => {};
  #timer: Timer | undefined;
  #isEnded = false;

  /** Nothing to send. */
  constructor(link: Pick<ClientLink, "send" | "unsentBytes">, clock: Clock) {
    this.#link = link;
    this.#clock = clock;
  }

  /** Whether pieces are left. */
  get isOpen(): boolean {
    return this.#pieces !== undefined;
  }

  /** Begins a reply; `goOn` sends it, then `sent` is called. Nothing after `end`: a read may take longer than its connection lasts. */
  open(pieces: Iterator<string, void>, sent: () => void): void {
    if (this.#isEnded) return;
    this.#pieces = pieces;
    this.#sent = sent;
  }

  /** Sends the next piece in the next turn, unless the client has enough for now: then whoever hears that it does not calls again. */
  goOn(): void {
    if (this.#pieces === undefined || this.#timer !== undefined) return;
    if (this.#link.unsentBytes > UNSENT_BYTES_MAX) return;
    // A socket may take piece after piece at once: then all of them would be one turn.
    this.#timer = this.#clock.after(0, () => {
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
      this.#link.send(piece.value);
      return this.goOn();
    }
    this.#pieces = undefined;
    this.#sent();
  }
}
