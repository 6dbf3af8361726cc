/** The client's end of a simulated connection that is used for one line. */

import type { ClientLink } from "../../../lib/net/session.ts";

/** A connection that gives each reply to `answer`, in the turn in which the session sends it. */
export class AnswerLink implements ClientLink {
  readonly remote = "simulated";
  readonly openedAt: number;
  readonly bytesReceived = 0;
  readonly bytesSent = 0;
  readonly readBufferBytes = 0;
  readonly unsentBytes = 0;
  readonly #answer: (reply: string) => void;

  constructor(openedAt: number, answer: (reply: string) => void) {
    this.openedAt = openedAt;
    this.#answer = answer;
  }

  /** See `ClientLink`. */
  send(reply: string): void {
    this.#answer(reply);
  }

  /** See `ClientLink`. */
  wake(): void {}

  /** See `ClientLink`. */
  finish(): void {}

  /** See `ClientLink`. */
  abort(): void {
    this.#answer("");
  }
}
