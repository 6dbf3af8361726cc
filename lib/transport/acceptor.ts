/** Accepts connections of other servers and shakes hands; strangers are few, short-lived and cheap. */

import { FAILED_ACCEPTS_PER_TURN_MAX, lacksResources } from "../base/accepting.ts";
import { nextTurn } from "../base/clock.ts";
import { LogLimiter } from "../base/log_limiter.ts";
import type { PeerMessage } from "./forward.ts";
import type { NodeId } from "../raft/types.ts";
import { Connection } from "./connection.ts";
import { acceptHandshake, type HandshakeOptions, type HandshakeResult, spokenWith } from "./handshake.ts";
import type { Peer, TransportContext } from "./peer.ts";
import { serveIncoming } from "./serve.ts";
import { AcceptedTls } from "./tls_accepted.ts";

/** What an acceptor shares with the transport. */
export interface AcceptorOptions {
  readonly context: TransportContext;
  readonly handshake: HandshakeOptions;
  findPeer(id: NodeId): Peer | undefined;
  /** Takes a message that was decoded and is from its connection's peer. */
  receive(this: void, message: PeerMessage): void;
  /** Nobody is let in for now. */
  isClosed(): boolean;
  /** The peer dialed this node: it is alive. */
  dialedBy(peer: Peer): void;
}

/** Runs from `run` to `stop`. */
export class Acceptor {
  readonly #listener: Deno.TcpListener;
  readonly #options: AcceptorOptions;
  readonly #strangers = new Set<Connection>();
  readonly #serving = new Set<Promise<void>>();
  readonly #strangerLog: LogLimiter;
  #stopped = false;
  #endPause: (() => void) | undefined;

  constructor(listener: Deno.TcpListener, options: AcceptorOptions) {
    this.#listener = listener;
    this.#options = options;
    this.#strangerLog = new LogLimiter(options.context.clock);
  }

  /** Resolves after `stop`, when no connection is left in the handshake; those of peers end with their peers. */
  async run(): Promise<void> {
    const { context } = this.#options;
    // Not `for await`: that ends for ever at the first failed accept, which is what a lack of file descriptors gives.
    let failed = 0;
    while (!this.#stopped) {
      try {
        this.#admitSocket(await this.#listener.accept());
      } catch (error) {
        // Closed by `stop`, out of descriptors (some may be free after a pause), or a stranger that was gone already.
        if (this.#stopped) break;
        failed += 1;
        if (lacksResources(error)) await this.#pause(context.limits.acceptPauseMs);
        else if (failed % FAILED_ACCEPTS_PER_TURN_MAX === 0) await nextTurn(context.clock);
      }
    }
    await Promise.all(this.#serving);
  }

  /** Closes the listener and every connection that is still in the handshake. */
  stop(): void {
    this.#stopped = true;
    this.#listener.close();
    this.#endPause?.();
    for (const connection of this.#strangers) {
      connection.close({ reason: "this node stops", expected: true, damage: false });
    }
  }

  #admitSocket(socket: Deno.TcpConn): void {
    const { context, handshake, isClosed } = this.#options;
    if (isClosed()) return socket.close();
    const { security, plainSecret } = handshake;
    const alsoPlain = plainSecret !== undefined;
    const tls = security === undefined
      ? undefined
      : new AcceptedTls(socket, { security, alsoPlain, clock: context.clock });
    const connection = new Connection(tls ?? socket, context);
    // A flood of strangers pushes out its own oldest, so that a peer, done in milliseconds, gets through.
    for (const oldest of this.#strangers) {
      if (this.#strangers.size < context.limits.unauthenticatedMax) break;
      this.#strangers.delete(oldest);
      oldest.close({ reason: "too many connections in the handshake", expected: false, damage: false });
    }
    this.#strangers.add(connection);
    const serving = this.#serve(connection, tls).finally(() => this.#serving.delete(serving));
    this.#serving.add(serving);
  }

  async #serve(connection: Connection, tls: AcceptedTls | undefined): Promise<void> {
    const { context, handshake, findPeer, dialedBy } = this.#options;
    const timer = context.clock.after(context.limits.handshakeTimeoutMs, () => {
      connection.close({ reason: "the handshake took too long", expected: false, damage: false });
    });
    const result = await acceptHandshake(connection, spokenWith(handshake, await tls?.hasTls() ?? false));
    timer.cancel();
    this.#strangers.delete(connection);
    const peer = result.type === "Admitted" ? findPeer(result.greeting.nodeId) : undefined;
    if (result.type !== "Admitted" || peer === undefined) return this.#reject(connection, result);
    peer.up("incoming", { connection, greeting: result.greeting });
    dialedBy(peer);
    await serveIncoming(peer, {
      connection,
      sink: {
        ownId: handshake.greeting.nodeId,
        receive: this.#options.receive,
        status: () => context.handler.status(),
      },
    });
    peer.down("incoming", connection);
  }

  #reject(connection: Connection, result: HandshakeResult): void {
    // Admitted, but removed from the peers while the handshake ran.
    connection.close({ reason: "no longer a peer", expected: true, damage: false });
    if (result.type === "Refused") {
      const peer = result.claimedId === undefined ? undefined : this.#options.findPeer(result.claimedId);
      if (peer !== undefined) return peer.fail("incoming", { problem: result.reason, level: "warn" });
      this.#logStranger(`Refused a connection: ${result.reason}`);
    } else if (connection.ending?.damage === true) {
      this.#logStranger(`Closed a connection to the peer port: ${connection.ending.reason}`);
    }
  }

  #logStranger(message: string): void {
    const line = this.#strangerLog.pass(message);
    if (line !== undefined) this.#options.context.log("warn", line);
  }

  async #pause(delayMs: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = this.#options.context.clock.after(delayMs, resolve);
      this.#endPause = () => {
        timer.cancel();
        resolve();
      };
    });
    this.#endPause = undefined;
  }
}
