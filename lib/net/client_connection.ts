/** One client's TCP connection: the reading loop, one write in flight, back-pressure both ways. Knows no protocol. */

import { bytesToString } from "../base/bytes.ts";
import type { CertifiedClient } from "../base/certified_client.ts";
import { nextTurn, type Timer } from "../base/clock.ts";
import type { Log } from "../observe/log.ts";
import type { ClientSocket } from "./client_socket.ts";
import type { ClientMetrics } from "./client_metrics.ts";
import { closeQuietly, type Idleness, isSocketError, type PortConnection } from "./connection_port.ts";
import {
  BEFORE_LOGIN_UNSENT_BYTES_MAX,
  LINGER_MS,
  READ_BUFFER_BYTES_MAX,
  READ_BUFFER_BYTES_MIN,
  RECEIVE_BYTES_PER_SECOND_MIN,
  UNSENT_BYTES_MAX,
} from "./limits.ts";
import type { ClientLink, ProtocolSession, Reception, Standing } from "./session.ts";
import { type OutputContext, type OutputOwner, SocketOutput } from "./socket_output.ts";
import { refusesTls } from "./tls_hello.ts";
import type { TurnTime } from "./turn_time.ts";

/** What a connection asks of its listener. */
export interface ConnectionContext extends OutputContext {
  readonly log: Log;
  /** Logs a warning that any client can cause: at most one line each second. */
  readonly warn: (message: string) => void;
  readonly metrics: ClientMetrics;
  readonly turnTime: TurnTime;
  readonly reception: Reception;
  /** How long the end of a request may be waited for. */
  readonly receiveTimeoutMs: number;
}

/**
 * Life: open, then finishing (queued replies leave, input is dropped), then closed. Only `#close` ends it, once.
 */
export class ClientConnection implements ClientLink, PortConnection, OutputOwner {
  readonly remote: string;
  readonly address: string;
  readonly openedAt: number;
  readonly #socket: ClientSocket;
  readonly #context: ConnectionContext;
  readonly #output: SocketOutput;
  #session: ProtocolSession | undefined;
  /** Bytes that do not tell yet which protocol it is. */
  #undecided = "";
  /** Requests answered before the protocol was known. */
  #requests = 0;
  #bytesReceived = 0;
  /** When the last bytes came. */
  #receivedAt: number;
  /** The unfinished request, and the bytes received up to when it was first seen. */
  #unfinished: { readonly request: number; readonly at: number; readonly bytes: number } | undefined;
  #buffer = new Uint8Array(READ_BUFFER_BYTES_MIN);
  #wakeReader: (() => void) | undefined;
  #inputEnded = false;
  #finishing = false;
  #lingers = true;
  #lingerTimer: Timer | undefined;
  #closed = false;
  readonly #ended = Promise.withResolvers<void>();

  /** Takes over an accepted socket; `run` begins to read. */
  constructor(socket: ClientSocket, context: ConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#output = new SocketOutput(socket, { context, owner: this });
    this.openedAt = context.clock.now();
    this.#receivedAt = this.openedAt;
    const { hostname, port } = socket.remoteAddr;
    this.remote = `${hostname}:${port}`;
    this.address = hostname;
  }

  /** See `ClientLink`. */
  get certified(): CertifiedClient | undefined {
    return this.#socket.certified;
  }

  /** See `ClientLink`. */
  get bytesReceived(): number {
    return this.#bytesReceived;
  }

  /** See `ClientLink`. */
  get bytesSent(): number {
    return this.#output.bytesSent;
  }

  /** See `ClientLink`. */
  get readBufferBytes(): number {
    return this.#buffer.length;
  }

  /** See `ClientLink`. */
  get unsentBytes(): number {
    return this.#output.unsentBytes;
  }

  /** Serves the connection until it is closed. Never rejects for what the client or the network does. */
  async run(): Promise<void> {
    try {
      await this.#readAll();
    } catch (error) {
      // A reset is the usual end of a client that was killed; what is no error of the socket is a bug of ours.
      if (!isSocketError(error)) {
        const message = error instanceof Error ? error.stack ?? error.message : String(error);
        this.#context.log("error", `Closed the connection of ${this.remote}: ${message}`);
      }
      this.#close();
    }
    await this.#ended.promise;
  }

  /** See `ClientLink`. */
  send(reply: string): void {
    if (this.#closed || this.#finishing) return;
    this.#output.send(reply);
  }

  /** See `ClientLink`. */
  wake(): void {
    this.#wakeReader?.();
  }

  /** See `ClientLink`. */
  finish(): void {
    if (this.#finishing || this.#closed) return;
    this.#finishing = true;
    this.wake();
    this.#output.planFlush();
  }

  /** See `ClientLink`. */
  abort(): void {
    this.#close();
  }

  /** See `PortConnection`. */
  giveWay(): void {
    this.#context.metrics.connectionsClosed.idle.add();
    this.#close();
  }

  /** See `PortConnection`. */
  get isBeforeLogin(): boolean {
    if (this.#socket.isSecured === false) return true;
    return this.#session?.isBeforeLogin ?? this.#context.reception.isLoginNeeded(this);
  }

  /** See `PortConnection`. */
  loginTooSlow(): void {
    this.#context.warn(`Closed the connection of ${this.remote}: nobody has logged in in time`);
    if (this.#session !== undefined) return this.#session.loginTooSlow();
    // Before the handshake of TLS is over nothing can be said.
    if (this.#socket.isSecured === false) return this.#close();
    this.send(this.#context.reception.loginTooSlow);
    this.finish();
  }

  /** Closes once what runs has been answered; `abort` is for those that take too long. */
  stop(): void {
    this.#lingers = false;
    if (this.#lingerTimer !== undefined || this.#session === undefined) return this.#close();
    this.#session.stop();
  }

  /** See `PortConnection`. */
  idleness(): Idleness | undefined {
    const { type } = this.#standing();
    if (this.#closed || (type !== "Idle" && type !== "Holding")) return undefined;
    return { sinceMs: this.#receivedAt, holdsState: type === "Holding" };
  }

  /** Closes the connection when its write in flight, or the request that has begun, makes no progress for too long. */
  check(now: number): void {
    this.#checkRequest(now);
    const stalledMs = this.#output.stalledMs(now);
    if (stalledMs === undefined) return;
    const seconds = Math.round(stalledMs / 1_000);
    this.#context.warn(`Closed the connection of ${this.remote}: the client has not read for ${seconds} s`);
    this.#context.metrics.connectionsClosed.notReading.add();
    this.#close();
  }

  /** See `OutputOwner`. */
  pieceSent(): void {
    if (this.#session === undefined) this.wake();
    else this.#session.outputSent();
  }

  /** See `OutputOwner`. Nothing waits: a finishing connection ends here. */
  allSent(): void {
    if (!this.#finishing || this.#lingerTimer !== undefined) return;
    if (this.#inputEnded || !this.#lingers) return this.#close();
    this.#lingerTimer = this.#context.clock.after(LINGER_MS, () => this.#close());
    this.#output.end();
  }

  /** See `OutputOwner`. */
  outputFailed(): void {
    this.#close();
  }

  /** See `OutputOwner`. */
  overBudget(): void {
    this.#context.warn(`Closed the connection of ${this.remote}: too many replies wait for all clients together`);
    this.#context.metrics.connectionsClosed.memory.add();
    this.#close();
  }

  #standing(): Standing {
    if (this.#finishing || this.unsentBytes > 0) return { type: "Busy" };
    if (this.#session !== undefined) return this.#session.standing;
    return this.#undecided === "" ? { type: "Idle" } : { type: "Receiving", request: this.#requests };
  }

  /** However a request drips, it must be complete in time: thousands of half ones would shut everybody out. */
  #checkRequest(now: number): void {
    const standing = this.#standing();
    if (standing.type !== "Receiving") {
      this.#unfinished = undefined;
      return;
    }
    const { request } = standing;
    const last = this.#unfinished;
    const unfinished = last?.request === request ? last : { request, at: this.#receivedAt, bytes: this.#bytesReceived };
    this.#unfinished = unfinished;
    const received = this.#bytesReceived - unfinished.bytes;
    const allowedMs = this.#context.receiveTimeoutMs + received / RECEIVE_BYTES_PER_SECOND_MIN * 1_000;
    if (now - unfinished.at <= allowedMs) return;
    this.#context.warn(`Closed the connection of ${this.remote}: its request did not become complete in time`);
    this.#context.metrics.connectionsClosed.requestTimeout.add();
    if (this.#session !== undefined) return this.#session.requestTooSlow();
    this.send(this.#context.reception.tooSlow);
    this.finish();
  }

  async #readAll(): Promise<void> {
    for (;;) {
      while (this.#isFull() && !this.#finishing && !this.#closed) await this.#wakened();
      if (this.#closed) return;
      const buffer = this.#buffer;
      const count = await this.#socket.read(buffer);
      if (count === null) break;
      this.#received(buffer, count);
      if (count < buffer.length) continue;
      // What is answered before the protocol is known has no budget: one short buffer of it in a turn.
      if (this.#session === undefined) await nextTurn(this.#context.clock);
      else if (count < READ_BUFFER_BYTES_MAX && !this.isBeforeLogin) this.#buffer = new Uint8Array(count * 2);
    }
    this.#inputEnded = true;
    // Whoever sent nothing but PINGs still gets every answer: a session knows how to end.
    if (this.#session === undefined && this.#bytesReceived > 0) this.#choose("");
    if (this.#lingerTimer !== undefined || this.#session === undefined) this.#close();
    else if (!this.#finishing) this.#session.inputEnded();
  }

  #isFull(): boolean {
    if (this.unsentBytes > BEFORE_LOGIN_UNSENT_BYTES_MAX && this.isBeforeLogin) return true;
    return this.#session === undefined ? this.unsentBytes > UNSENT_BYTES_MAX : this.#session.full;
  }

  #wakened(): Promise<void> {
    return new Promise((resolve) => {
      this.#wakeReader = () => {
        this.#wakeReader = undefined;
        resolve();
      };
    });
  }

  #received(buffer: Uint8Array, count: number): void {
    this.#bytesReceived += count;
    this.#receivedAt = this.#context.turnTime.now();
    this.#context.metrics.bytesReceived.add(count);
    if (this.#finishing || this.#closed) return;
    if (this.#bytesReceived === count && this.#refusesTls(buffer.subarray(0, count))) return this.finish();
    const chunk = bytesToString(buffer, 0, count);
    if (this.#session === undefined) this.#choose(chunk);
    else this.#session.receive(chunk, buffer);
  }

  #refusesTls(first: Uint8Array): boolean {
    return refusesTls(first, { remote: this.remote, warn: this.#context.warn, send: (reply) => this.send(reply) });
  }

  /** Begins the session as soon as the bytes so far tell which protocol it is. */
  #choose(chunk: string): void {
    const client = { link: this, inputEnded: this.#inputEnded };
    const { session, requests, reply, rest } = this.#context.reception.greet(this.#undecided + chunk, client);
    this.#requests += requests;
    if (requests > 0) this.#output.send(reply);
    this.#session = session;
    this.#undecided = session === undefined ? rest : "";
    if (session !== undefined && rest !== "") session.receive(rest);
  }

  #close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#lingerTimer?.cancel();
    this.#output.close();
    closeQuietly(this.#socket);
    this.#session?.closed();
    this.wake();
    this.#ended.resolve();
  }
}
