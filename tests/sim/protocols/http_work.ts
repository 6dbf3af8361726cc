/** Clients of HTTP: the shipped service with its router and its routes, under the part that has sockets. */

import { assert } from "../../../lib/base/assert.ts";
import { PASS_SCHEME } from "../../../lib/access/node_pass.ts";
import { encodeCommand, KEY_BYTES_MAX, VALUE_BYTES_MAX } from "../../../lib/kv/commands.ts";
import { NO_LOGIN } from "../../../lib/kv/users.ts";
import type { HttpHandler, HttpReply, HttpRequest } from "../../../lib/http/http.ts";
import { NOT_LOGGED_IN } from "../../../lib/http/logins.ts";
import { Happenings } from "../../../lib/http/live/happenings.ts";
import { KV_ROUTES } from "../../../lib/http/routes/kv.ts";
import { TXN_ROUTES } from "../../../lib/http/routes/txn.ts";
import { makeHttpService } from "../../../lib/http/service.ts";
import type { Node } from "../../../lib/node/node.ts";
import { Registry } from "../../../lib/observe/metrics.ts";
import type { Words } from "../call_maker.ts";
import type { Workload } from "../clients.ts";
import { mayBeRefused } from "../logins/credentials.ts";
import { type Asked as AskedOperation, operationOf, shownOf } from "../operations.ts";
import type { Pending } from "../pending.ts";
import type { ProbedNode } from "../probes.ts";
import { may } from "../model/rights.ts";
import type { Moment } from "../reference.ts";
import type { SimServer } from "../server.ts";
import type { World } from "../world.ts";
import {
  flawOf,
  replyToFailedCondition,
  replyToForbidden,
  replyToNotDone,
  replyToRead,
  replyToResult,
  UNKNOWN,
  type WantedReply,
} from "./http_replies.ts";
import { commandOf, type HttpWish, makeWish, nameOf, requestOf } from "./http_requests.ts";
import { gateOf } from "../../support/gate.ts";
import { type Asked, RecordingNode } from "./recording_node.ts";

/** How often a client does not wait for the reply. */
const CUT = 0.05;

/** Of those who lack a right. */
const FORBIDDEN_STATUS = 403;

/** Who asks, and whom. */
export interface HttpAsker {
  readonly node: Node;
  /** `NO_LOGIN` for nobody. */
  readonly login: number;
  /** By which he says who he is; a pass, as nodes give each other, where it is left out. */
  readonly token?: string | undefined;
}

/** A request that was sent. */
interface Sent extends HttpAsker {
  readonly wish: HttpWish;
  readonly pending: Pending;
  /** What the node had applied then. */
  readonly sentAt: number;
  /** What it asked of the node, in order. */
  readonly asked: Asked[];
  /** The state that it looked at last. */
  moment: Moment | undefined;
  /** What the client hears where the node refused. */
  refusal: WantedReply | undefined;
  readonly done: (() => void) | undefined;
}

/** Makes requests, hands them on and judges the replies. */
export class HttpWork {
  readonly #world: World;
  readonly #workload: Workload;
  readonly #words: Words;
  #requests = 0;

  constructor(world: World, { workload, words }: { readonly workload: Workload; readonly words: Words }) {
    this.#world = world;
    this.#workload = workload;
    this.#words = { ...words, random: world.random.fork() };
  }

  /** One request of a client, which waits for the reply, or not. */
  act(client: number, server: SimServer, asker: HttpAsker): void {
    const wish = makeWish(this.#words);
    const pending = this.#workload.begin(client, { ...asOperation(wish), server });
    this.#send({ wish, pending, ...asker, done: undefined });
    if (this.#words.random.chance(CUT)) this.#cutLater(pending);
  }

  /** One GET that no client waits for. */
  ask(client: number, server: SimServer, asker: HttpAsker): void {
    const wish: HttpWish = { type: "Get", key: this.#words.key("") };
    const pending = this.#workload.begin(client, { ...asOperation(wish), server, isPatrol: true });
    this.#send({ wish, pending, ...asker, done: undefined });
  }

  /** One PUT that no client waits for. */
  probe(client: number, { server, node, done }: ProbedNode): void {
    const wish: HttpWish = {
      type: "Put",
      key: `httpprobe${server.id}`,
      value: this.#workload.newValue(),
      ifAbsent: false,
    };
    const pending = this.#workload.begin(client, { ...asOperation(wish), server, isPatrol: true });
    this.#send({ wish, pending, node, login: this.#workload.login, done });
  }

  #send(unsent: Pick<Sent, "wish" | "pending" | "node" | "login" | "token" | "done">): void {
    const { wish, pending: { server }, node } = unsent;
    this.#requests += 1;
    const plain = requestOf(wish, `request-${this.#requests}`);
    const header = this.#authorizationOf(unsent, plain);
    const login = header === undefined ? NO_LOGIN : unsent.login;
    const sentAt = node.driver.applied.id.index;
    const sent: Sent = { ...unsent, login, sentAt, asked: [], moment: undefined, refusal: undefined };
    const request = header === undefined
      ? plain
      // Each from an address of its own: whoever is refused does not hold up others.
      : {
        ...plain,
        remote: `client${this.#requests}:1`,
        headers: new Map([...plain.headers, ["authorization", header]]),
      };
    const service = this.#serviceOf(server, sent);
    const bodyMax = service.judge(request);
    if (typeof bodyMax !== "number" && bodyMax.status === NOT_LOGGED_IN.status) return this.#judgeNobody(sent, bodyMax);
    if (typeof bodyMax !== "number" || request.body.length > bodyMax) {
      return this.#violate(sent, `refused by its head: ${JSON.stringify(bodyMax)}`);
    }
    const take = (reply: HttpReply) => {
      if (sent.pending.life === server.life && !sent.pending.finished) this.#replied(sent, { reply, node });
    };
    const reply = service.handle(request);
    if (reply instanceof Promise) reply.then(take, (error) => this.#violate(sent, `rejected with ${error}`));
    else take(reply);
  }

  /**
   * With a token, or as a node that passes a request on; undefined for nobody, and where the node does not know the login, or of any user: there
   * a token is worth what everybody has.
   */
  #authorizationOf(
    { node, login, token, pending: { server } }: Pick<Sent, "node" | "login" | "token" | "pending">,
    request: HttpRequest,
  ): string | undefined {
    const { clock } = server;
    assert(clock !== undefined, "A server that serves has a clock");
    if (token !== undefined) return node.users.size === 0 ? undefined : `Bearer ${token}`;
    if (login === NO_LOGIN) return undefined;
    const { method, path, body } = request;
    const pass = gateOf(node, clock).makePass({ to: node.id, method, path, body }, { name: "", id: login });
    return pass === undefined ? undefined : `${PASS_SCHEME} ${pass}`;
  }

  /** A service for one request, so that what the request asks of the node is known. */
  #serviceOf(server: SimServer, sent: Sent): HttpHandler {
    const { clock } = server;
    assert(clock !== undefined, "A server that serves has a clock");
    const recorder = {
      asks: (asked: Asked) => void sent.asked.push(asked),
      ended: (asked: Asked) => this.#ended(sent, asked),
      looks: (moment: Moment) => sent.moment = moment,
    };
    const node = new RecordingNode(sent.node, { metrics: new Registry(), recorder });
    return makeHttpService({
      node,
      gate: gateOf(sent.node, clock),
      clock,
      log: (level, message) => {
        if (level === "error") this.#violate(sent, message);
      },
      keyBytesMax: KEY_BYTES_MAX,
      valueBytesMax: VALUE_BYTES_MAX,
      httpAddress: "127.0.0.1:80",
      happenings: new Happenings({ node, clock }),
      routes: [...KV_ROUTES, ...TXN_ROUTES],
    });
  }

  #cutLater(pending: Pending): void {
    const delayMs = this.#words.random.fraction() * this.#world.settings.latencyMs * 4;
    const action = () => {
      if (pending.finished) return;
      this.#workload.count("http cut");
      this.#workload.lose(pending);
    };
    this.#world.clock.plan(delayMs, { action, life: undefined, isArrival: false });
  }

  #ended(sent: Sent, { outcome, encoded }: Asked): void {
    const { pending, node } = sent;
    if (pending.life !== pending.server.life || pending.finished) return;
    // The reply follows in some microtasks, and within this turn.
    this.#world.clock.busy = true;
    if (outcome?.type === "Ready") this.#world.expiredKeys.read(pending, node);
    else if (outcome?.type === "NotDone") {
      sent.refusal = replyToNotDone(outcome, { node, isRead: encoded === undefined });
    }
  }

  #replied(sent: Sent, { reply, node }: { readonly reply: HttpReply; readonly node: Node }): void {
    const { wish, pending, asked: [first, second], done } = sent;
    const outcome = first?.outcome;
    if (!this.#workload.isExpected(pending)) return;
    if (reply.status === NOT_LOGGED_IN.status) return this.#judgeNobody(sent, reply);
    if (reply.status === FORBIDDEN_STATUS) return this.#judgeForbidden(sent, reply);
    if (outcome === undefined) return this.#violate(sent, `${reply.status} before it has an outcome`);
    const command = commandOf(wish);
    const wanted = command === undefined ? undefined : encodeCommand(command, undefined, sent.login);
    if (first?.encoded !== wanted) return this.#violate(sent, `asked for ${first?.encoded ?? "a read"}, not ${wanted}`);
    if (reply.headers.find(([name]) => name === "X-KV-Node")?.[1] !== String(node.id)) {
      this.#violate(sent, `not told the node: ${JSON.stringify(reply.headers)}`);
    }
    if (outcome.type === "Unknown") {
      this.#expect(sent, reply, UNKNOWN);
      return this.#workload.lose(pending);
    }
    if (outcome.type === "NotDone") {
      this.#judgeRefusal(sent, { reply, now: replyToNotDone(outcome, { node, isRead: first?.encoded === undefined }) });
      if (wanted !== undefined && wish.type !== "Delete") this.#workload.noteRefused(wanted);
      return this.#workload.refuse(pending, outcome.reason);
    }
    this.#workload.count(`http ${nameOf(wish)}`);
    if (sent.login !== NO_LOGIN) {
      this.#workload.count(sent.token === undefined ? "http by a user" : "http by a token");
    }
    if (outcome.type === "Ready") this.#judgeRead(sent, reply, first);
    else {
      const { result } = outcome;
      if (result.type === "Forbidden") this.#violate(sent, `forbidden, and answered with ${reply.status}`);
      this.#workload.judgeResult(pending, { result, encoded: wanted ?? "" });
      const hasFailed = wish.type === "Put" && result.type === "Transaction" && !result.succeeded;
      const told = this.#world.reference.resultAt(result.revision) ?? {};
      this.#expect(sent, reply, hasFailed ? this.#failedCondition(sent, second) : replyToResult(wish, told));
      this.#workload.complete(pending, { ...shownOf(result, pending), index: result.revision });
    }
    done?.();
  }

  /** Only a login that does not hold is refused, and then nothing was done for it. */
  #judgeNobody(sent: Sent, reply: HttpReply): void {
    const { pending, node, login, sentAt, asked: [first, second] } = sent;
    if (JSON.stringify(reply.headers).includes("X-KV-")) this.#violate(sent, "told of the cluster without a login");
    if (first?.outcome?.type === "Done") {
      const judged = { result: first.outcome.result, encoded: first.encoded ?? "" };
      if (this.#workload.isDenied(pending, judged)) return;
      const { result } = judged;
      // A condition did not hold, so nothing was done, and what is there instead could not be shown any more.
      const hasFailed = result.type === "Transaction" && !result.succeeded && second !== undefined;
      if (!hasFailed) return this.#violate(sent, "done, and answered as that of nobody");
      this.#workload.judgeResult(pending, judged);
    }
    const holds = !mayBeRefused(this.#world, { node, login, shownAt: sentAt });
    // Users whom a node has in its log and has not applied count as well.
    if (holds && !(login === NO_LOGIN && node.hasUsers())) {
      return this.#violate(sent, `login ${login} holds, and was refused`);
    }
    this.#workload.count("refused login");
    this.#workload.refuse(pending, "no login");
  }

  /** Only who lacks a right is refused for that, by the entry of the log or by the state that was to be shown. */
  #judgeForbidden(sent: Sent, reply: HttpReply): void {
    const { wish, pending, moment, asked: [first] } = sent;
    const judged = first?.outcome?.type === "Done" && { result: first.outcome.result, encoded: first.encoded ?? "" };
    if (judged && judged.result.type === "Forbidden") {
      this.#expect(sent, reply, replyToForbidden(judged.result.missing.right));
      this.#workload.isDenied(pending, judged);
      return;
    }
    this.#expect(sent, reply, replyToForbidden("read"));
    // Of what a condition did not hold for it is not shown what is there instead.
    if (judged) this.#workload.judgeResult(pending, judged);
    const isShown = wish.type === "Transaction" || moment === undefined || this.#mayRead(sent, moment);
    if (isShown) return this.#violate(sent, "refused as forbidden");
    this.#workload.count("forbidden read");
    this.#workload.refuse(pending, "forbidden");
  }

  #mayRead({ wish, login }: Sent, { index }: Moment): boolean {
    const rights = this.#world.reference.rightsAt(login, index);
    return rights !== undefined && wish.type !== "Transaction" && may(rights, { right: "read", prefix: wish.key });
  }

  /** It tells of the cluster as the node saw it between the outcome and now, within one turn. */
  #judgeRefusal(sent: Sent, { reply, now }: { readonly reply: HttpReply; readonly now: WantedReply }): void {
    if (sent.refusal === undefined || flawOf(reply, sent.refusal) !== undefined) this.#expect(sent, reply, now);
  }

  #failedCondition(sent: Sent, read: Asked | undefined): WantedReply {
    const { wish, moment } = sent;
    this.#workload.count("http compare failed");
    const isReady = wish.type === "Put" && read?.outcome?.type === "Ready" && moment !== undefined;
    if (isReady && !this.#mayRead(sent, moment)) this.#violate(sent, `shown at ${moment.index} without the right`);
    return replyToFailedCondition(isReady ? this.#world.reference.seenAt(wish.key, moment) : null);
  }

  #judgeRead(sent: Sent, reply: HttpReply, asked: Asked | undefined): void {
    const { wish, pending, moment } = sent;
    if (wish.type === "Transaction" || asked?.outcome?.type !== "Ready") return;
    if (moment === undefined) return this.#violate(sent, "answered without a look at the state");
    const { index, nowMs } = moment;
    if (!this.#mayRead(sent, moment)) this.#violate(sent, `shown at ${index} to login ${sent.login}`);
    if (index < asked.outcome.index) {
      this.#violate(sent, `confirmed at ${asked.outcome.index}, and applied is ${index}`);
    }
    const record = this.#world.reference.seenAt(wish.key, moment);
    this.#expect(sent, reply, replyToRead(record, nowMs));
    this.#workload.complete(pending, { result: record?.value ?? null, index });
  }

  #expect(sent: Sent, reply: HttpReply, wanted: WantedReply): void {
    const flaw = flawOf(reply, wanted);
    if (flaw !== undefined) this.#violate(sent, flaw);
  }

  #violate({ wish }: Sent, what: string): void {
    this.#world.violate("http", `${JSON.stringify(wish)}: ${what}`);
  }
}

function asOperation(wish: HttpWish): AskedOperation {
  const command = commandOf(wish);
  if (command !== undefined) {
    // What compares is no operation of a history: it is judged by the model.
    return command.type === "Transaction"
      ? { operation: "transaction", key: "", argument: null }
      : operationOf(command);
  }
  return { operation: "get", key: wish.type === "Get" ? wish.key : "", argument: null };
}
