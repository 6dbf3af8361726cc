/** Clients that speak the Redis protocol: several requests at once, on connections that are used again, or cut. */

import { TOKEN_USER } from "../../../lib/access/tokens.ts";
import type { Call } from "../../../lib/kv/commands.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { NO_LOGIN } from "../../../lib/kv/users.ts";
import type { Node } from "../../../lib/node/node.ts";
import type { Words } from "../call_maker.ts";
import type { Workload } from "../clients.ts";
import { appliedIndex, type Credentials, holdsAt, mayBeRefused, wasGood } from "../logins/credentials.ts";
import { answerQuery } from "../model/queries.ts";
import { shownOf } from "../operations.ts";
import type { Pending } from "../pending.ts";
import type { ProbedNode } from "../probes.ts";
import type { Moment } from "../reference.ts";
import type { SimServer } from "../server.ts";
import type { World } from "../world.ts";
import { OK } from "../../support/resp/encode.ts";
import { RespConnection, type SentRequest, type Unsent } from "./resp_connection.ts";
import { LOADING, NO_LIST, NOBODY, replyOf, replyToNotDone, replyToResult, UNKNOWN, WRONG } from "./resp_replies.ts";
import { asOperation, encode, isUnlike } from "./resp_operations.ts";
import { makePipeline, type RespRequest, write } from "./resp_requests.ts";
import { RespSession } from "./resp_session.ts";

const REUSED = 0.8;
const CUT = 0.1;
const SESSION = 0.15;

/** What is counted of those who log in. */
export const RESP_LOGIN_NAMES = [
  ...["resp login", "resp login refused", "resp by a login", "resp ended with its login"] as const,
];

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
  /** `NO_LOGIN` where nobody has to say who he is. */
  readonly login: number;
  /** What the node had applied when it was opened. */
  readonly openedAt: number;
  /** Whether requests are taken as those of its user. */
  isIn: boolean;
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
  /** Those with a login, of every process. */
  #withLogin: readonly Open[] = [];
  #connections = 0;

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

  /** One pipeline on a connection of any user, or the login of a new one. */
  actAs(client: number, server: SimServer, { node, as }: { readonly node: Node; readonly as: Credentials }): void {
    const { random } = this.#words;
    const known = this.#withLogin.filter(({ isIn, connection }) => isIn && connection.isUsable);
    const open = known.length > 0 && random.chance(REUSED) ? random.pick(known) : undefined;
    if (open === undefined) return this.#logIn(client, server, { node, as });
    const requests = makePipeline(this.#words);
    const last = requests.length - 1;
    const sent = requests.map((request, at) => {
      const isPatrol = at < last;
      const how = {
        client: isPatrol ? this.#workload.newClient() : client,
        server: open.connection.server,
        isPatrol,
      };
      return { request, note: { pending: this.#begin(request, how), refusal: undefined } };
    });
    this.#send(open, sent);
    if (random.chance(CUT)) this.#cutLater(open);
  }

  /** Every connection of a login that has ended is ended by the node that has applied that, once what it had begun is answered. */
  watchLogins(): void {
    this.#withLogin = this.#withLogin.filter(({ connection }) => connection.isUsable);
    for (const { node, login, isIn, connection } of this.#withLogin) {
      if (!isIn || connection.waits || connection.server.life.paused || holdsAt(this.#world, { node, login })) continue;
      this.#world.violate(
        "logins",
        `node ${connection.server.id} keeps the connection of login ${login}, which has ended`,
      );
    }
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

  #logIn(client: number, server: SimServer, { node, as }: { readonly node: Node; readonly as: Credentials }): void {
    const open = this.#newConnection(server, { node, login: as.login });
    this.#withLogin = [...this.#withLogin, open];
    const name = this.#words.random.pick([as.user, TOKEN_USER]);
    const request: RespRequest = { type: "Login", words: ["AUTH", name, as.token] };
    const pending = this.#begin(request, { client, server, isPatrol: false });
    this.#send(open, [{ request, note: { pending, refusal: undefined } }]);
  }

  #connect(server: SimServer, node: Node): Open {
    const known = this.#open.get(server);
    if (known?.connection.isUsable === true && this.#words.random.chance(REUSED)) return known;
    const open = this.#newConnection(server, { node, login: NO_LOGIN });
    this.#open.set(server, open);
    return open;
  }

  #newConnection(server: SimServer, { node, login }: Pick<Open, "node" | "login">): Open {
    this.#connections += 1;
    const remote = `client${this.#connections}:1`;
    const connection: RespConnection<Note> = new RespConnection({ server, node, remote }, {
      ended: (sent) => this.#ended(sent, node),
      looks: ({ note: { pending } }) => {
        if (pending !== undefined) this.#world.expiredKeys.read(pending, node);
      },
      replied: (sent, reply) => this.#replied(sent, { reply, open }),
      failed: (what) => this.#world.violate("resp", `node ${server.id}: ${what}`),
      mayEnd: () => login !== NO_LOGIN && !holdsAt(this.#world, { node, login }),
      closed: (unheard) => {
        this.#workload.count("resp ended with its login");
        this.#lose(unheard);
      },
    });
    const state = { isIn: false, watched: new Map(), writtenIndex: 0, readIndex: 0 };
    const open: Open = { node, connection, login, openedAt: appliedIndex(node), ...state };
    return open;
  }

  #lose(unheard: readonly Sent[]): void {
    for (const { note: { pending } } of unheard) {
      if (pending === undefined || pending.finished) continue;
      pending.lost?.();
      this.#workload.lose(pending);
    }
  }

  #cutLater({ connection }: Open): void {
    const delayMs = this.#words.random.fraction() * this.#world.settings.latencyMs * 4;
    const action = () => {
      if (!connection.isUsable) return;
      const unheard = connection.cut();
      for (const { note: { pending } } of unheard) if (pending !== undefined) this.#workload.count("resp cut");
      this.#lose(unheard);
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
    if (request.type === "Login") return this.#judgeLogin(sent, { reply, open });
    const { encoded, outcome } = sent.asked ?? {};
    if (reply === NOBODY && outcome?.type !== "Done") return this.#judgeNobody(sent, { reply, open });
    if (outcome === undefined) return this.#violate(request, `${JSON.stringify(reply)} before it has an outcome`);
    const { watched } = open;
    const wanted = encode(request, open);
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
    if (open.login !== NO_LOGIN) this.#workload.count("resp by a login");
    this.#workload.count(`resp ${request.words[0]?.toLowerCase()}`);
    sent.note.settled?.(reply);
    sent.note.done?.();
  }

  /** Whoever comes in had a token that was good, and who had one comes in. */
  #judgeLogin({ request, note: { pending } }: Sent, { reply, open }: Pick<Answered, "reply" | "open">): void {
    const { node, login, openedAt: shownAt } = open;
    if (pending === undefined) return;
    if (reply === OK) {
      if (!wasGood(this.#world, { node, login, shownAt })) {
        return this.#violate(request, `login ${login} had ended, and came in`);
      }
      open.isIn = true;
      return this.#workload.complete(pending, { result: null, index: null });
    }
    if (reply !== WRONG && reply !== LOADING) return this.#violate(request, JSON.stringify(reply));
    if (reply === WRONG && !mayBeRefused(this.#world, { node, login, shownAt })) {
      return this.#violate(request, `login ${login} holds, and did not come in`);
    }
    this.#workload.count("resp login refused");
    open.connection.cut();
    this.#workload.refuse(pending, "no login");
  }

  /** Only a login that does not hold is refused, and then nothing was done for it. */
  #judgeNobody(
    { request, note: { pending } }: Sent,
    { open: { node, login } }: Pick<Answered, "reply" | "open">,
  ): void {
    if (pending === undefined) return;
    if (login === NO_LOGIN || holdsAt(this.#world, { node, login })) {
      return this.#violate(request, `login ${login} holds, and was refused`);
    }
    pending.lost?.();
    this.#workload.count("refused login");
    this.#workload.refuse(pending, "no login");
  }

  #judgeWrite({ request, note: { pending } }: Sent, { reply, open, result, encoded }: AnsweredWrite): void {
    if (pending === undefined) return;
    const { revision: index } = result;
    if (open.login !== NO_LOGIN && this.#workload.isDenied(pending, { result, encoded })) {
      return this.#expect(request, reply, NOBODY);
    }
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
    if (!this.#world.reference.allowsAt(open.login, index)) {
      this.#violate(request, `shown to ${open.login} at ${index}`);
    }
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
