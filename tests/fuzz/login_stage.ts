/** Where fuzzers log in on the client port: bytes of either protocol to the shipped conversations, as a connection brings them. */

import type { Gate } from "../../lib/access/gate.ts";
import type { ProtocolSession } from "../../lib/net/session.ts";
import { receptionOf } from "../../lib/protocol/reception.ts";
import { VirtualClock } from "../support/memory/virtual_clock.ts";
import { StateNode } from "../support/state_node.ts";
import { respContext } from "../unit/protocol/resp/session_support.ts";
import { RecordingLink } from "../unit/protocol/text/session_support.ts";
import { require } from "./harness.ts";

const STEPS_MAX = 2_000;

/** A node, its gate, and one client whose protocol its first bytes tell. */
export class LoginStage<G extends Gate> {
  readonly node = new StateNode();
  readonly gate: G;
  readonly link = new RecordingLink();
  readonly #clock = new VirtualClock();
  readonly #reception;
  #session: ProtocolSession | undefined;
  #undecided = "";

  /** A client that has said nothing yet. */
  constructor(makeGate: (node: StateNode, clock: VirtualClock) => G) {
    const { node } = this;
    const clock = this.#clock;
    this.gate = makeGate(node, clock);
    this.#reception = receptionOf({ ...respContext({ node, clock, gate: this.gate }), httpPort: undefined });
  }

  get #isOver(): boolean {
    return this.link.finished || this.link.aborted;
  }

  /** Sends pieces as a connection would, and lets everything settle. Gives what came. */
  async send(pieces: readonly string[]): Promise<string> {
    for (const piece of pieces) {
      await this.#settle();
      if (this.#isOver) break;
      if (this.#session !== undefined) this.#session.receive(piece);
      else this.#greet(piece);
    }
    await this.#settle();
    const { output } = this.link;
    this.link.output = "";
    return output;
  }

  #greet(piece: string): void {
    const client = { link: this.link, inputEnded: false };
    const { session, reply, rest } = this.#reception.greet(this.#undecided + piece, client);
    this.link.send(reply);
    this.#session = session;
    this.#undecided = rest;
    if (rest !== "") session?.receive(rest);
  }

  async #settle(): Promise<void> {
    for (let step = 0; step < SETTLING_STEPS; step++) await Promise.resolve();
    for (let step = 0; this.#session?.full === true && !this.#isOver; step++) {
      require(step < STEPS_MAX, "The session is stuck");
      await this.#clock.turn();
    }
  }
}

/** Microtasks within which a login without work comes to its end. */
const SETTLING_STEPS = 30;
