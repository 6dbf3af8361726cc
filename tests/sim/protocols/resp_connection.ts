/** One simulated connection of the Redis protocol: bytes to the shipped conversation in pieces, and replies to their requests. */

import { assert } from "../../../lib/base/assert.ts";
import { KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import { ClientMetrics } from "../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../lib/net/memory_budget.ts";
import type { ClientLink, ProtocolSession } from "../../../lib/net/session.ts";
import { TurnBudget } from "../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../lib/net/turn_time.ts";
import type { Node } from "../../../lib/node/node.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import { ClientRegistry } from "../../../lib/protocol/resp/client_record.ts";
import type { RespContext } from "../../../lib/protocol/resp/context.ts";
import { startRespConversation } from "../../../lib/protocol/resp/interpreter.ts";
import { ServerStatistics } from "../../../lib/protocol/resp/statistics/server_statistics.ts";
import { encodeRequest } from "../../support/resp/encode.ts";
import { readReply } from "../../support/resp/reply.ts";
import type { Moment } from "../reference.ts";
import type { SimServer } from "../server.ts";
import { type Asked, RecordingNode } from "./recording_node.ts";
import { gateOf } from "../../support/gate.ts";
import type { RespRequest } from "./resp_requests.ts";

/** A request that was sent, and what it has led to. */
export interface SentRequest<T> {
  readonly request: RespRequest;
  /** What the sender keeps with it. */
  readonly note: T;
  /** What the connection asked of the node for it. */
  asked: Asked | undefined;
  /** The state that the connection looked at for it. */
  moment: Moment | undefined;
}

/** A request before it is sent. */
export type Unsent<T> = Omit<SentRequest<T>, "asked" | "moment">;

/** Who sends requests on a connection. */
export interface RespSender<T> {
  /** The node is about to tell the connection how what a request asked for has ended. */
  ended(sent: SentRequest<T>, node: Node): void;
  /** The connection looks at the state for the oldest request without a reply, a confirmed read. */
  looks(sent: SentRequest<T>, node: Node): void;
  /** The reply to the oldest request without one. */
  replied(sent: SentRequest<T>, reply: string): void;
  /** The connection does what none may do. */
  failed(what: string): void;
  /** Whether the node may end the connection now, or ask anything on its behalf. */
  readonly mayEnd: () => boolean;
  /** The node has ended it; these have no reply. */
  closed(unheard: readonly SentRequest<T>[]): void;
}

/** When pieces of input arrive. */
export interface Arrivals {
  /** Longest piece in bytes. */
  readonly pieceBytes: number;
  readonly pauseMs: number;
  /** Runs an action of the network after that time, for the process the connection leads to. */
  plan(delayMs: number, action: () => void): void;
}

/** A connection to one process. */
export class RespConnection<T> {
  readonly server: SimServer;
  readonly life: object;
  readonly #sender: RespSender<T>;
  readonly #session: ProtocolSession;
  /** Without a reply yet, the oldest first. */
  readonly #sent: SentRequest<T>[] = [];
  /** Of those, the ones that have not asked the node for what they need. */
  readonly #toAsk: SentRequest<T>[] = [];
  readonly #onTheWay: string[] = [];
  readonly #arrived: string[] = [];
  #received = "";
  #isOpen = true;
  #wasEnded = false;

  /** `remote` is where the client comes from. */
  constructor(
    { server, node, remote }: { readonly server: SimServer; readonly node: Node; readonly remote: string },
    sender: RespSender<T>,
  ) {
    this.server = server;
    this.life = server.life;
    this.#sender = sender;
    const context = contextOf(server, node);
    const recorder = {
      asks: (asked: Asked) => this.#asks(asked),
      ended: (asked: Asked) => this.#ended(asked, node),
      looks: (moment: Moment, place: number) => this.#looks({ moment, place }, node),
    };
    const recording = new RecordingNode(node, { metrics: context.node.metrics, recorder });
    const link = this.#makeLink(context.turnTime.now(), remote);
    this.#session = startRespConversation(link, { ...context, node: recording });
  }

  /** Whether requests can be sent on it. */
  get isUsable(): boolean {
    return this.#isOpen && this.server.life === this.life && this.server.life.alive;
  }

  /** Whether a request waits for what the node was asked for. */
  get waits(): boolean {
    return this.#sent.some(({ asked }) => asked !== undefined && asked.outcome === undefined);
  }

  /** Sends requests in one go; they arrive in pieces, behind those before them. */
  send(requests: readonly Unsent<T>[], { pieceBytes, pauseMs, plan }: Arrivals): void {
    const sent = requests.map((request): SentRequest<T> => ({ ...request, asked: undefined, moment: undefined }));
    this.#sent.push(...sent);
    this.#toAsk.push(...sent.filter(({ request }) => request.type !== "Known" && request.type !== "Login"));
    const bytes = requests.map(({ request }) => encodeRequest(...request.words)).join("");
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      this.#onTheWay.push(bytes.slice(at, at + pieceBytes));
      plan(pauseMs * (at / pieceBytes), () => {
        this.#arrived.push(this.#onTheWay.shift() ?? "");
        this.#deliver();
      });
    }
  }

  /** The client is gone; gives back what it has heard nothing of. */
  cut(): readonly SentRequest<T>[] {
    this.#isOpen = false;
    this.#session.closed();
    return this.#sent.splice(0);
  }

  /** As a socket is read: not while the session is full. */
  #deliver(): void {
    while (this.isUsable && !this.#session.full) {
      const piece = this.#arrived.shift();
      if (piece === undefined) return;
      this.#session.receive(piece);
    }
  }

  #asks(asked: Asked): void {
    const isAlive = this.server.life === this.life && this.server.life.alive;
    if (isAlive && (this.#wasEnded || this.#sender.mayEnd())) {
      return this.#sender.failed(`asked for ${asked.encoded ?? "a read"} when its login had ended`);
    }
    if (!this.isUsable) return;
    const sent = this.#toAsk.shift();
    if (sent === undefined) return this.#sender.failed(`asked for ${asked.encoded ?? "a read"} on its own account`);
    sent.asked = asked;
  }

  #ended(asked: Asked, node: Node): void {
    const sent = this.isUsable ? this.#sent.find((each) => each.asked === asked) : undefined;
    if (sent !== undefined) this.#sender.ended(sent, node);
  }

  /** Reads look in the order of their replies, each when all before it are sent: so it is known for which one this is. */
  #looks({ moment, place }: { readonly moment: Moment; readonly place: number }, node: Node): void {
    const next = this.#sent[place];
    if (!this.isUsable || next === undefined) return;
    if (next.asked?.outcome?.type !== "Ready") {
      return this.#sender.failed(`looks at the state, and ${JSON.stringify(next.request.words)} is no confirmed read`);
    }
    next.moment = moment;
    this.#sender.looks(next, node);
  }

  #take(bytes: string): void {
    if (!this.isUsable) return;
    this.#received += bytes;
    for (;;) {
      const read = readReply(this.#received);
      if (read === undefined) return;
      const reply = this.#received.slice(0, read.end);
      this.#received = this.#received.slice(read.end);
      const sent = this.#sent.shift();
      if (sent === undefined) return this.#sender.failed(`${JSON.stringify(reply)} answers nothing`);
      this.#sender.replied(sent, reply);
    }
  }

  /** No request of the workload is such that a server may end the connection: the end of its login alone is. */
  #end(how: string): void {
    if (!this.isUsable) return;
    if (!this.#sender.mayEnd()) return this.#sender.failed(`the connection was ${how}`);
    this.#isOpen = false;
    this.#wasEnded = true;
    // As sockets do: not from within the session.
    this.server.clock?.after(0, () => this.#session.closed());
    this.#sender.closed(this.#sent.splice(0));
  }

  #makeLink(openedAt: number, remote: string): ClientLink {
    const { clock } = this.server;
    return {
      remote,
      openedAt,
      bytesReceived: 0,
      bytesSent: 0,
      readBufferBytes: 0,
      unsentBytes: 0,
      send: (bytes) => this.#take(bytes),
      wake: () => {
        if (this.#arrived.length > 0) clock?.after(0, () => this.#deliver());
      },
      finish: () => this.#end("closed"),
      abort: () => this.#end("aborted"),
    };
  }
}

const contexts = new WeakMap<object, RespContext>();

/** What the connections of one process share. */
function contextOf(server: SimServer, node: Node): RespContext {
  const known = contexts.get(server.life);
  if (known !== undefined) return known;
  const { clock } = server;
  assert(clock !== undefined, "A server that serves has a clock");
  const recorder = { asks: () => {}, ended: () => {}, looks: () => {} };
  const unused = new RecordingNode(node, { metrics: new Registry(), recorder });
  const metrics = new ClientMetrics(unused.metrics);
  const context: RespContext = {
    node: unused,
    changeMember: (change) => node.changeMember(change),
    gate: gateOf(node, clock),
    clock,
    turnTime: new TurnTime(clock),
    log: () => {},
    warn: () => {},
    metrics,
    statistics: new ServerStatistics({ clock, metrics, slowCommandMs: SLOW_COMMAND_MS, node: unused }),
    budget: new MemoryBudget(CLIENT_MEMORY_BYTES_MAX),
    turns: new TurnBudget(clock, REQUESTS_PER_TURN_MAX),
    clients: new ClientRegistry(),
    clusterMode: false,
    keyBytesMax: KEY_BYTES_MAX,
    valueBytesMax: VALUE_BYTES_MAX,
    connectionsMax: () => 1,
    connections: () => 1,
  };
  contexts.set(server.life, context);
  return context;
}

const SLOW_COMMAND_MS = 100;
