/** Keeps the outgoing connection to one peer: dials, shakes hands, serves, and after a pause begins again. */

import { parseAddress } from "./address.ts";
import { Connection, describe } from "./connection.ts";
import { type DialedPeer, dialPeer } from "./dial.ts";
import { dialHandshake, type HandshakeOptions, spokenWith } from "./handshake.ts";
import type { Failure, Peer, TransportContext } from "./peer.ts";
import { PeerTlsError } from "./security.ts";
import { serveOutgoing } from "./serve.ts";

/** What a dialer shares with the transport. */
export interface DialerOptions {
  readonly context: TransportContext;
  readonly handshake: HandshakeOptions;
  /** 0 to 1, 1 excluded. */
  random(): number;
}

/** Runs from `run` to `stop`. */
export class Dialer {
  readonly #peer: Peer;
  readonly #options: DialerOptions;
  readonly #stop = new AbortController();
  /** Attempts in a row that led to no connection that lasted. */
  #failures = 0;
  #wakePause: (() => void) | undefined;
  #dialAtOnce = false;
  #current: Connection | undefined;

  constructor(peer: Peer, options: DialerOptions) {
    this.#peer = peer;
    this.#options = options;
  }

  /** Resolves after `stop`. */
  async run(): Promise<void> {
    const { clock, limits } = this.#options.context;
    while (!this.#stop.signal.aborted) {
      const isAlive = this.#dialAtOnce;
      this.#dialAtOnce = false;
      const connection = await this.#connect(isAlive ? "Go" : "Wait");
      if (connection === undefined) {
        this.#failures += 1;
        this.#peer.tryNextAddress();
      } else {
        const since = clock.now();
        await serveOutgoing(this.#peer, connection);
        this.#peer.down("outgoing", connection);
        // One that fails right after each handshake must not be dialed in a tight loop.
        this.#failures = clock.now() - since >= limits.backoffMsMax ? 0 : this.#failures + 1;
      }
      await this.#pause();
    }
  }

  /** Ends the pause, if there is one: the peer is evidently alive. */
  wake(): void {
    this.#dialAtOnce = true;
    this.#wakePause?.();
    this.#options.handshake.security?.hanging.hurry(this.#peer.address);
  }

  /** Drops the attempt or connection under way and dials at once. */
  redial(reason: string): void {
    this.#current?.close({ reason, expected: true, damage: false });
    this.#failures = 0;
    this.wake();
  }

  /** Ends the dialer and closes its connection. */
  stop(reason: string): void {
    this.#stop.abort();
    this.#current?.close({ reason, expected: true, damage: false });
    this.#wakePause?.();
  }

  async #connect(whenMany: "Wait" | "Go"): Promise<Connection | undefined> {
    const { context } = this.#options;
    const peer = this.#peer;
    const endpoint = parseAddress(peer.address);
    if (endpoint === undefined) {
      peer.fail("outgoing", { problem: `"${peer.address}" is not of the form host:port`, level: "warn" });
      return undefined;
    }
    const { handshake } = this.#options;
    let dialed: DialedPeer;
    try {
      const { security, plainSecret } = handshake;
      const whom = { address: peer.address, expected: peer.id, security, alsoPlain: plainSecret !== undefined };
      dialed = await dialPeer(endpoint, { ...context, ...whom, signal: this.#stop.signal, whenMany });
    } catch (error) {
      if (!this.#stop.signal.aborted) peer.fail("outgoing", failureOf(error));
      return undefined;
    }
    const connection = new Connection(dialed.socket, context);
    this.#current = connection;
    if (this.#stop.signal.aborted) connection.close({ reason: "stopped", expected: true, damage: false });
    if (!await this.#shakeHands(connection, spokenWith(handshake, dialed.hasTls))) return undefined;
    if (handshake.security !== undefined && !dialed.hasTls) {
      context.log("info", `Node ${peer.id} at ${peer.address} speaks no TLS yet, which --peer-tls allow puts up with`);
    }
    return connection;
  }

  async #shakeHands(connection: Connection, handshake: HandshakeOptions): Promise<boolean> {
    const { context } = this.#options;
    const peer = this.#peer;
    const timer = context.clock.after(context.limits.handshakeTimeoutMs, () => {
      connection.close({ reason: "the handshake took too long", expected: false, damage: false });
    });
    const result = await dialHandshake(connection, { ...handshake, expected: peer.id });
    timer.cancel();
    if (result.type === "Admitted") {
      peer.up("outgoing", { connection, greeting: result.greeting });
      return true;
    }
    if (result.type === "Refused") {
      peer.fail("outgoing", { problem: result.reason, level: "warn" });
      if (result.removed === true) context.handler.removed();
      if (result.clusterId !== undefined) context.handler.refusedBy(peer.id, result.clusterId);
    } else if (connection.ending?.expected === false) {
      peer.fail("outgoing", { problem: `handshake failed: ${connection.ending.reason}`, level: "debug" });
      peer.down("outgoing", connection); // Counts and logs damage.
    }
    return false;
  }

  async #pause(): Promise<void> {
    const delayMs = this.#delayMs();
    if (delayMs === 0 || this.#dialAtOnce || this.#stop.signal.aborted) return;
    await new Promise<void>((resolve) => {
      const timer = this.#options.context.clock.after(delayMs, resolve);
      this.#wakePause = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#wakePause = undefined;
  }

  /** 0 after a connection that lasted, then doubling, each between half and the whole of the step. */
  #delayMs(): number {
    if (this.#failures === 0) return 0;
    const { backoffMsMin, backoffMsMax } = this.#options.context.limits;
    const step = Math.min(backoffMsMax, backoffMsMin * 2 ** Math.min(this.#failures - 1, 16));
    return step * (0.5 + this.#options.random() / 2);
  }
}

/** Not to reach a peer is ordinary while it is down: told by its `problem`, not by the log at its usual level. */
function failureOf(error: unknown): Failure {
  if (error instanceof PeerTlsError) return { problem: error.message, level: "warn" };
  return { problem: `cannot connect: ${describe(error)}`, level: "debug" };
}
