/** Clients that speak the Redis protocol: several requests at once, on connections that are used again, or cut. */

import { type Call, type Compare, encodeCommand } from "../../../lib/kv/commands.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { Words } from "../call_maker.ts";
import type { Workload } from "../clients.ts";
import { answerQuery } from "../model/queries.ts";
import { type Asked as AskedOperation, operationOf, operationOfCall, shownOf } from "../operations.ts";
import type { Pending } from "../pending.ts";
import type { ProbedNode } from "../probes.ts";
import type { Moment } from "../reference.ts";
import type { SimServer } from "../server.ts";
import type { World } from "../world.ts";
import { RespConnection, type SentRequest, type Unsent } from "./resp_connection.ts";
import { NO_LIST, replyOf, replyToNotDone, replyToResult, UNKNOWN } from "./resp_replies.ts";
import { changes, makePipeline, type RespRequest, write } from "./resp_requests.ts";
import { RespSession } from "./resp_session.ts";

const REUSED = 0.8;
const CUT = 0.1;
const SESSION = 0.15;

/** What is known of a request that was sent. */
interface Note {
  /** Undefined for a request that asks the node for nothing. */
  readonly pending: Pending | undefined;
  /** Told when it is done. */
  readonly done?: (() => void) | undefined;
  /** Told when it is known that it is done, or not. */
  readonly settled?: ((reply: string) => void) | undefined;
  /** What the client hears when it was not done. */
  refusal: string | RegExp | undefined;
}

type Sent = SentRequest<Note>;

/** A connection, and what its client knows by the replies so far. */
interface Open {
  readonly node: Node;
  readonly connection: RespConnection<Note>;
  /** The keys that it watches, with the revisions that they had. */
  watched: Map<string, string>;
  /** Where its last write was done, and what its last read has seen. */
  writtenIndex: number;
  readIndex: number;
}

/** Makes requests, sends them and judges the replies. */
export class RespWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  readonly #session: RespSession;
  readonly #open = new Map<SimServer, Open>();

  constructor(world: World, { workload, words }: { readonly workload: Workload; readonly words: Words }) {
    this.#world = world;
    this.#workload = workload;
    this.#words = { ...words, random: world.random.fork() };
    this.#session = new RespSession(this.#words);
  }

  /** One pipeline of a client, which goes on when the last reply is there. */
  act(client: number, server: SimServer, node: Node): void {
    const { random } = this.#words;
    const open = this.#connect(server, node);
    const own = random.chance(SESSION) ? this.#session.next() : undefined;
    const requests = own === undefined ? makePipeline(this.#words) : [own.request];
    const last = requests.length - 1;
    const sent = requests.map((request, at) => {
      const isPatrol = at < last;
      const pending = this.#begin(request, {
        client: isPatrol ? this.#workload.newClient() : client,
        server,
        isPatrol,
      });
      if (own !== undefined && pending !== undefined) pending.lost = own.lost;
      return { request, note: { pending, settled: own?.settled, refusal: undefined } };
    });
    this.#send(open, sent);
    if (random.chance(CUT)) this.#cutLater(open);
  }

  /** One SET that no client waits for. */
  probe(client: number, { server, node, done }: ProbedNode): void {
    const request = write(["SET", `respprobe${server.id}`, this.#workload.newValue()]);
    const pending = this.#begin(request, { client, server, isPatrol: true });
    this.#send(this.#connect(server, node), [{ request, note: { pending, done, refusal: undefined } }]);
  }

  #begin(
    request: RespRequest,
    how: { readonly client: number; readonly server: SimServer; readonly isPatrol: boolean },
  ): Pending | undefined {
    const operation = asOperation(request);
    const { client, ...where } = how;
    return operation === undefined ? undefined : this.#workload.begin(client, { ...operation, ...where });
  }

  #send({ connection }: Open, requests: readonly Unsent<Note>[]): void {
    const { random } = this.#words;
    const { life } = connection.server;
    connection.send(requests, {
      pieceBytes: random.pick([7, 100, 65_536]),
      pauseMs: random.pick([0, 0.1, 1]),
      plan: (delayMs, action) => void this.#world.clock.plan(delayMs, { action, life, isArrival: true }),
    });
  }

  #connect(server: SimServer, node: Node): Open {
    const known = this.#open.get(server);
    if (known?.connection.isUsable === true && this.#words.random.chance(REUSED)) return known;
    const connection: RespConnection<Note> = new RespConnection({ server, node }, {
      ended: (sent) => this.#ended(sent, node),
      looks: ({ note: { pending } }) => {
        if (pending !== undefined) this.#world.expiredKeys.read(pending, node);
      },
      replied: (sent, reply) => this.#replied(sent, { reply, open }),
      failed: (what) => this.#world.violate("resp", `node ${server.id}: ${what}`),
    });
    const open: Open = { node, connection, watched: new Map(), writtenIndex: 0, readIndex: 0 };
    this.#open.set(server, open);
    return open;
  }

  #cutLater({ connection }: Open): void {
    const delayMs = this.#words.random.fraction() * this.#world.settings.latencyMs * 4;
    const action = () => {
      if (!connection.isUsable) return;
      const unheard = connection.cut();
      for (const { note: { pending } } of unheard) {
        if (pending === undefined) continue;
        this.#workload.count("resp cut");
        pending.lost?.();
        this.#workload.lose(pending);
      }
    };
    this.#world.clock.plan(delayMs, { action, life: undefined, isArrival: false });
  }

  /** What a refusal tells of the cluster is how the node sees it now. */
  #ended({ note, asked }: Sent, node: Node): void {
    const outcome = asked?.outcome;
    if (outcome?.type === "NotDone") note.refusal = replyToNotDone(outcome, node);
  }

  #replied(sent: Sent, { reply, open }: Pick<Answered, "reply" | "open">): void {
    const { request, note: { pending, refusal } } = sent;
    if (request.type === "Known") return this.#expect(request, reply, request.reply);
    if (pending === undefined || !this.#workload.isExpected(pending)) return;
    const { encoded, outcome } = sent.asked ?? {};
    if (outcome === undefined) return this.#violate(request, `${JSON.stringify(reply)} before it has an outcome`);
    const { watched } = open;
    const wanted = encode(request, watched);
    if (encoded !== wanted) return this.#violate(request, `asked for ${encoded ?? "a read"}, not ${wanted}`);
    if (request.type === "Exec") open.watched = new Map();
    switch (outcome.type) {
      case "Unknown":
        this.#expect(request, reply, UNKNOWN);
        pending.lost?.();
        return this.#workload.lose(pending);
      case "NotDone":
        // It tells of the cluster as the node saw it between the outcome and now.
        if (refusal === undefined || !isAsWanted(reply, refusal)) {
          this.#expect(request, reply, replyToNotDone(outcome, open.node));
        }
        pending.lost?.();
        if (wanted !== undefined && isUnlike(request)) this.#workload.noteRefused(wanted);
        return this.#workload.refuse(pending, outcome.reason);
      case "Ready":
        this.#judgeRead(sent, { reply, open, watched });
        break;
      default:
        this.#judgeWrite(sent, { reply, open, watched, result: outcome.result, encoded: wanted ?? "" });
    }
    this.#workload.count(`resp ${request.words[0]?.toLowerCase()}`);
    sent.note.settled?.(reply);
    sent.note.done?.();
  }

  #judgeWrite({ request, note: { pending } }: Sent, { reply, open, result, encoded }: AnsweredWrite): void {
    if (pending === undefined) return;
    const { revision: index } = result;
    this.#workload.judgeResult(pending, { result, encoded });
    this.#expect(request, reply, replyToResult(this.#world.reference.resultAt(index) ?? {}));
    if (result.type === "Transaction" && !result.succeeded) this.#workload.count("resp exec aborted");
    // The answer to a command that was sent before is older than what its client has seen since.
    if (request.type === "Write" && request.session !== undefined) {
      return this.#workload.complete(pending, { result: null, index: null });
    }
    if (index <= open.readIndex) this.#violate(request, `done at ${index}, before the read at ${open.readIndex}`);
    open.writtenIndex = Math.max(open.writtenIndex, index);
    this.#workload.complete(pending, { ...shownOf(result, pending), index });
  }

  #judgeRead({ request, asked, moment, note: { pending } }: Sent, { reply, open, watched }: Answered): void {
    if (pending === undefined || asked?.outcome?.type !== "Ready") return;
    if (moment === undefined) return this.#violate(request, `${JSON.stringify(reply)} without a look at the state`);
    const { index } = moment;
    const least = Math.max(asked.outcome.index, open.writtenIndex, open.readIndex);
    if (index < least) this.#violate(request, `read at ${index}, and had to be at ${least}`);
    open.readIndex = index;
    const answer = this.#answerOf(request, { moment, watched });
    this.#expect(request, reply, answer === undefined ? NO_LIST : replyOf(answer));
    if (answer === undefined) this.#workload.count("resp exec aborted");
    this.#workload.complete(pending, { result: typeof answer === "string" ? answer : null, index });
  }

  /** What is answered from a state, in the form of `replyToJson`; undefined where a watched key has changed. */
  #answerOf(
    request: RespRequest,
    { moment, watched }: { readonly moment: Moment } & Pick<Answered, "watched">,
  ): unknown {
    const { reference } = this.#world;
    const revisionOf = (key: string) => `${reference.seenAt(key, moment)?.revision ?? 0}`;
    const ask = (call: Call) => answerQuery(call, { state: reference.stateAt(moment), nowMs: moment.nowMs });
    switch (request.type) {
      case "Watch":
        for (const key of request.words.slice(1)) if (!watched.has(key)) watched.set(key, revisionOf(key));
        return { s: "OK" };
      case "Exec":
        return [...watched].every(([key, revision]) => revisionOf(key) === revision)
          ? request.calls.map(ask)
          : undefined;
      default:
        return ask(request.words);
    }
  }

  #expect(request: RespRequest, reply: string, wanted: string | RegExp): void {
    if (!isAsWanted(reply, wanted)) {
      this.#violate(request, `${JSON.stringify(reply)}, not ${JSON.stringify(String(wanted))}`);
    }
  }

  #violate({ words }: RespRequest, what: string): void {
    this.#world.violate("resp", `${JSON.stringify(words)}: ${what}`);
  }
}

function isAsWanted(reply: string, wanted: string | RegExp): boolean {
  return typeof wanted === "string" ? reply === wanted : wanted.test(reply);
}

/** A reply, and what it is judged by. */
interface Answered {
  readonly reply: string;
  readonly open: Open;
  /** What was watched when the request was done. */
  readonly watched: Map<string, string>;
}

/** The reply to a write that was done. */
interface AnsweredWrite extends Answered {
  readonly result: CommandResult;
  readonly encoded: string;
}

/** The command of the log that a request comes to; undefined for one that only reads. */
function encode(request: RespRequest, watched: ReadonlyMap<string, string>): string | undefined {
  if (request.type === "Write") return encodeCommand(request.command, request.session);
  if (request.type !== "Exec" || !changes(request)) return undefined;
  const compares = Array.from(watched, ([key, operand]): Compare => ({ key, field: "MOD", operator: "=", operand }));
  return encodeCommand({ type: "Transaction", compares, then: request.calls, otherwise: [] });
}

/** Whether its command is like no other, so that it can be looked for in the log. */
function isUnlike(request: RespRequest): boolean {
  return request.type === "Exec" || (request.type === "Write" && request.command.type === "Put");
}

function asOperation(request: RespRequest): AskedOperation | undefined {
  const { words } = request;
  switch (request.type) {
    case "Known":
      return undefined;
    case "Write":
      if (request.session === undefined) return operationOf(request.command);
      return { operation: "resp once", key: words[4] ?? "", argument: null };
    case "Read":
      if (words[0] === "GET") return { operation: "get", key: words[1] ?? "", argument: null };
      return operationOfCall(words, "ask");
    case "Watch":
      return { operation: "resp watch", key: words[1] ?? "", argument: null };
    default:
      return { operation: "transaction", key: "", argument: null };
  }
}
