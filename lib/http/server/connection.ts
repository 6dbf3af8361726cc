/** One HTTP connection: reads requests one after the other, answers each before the next, and keeps its deadlines. */

import type { ClientSocket } from "../../net/client_socket.ts";
import { closeQuietly, isSocketError, type PortConnection } from "../../net/connection_port.ts";
import { FAIR_SHARE_BYTES, READ_BUFFER_BYTES_MIN } from "../../net/limits.ts";
import { type OutputOwner, SocketOutput } from "../../net/socket_output.ts";
import { refusesTls } from "../../net/tls_hello.ts";
import type { BodyStream, HttpReply, HttpRequest } from "../http.ts";
import { ByteInput } from "./byte_input.ts";
import type { HttpConnectionContext } from "./connection_context.ts";
import { ConnectionLogin } from "./connection_login.ts";
import { BODY_BUFFER_BYTES, LINGER_BYTES_MAX, LONG_BODY_BYTES } from "./limits.ts";
import { type Phase, phaseMs } from "./phase.ts";
import { bodyFormOf, replyHead, type ReplyShape } from "./reply_head.ts";
import { type Refusal, refusalReply } from "./refusal.ts";
import { type RequestHead, RequestReader } from "./request_reader.ts";
import { StreamWriter } from "./stream_writer.ts";

/** The request that is being read or answered. */
interface Current {
  readonly head: RequestHead;
  readonly request: Omit<HttpRequest, "body">;
  body: string;
  /** What `judge` answered in the place of the handler. */
  verdict: HttpReply | undefined;
}

/** A connection that was accepted. */
export class HttpConnection implements PortConnection, OutputOwner {
  readonly #socket: ClientSocket;
  readonly #context: HttpConnectionContext;
  readonly #output: SocketOutput;
  readonly address: string;
  readonly #remote: string;
  readonly #login: ConnectionLogin;
  readonly #origin: Pick<HttpRequest, "remote" | "isTls" | "rate" | "noteLogin">;
  readonly #reader = new RequestReader();
  readonly #input = new ByteInput();
  readonly #ended = Promise.withResolvers<void>();
  #buffer = new Uint8Array(READ_BUFFER_BYTES_MIN);
  #phase: Phase = "Waiting";
  #current: Current | undefined;
  #stream: { readonly body: BodyStream; readonly writer: StreamWriter } | undefined;
  /** When the present phase began or, in `Waiting`, must be over. */
  #phaseAt: number;
  #heldBytes = 0;
  #droppedBytes = 0;
  #advancing = false;
  #inputEnded = false;
  #stopping = false;
  #fresh = true;
  #wakeReader: (() => void) | undefined;

  /** Takes over an accepted socket; `run` begins to read. */
  constructor(socket: ClientSocket, context: HttpConnectionContext) {
    this.#socket = socket;
    this.#context = context;
    this.#output = new SocketOutput(socket, { context, owner: this });
    const { hostname, port } = socket.remoteAddr;
    this.address = hostname;
    this.#remote = `${hostname}:${port}`;
    this.#phaseAt = context.clock.now();
    this.#login = new ConnectionLogin(socket, context);
    const rate = context.rates?.connection(this.#phaseAt);
    this.#origin = { remote: this.#remote, isTls: socket.isTls, rate, noteLogin: this.#login.note };
  }

  /** See `PortConnection`. */
  async run(): Promise<void> {
    try {
      await this.#readAll();
    } catch (error) {
      if (!isSocketError(error)) this.#logBug(error);
      this.#close();
    }
    await this.#ended.promise;
  }

  /** See `PortConnection`. Streams have no end of their own: their clients resume with another node. */
  stop(): void {
    this.#stopping = true;
    if (this.#phase === "Handling" || this.#phase === "Finishing") return;
    if (this.#phase === "Streaming" || this.#phase === "Lingering" || this.#output.unsentBytes === 0) this.#close();
    else this.#finish();
  }

  /** See `PortConnection`. */
  abort(): void {
    this.#close();
  }

  /** See `PortConnection`. */
  giveWay(): void {
    this.#close();
  }

  /** See `PortConnection`. */
  check(now: number): void {
    const stalledMs = this.#output.stalledMs(now);
    if (stalledMs !== undefined) return this.#closeWith(`has not read for ${Math.round(stalledMs / 1_000)} s`);
    if (now < this.#deadline()) return;
    if (this.#phase !== "Head" && this.#phase !== "Body") return this.#close();
    this.#context.warn(`Refused a request of ${this.#remote}: its ${this.#phase.toLowerCase()} comes too slowly`);
    this.#refuse({ status: 408, code: "request_timeout", detail: "The request was not complete in time" });
  }

  /** See `PortConnection`. */
  get isBeforeLogin(): boolean {
    return this.#login.isAwaited;
  }

  /** See `PortConnection`. What is being answered may be a login. */
  loginTooSlow(): void {
    if (this.#phase !== "Head" && this.#phase !== "Body") return this.stop();
    this.#refuse({ status: 408, code: "request_timeout", detail: "Nobody has logged in in time" });
  }

  /** See `PortConnection`. Its own deadlines end an idle connection soon enough. */
  idleness(): undefined {}

  /** See `OutputOwner`. */
  pieceSent(): void {
    if (this.#output.unsentBytes === 0) {
      if (this.#phase === "Waiting") this.#phaseAt = this.#context.clock.now();
      this.#stream?.body.drained();
    }
    this.#advance();
  }

  /** See `OutputOwner`. */
  allSent(): void {
    if (this.#phase !== "Finishing") return;
    if (this.#inputEnded || this.#stopping) return this.#close();
    this.#enter("Lingering");
    this.#output.end();
  }

  /** See `OutputOwner`. */
  outputFailed(): void {
    this.#close();
  }

  /** See `OutputOwner`. */
  overBudget(): void {
    this.#closeWith("is too slow: too much waits for all HTTP clients together");
  }

  async #readAll(): Promise<void> {
    for (;;) {
      while (this.#phase !== "Closed" && (this.#input.left > 0 || this.#droppedBytes > LINGER_BYTES_MAX)) {
        await this.#wakened();
      }
      if (this.#phase === "Closed") return;
      const buffer = this.#fittingBuffer();
      const count = await this.#socket.read(buffer);
      if (count === null) break;
      this.#received(buffer.subarray(0, count));
    }
    this.#inputEnded = true;
    // A client may close its side and wait for the reply; one that has gone is found out when that is written.
    if (this.#phase === "Streaming" || this.#phase === "Lingering") this.#close();
    else if (this.#phase !== "Handling") this.#finish();
  }

  /** Thousands of connections are idle, and a long body is read faster in long pieces. */
  #fittingBuffer(): Uint8Array {
    const long = this.#phase === "Body" && this.#reader.bodyBytes >= READ_BUFFER_BYTES_MIN;
    const length = long ? BODY_BUFFER_BYTES : READ_BUFFER_BYTES_MIN;
    if (this.#buffer.length !== length) this.#buffer = new Uint8Array(length);
    return this.#buffer;
  }

  #wakened(): Promise<void> {
    return new Promise((resolve) => this.#wakeReader = resolve);
  }

  #received(bytes: Uint8Array): void {
    this.#context.bytesReceived.add(bytes.length);
    if (this.#phase === "Closed") return;
    const send = (reply: string) => this.#output.send(reply);
    const client = { remote: this.#remote, warn: this.#context.warn, send };
    if (this.#fresh && this.#phase === "Waiting" && refusesTls(bytes, client)) return this.#finish();
    if (this.#phase === "Finishing" || this.#phase === "Lingering") this.#droppedBytes += bytes.length;
    else this.#input.refill(bytes);
    this.#advance();
  }

  /** Goes on with the input as far as possible. A handler that answers at once is the next round, not a deeper call. */
  #advance(): void {
    if (this.#advancing) return;
    this.#advancing = true;
    while (this.#step());
    this.#advancing = false;
    this.#account();
    if (this.#input.left === 0) this.#wakeReader?.();
  }

  #step(): boolean {
    const reading = this.#phase === "Waiting" || this.#phase === "Head" || this.#phase === "Body";
    if (!reading || this.#login.isFull(this.#output.unsentBytes)) return false;
    const event = this.#reader.read(this.#input);
    switch (event.type) {
      case "More":
        if (this.#phase === "Waiting" && this.#reader.begun) this.#enter("Head");
        return false;
      case "Head":
        this.#judge(event.head);
        return true;
      case "Body":
        this.#take(event.body);
        return true;
      default:
        this.#refuse(event.refusal);
        return false;
    }
  }

  #judge(head: RequestHead): void {
    const { method, path, query, headers } = head;
    const id = this.#context.ids.of(headers.get("x-request-id"));
    const request = { method, path, query, headers, ...this.#origin, certified: this.#socket.certified, id };
    const current: Current = this.#current = { head, request, body: "", verdict: undefined };
    this.#fresh = false;
    this.#enter("Body");
    const verdict = this.#guarded(() => this.#context.handler.judge(request));
    if (verdict === undefined) return;
    if (typeof verdict === "number") return this.#awaitBody(head, verdict);
    // Without a body there is nothing to read over, and the connection can go on.
    if (head.framing.type !== "None") return this.#reply(current, { reply: verdict, last: true });
    current.verdict = verdict;
    this.#reader.acceptBody(0);
  }

  #awaitBody({ expectsContinue }: RequestHead, bytesMax: number): void {
    const refusal = this.#reader.acceptBody(bytesMax);
    if (refusal !== undefined) return this.#refuse(refusal);
    if (expectsContinue && this.#input.left === 0) this.#output.send("HTTP/1.1 100 Continue\r\n\r\n");
  }

  #take(body: string): void {
    if (this.#current === undefined) return;
    this.#current.body = body;
    this.#enter("Handling");
    // To make one text of 8 MiB takes the event loop as long as to make a record of the log of it.
    if (body.length >= LONG_BODY_BYTES) this.#context.clock.after(0, this.#begin);
    else this.#begin();
  }

  /** Hands the request on, in a later turn when this one has had its share. */
  readonly #begin = (): void => {
    const current = this.#current;
    if (this.#phase !== "Handling" || current === undefined || !this.#context.turns.take(this.#begin)) return;
    const { request, body, verdict } = current;
    const answer = verdict ?? this.#guarded(() => this.#context.handler.handle({ ...request, body }));
    if (answer instanceof Promise) {
      const reply = (reply: HttpReply) => this.#reply(current, { reply, last: false });
      answer.then(reply, (error) => this.#failed(error)).catch((error) => this.#logBug(error));
    } else if (answer !== undefined) this.#reply(current, { reply: answer, last: false });
  };

  /** Calls the handler, which never throws; should it, that is no reason to fail others. */
  #guarded<T>(call: () => T): T | undefined {
    try {
      return call();
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  #reply({ head, request }: Current, { reply, last }: { readonly reply: HttpReply; readonly last: boolean }): void {
    const stream = typeof reply.body === "string" ? undefined : reply.body;
    if (this.#phase === "Closed") return stream?.closed();
    const { method, minorVersion } = head;
    const form = bodyFormOf(reply, head);
    const mayStay = head.staysOpen && !last && !this.#stopping && !this.#inputEnded && form !== "UntilClose";
    const shape = { minorVersion, id: request.id, staysOpen: mayStay, date: this.#context.date.text() };
    const text = this.#guarded(() => replyHead(reply, shape));
    if (text === undefined) return stream?.closed();
    this.#output.send(text);
    const bare = form === "None" || method === "HEAD";
    if (stream !== undefined && !bare) return this.#open(stream, { chunked: form === "Chunked", mayStay });
    stream?.closed();
    if (!bare && typeof reply.body === "string") this.#output.send(reply.body);
    this.#replied(mayStay);
  }

  #open(body: BodyStream, { chunked, mayStay }: { readonly chunked: boolean; readonly mayStay: boolean }): void {
    const ended = (complete: boolean) => {
      this.#stream = undefined;
      body.closed();
      if (complete) this.#replied(mayStay);
      else this.#close();
    };
    const writer = new StreamWriter({ output: this.#output, chunked, ended });
    this.#stream = { body, writer };
    this.#current = undefined;
    this.#enter("Streaming");
    this.#account();
    body.opened(writer);
  }

  /** The reply is queued to its end. */
  #replied(mayStay: boolean): void {
    this.#current = undefined;
    if (!mayStay) return this.#finish();
    this.#enter("Waiting");
    this.#advance();
  }

  /** Answers with a problem and reads nothing more. */
  #refuse(refusal: Refusal): void {
    this.#context.refused.add();
    const { head, request } = this.#current ?? {};
    const id = request?.id ?? this.#context.ids.of(undefined);
    const refused = refusalReply(refusal);
    const reply = this.#context.handler.refused?.(refused) ?? refused;
    const shape: ReplyShape = { minorVersion: 1, id, staysOpen: false, date: this.#context.date.text() };
    this.#output.send(replyHead(reply, shape));
    if (head?.method !== "HEAD") this.#output.send(refused.body);
    this.#finish();
  }

  #finish(): void {
    if (this.#phase === "Closed") return;
    this.#current = undefined;
    this.#enter("Finishing");
    this.#reader.end();
    this.#input.drop();
    this.#account();
    this.#output.planFlush();
    this.#wakeReader?.();
  }

  #enter(phase: Phase): void {
    this.#phase = phase;
    this.#phaseAt = this.#context.clock.now();
  }

  /** When the present phase must be over. What waits for the handler or for the client to read has other bounds. */
  #deadline(): number {
    if (this.#phase === "Waiting" && this.#output.unsentBytes > 0) return Infinity;
    const [{ times }, { bodyBytes }] = [this.#context, this.#reader];
    return this.#phaseAt + phaseMs(this.#phase, { times, bodyBytes, isFresh: this.#fresh });
  }

  /** Tells the budget what this connection holds; gives way when all together hold too much. */
  #account(): void {
    if (this.#phase === "Closed") return;
    const held = this.#reader.heldBytes + (this.#current?.body.length ?? 0) + this.#buffer.length -
      READ_BUFFER_BYTES_MIN;
    this.#context.budget.add(held - this.#heldBytes);
    this.#heldBytes = held;
    const incomplete = this.#phase === "Head" || this.#phase === "Body";
    const isWithinShare = this.#login.hold(held, this.#current?.request);
    if (!incomplete || (isWithinShare && (held <= FAIR_SHARE_BYTES || !this.#context.budget.exceeded))) return;
    if (!isWithinShare) this.#context.closedBeforeLogin.size.add();
    this.#context.warn(`Refused a request of ${this.#remote}: requests of all HTTP clients together are too long`);
    this.#refuse({ status: 503, code: "overloaded", detail: "Too many long requests at the same time" });
  }

  /** A bug of the handler: 500 if nothing of the reply has been sent, which is so wherever this is called. */
  #failed(error: unknown): void {
    this.#logBug(error);
    if (this.#phase === "Closed") return;
    this.#refuse({ status: 500, code: "internal", detail: "This is a bug of the server; its log says more" });
  }

  #logBug(error: unknown): void {
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    const requestId = this.#current?.request.id;
    const fields = requestId === undefined ? {} : { requestId };
    const where = `the HTTP connection of ${this.#remote}, request ${requestId ?? "none"}`;
    this.#context.log("error", `Bug on ${where}: ${message}`, fields);
  }

  #closeWith(reason: string): void {
    this.#context.warn(`Closed the HTTP connection of ${this.#remote}: the client ${reason}`);
    this.#close();
  }

  #close(): void {
    if (this.#phase === "Closed") return;
    this.#enter("Closed");
    this.#context.budget.add(-this.#heldBytes);
    this.#login.close();
    this.#output.close();
    closeQuietly(this.#socket);
    this.#stream?.writer.cut();
    this.#stream?.body.closed();
    this.#stream = undefined;
    this.#input.drop();
    this.#wakeReader?.();
    this.#ended.resolve();
  }
}
