/** What answers the requests of the HTTP port: guards, finds the operation, reads its parameters, and looks after every reply. */

import { RequestAudit } from "./audit.ts";
import type { Gate } from "../access/gate.ts";
import { ForbiddenError, type Login, NotLoggedInError } from "../access/login.ts";
import { UserNode } from "../access/user_node.ts";
import type { WebSession } from "../access/web_sessions.ts";
import type { Clock } from "../base/clock.ts";
import type { Trust } from "../base/dial.ts";
import type { KeyValueNode } from "../node/api.ts";
import type { NodeLog } from "../node/options.ts";
import { withFields } from "../observe/log.ts";
import { findTracer } from "../observe/tracing.ts";
import { VERSION } from "../observe/version.ts";
import {
  GUARD_CODES,
  guardFacts,
  judgeOrigin,
  NO_ORIGIN,
  preflightHeaders,
  sharingHeaders,
  withoutOrigin,
} from "./guard.ts";
import { compress } from "./compression.ts";
import type { HttpHandler, HttpReply, HttpRequest } from "./http.ts";
import type { LauncherPort } from "./launcher_port.ts";
import type { Happenings } from "./live/happenings.ts";
import { guarded, identify, isLoginRefusal, NOT_LOGGED_IN, overRate, saysWho } from "./logins.ts";
import { forbidden, isProblem, problem, type ProblemReply, withCluster } from "./problem.ts";
import { readQuery } from "./query.ts";
import { REDIRECT, redirect } from "./redirect.ts";
import { RequestObserver } from "./request_observer.ts";
import type { HttpContext, Route } from "./route.ts";
import { type Destination, Router } from "./router.ts";
import { makeToken } from "./token.ts";
import { isOfPage, PAGE_CHALLENGE, wantsPage, webSessionOf } from "./web_login.ts";

/** What the service is made with. */
export interface HttpServiceOptions {
  readonly node: KeyValueNode;
  readonly gate: Gate;
  readonly clock: Clock;
  readonly log: NodeLog;
  readonly keyBytesMax: number;
  readonly valueBytesMax: number;
  /** `host:port` of the HTTP port, as bound. */
  readonly httpAddress: string;
  /** See `HttpContext`. */
  readonly https?: Trust | undefined;
  /** The recorder of the time line; whoever makes it starts and stops it. */
  readonly happenings: Happenings;
  /** The way to the launcher that started this node. */
  readonly launcher?: LauncherPort | undefined;
  /** What is served. */
  readonly routes: readonly Route[];
  /** What a person sees who has to log in first; left out, what programs are told. */
  readonly loginPage?: (head: Head) => HttpReply;
}

/** The service of one node. Never throws and never rejects. */
export function makeHttpService(options: HttpServiceOptions): HttpHandler {
  return new HttpService(options);
}

type Head = Omit<HttpRequest, "body">;

/** What a head leads to, and who may read the reply. */
interface Verdict {
  readonly destination: Destination;
  readonly sharedWith: string | undefined;
  /** That of the cookie with which it came. */
  readonly session: WebSession | undefined;
  /** Whether its browser must not ask for a password. */
  readonly isOfPage: boolean;
}

/** Who asks: undefined for nobody. */
interface Asked {
  readonly login?: Login | undefined;
  readonly session?: WebSession | undefined;
}

class HttpService implements HttpHandler {
  readonly #context: HttpContext;
  readonly #router: Router;
  readonly #audit: RequestAudit;
  readonly #observer: RequestObserver;
  readonly #log: NodeLog;
  readonly #loginPage: HttpServiceOptions["loginPage"];

  constructor({ routes, loginPage, ...options }: HttpServiceOptions) {
    this.#context = { ...options, shared: options.node, login: undefined, token: makeToken() };
    this.#router = new Router(routes);
    this.#audit = new RequestAudit({ gate: options.gate, router: this.#router });
    this.#observer = new RequestObserver(options.node.metrics, {
      tracer: findTracer(VERSION),
      now: () => options.clock.now(),
    });
    this.#log = options.log;
    this.#loginPage = loginPage;
  }

  /** See `HttpHandler`. What needs no body is refused before one is sent. */
  judge(head: Head): number | HttpReply {
    const verdict = this.#look(head);
    const { destination } = verdict;
    const { type } = destination;
    // Whether the password is right is known later: only who sends none is refused before the body.
    if (type === "Route") return destination.route.body?.bytesMax(this.#context) ?? 0;
    // Nor what is there, before it is known who asks.
    if (type === "Options" || (!isLoginNeeded(destination) && !this.#isOpen(destination))) return 0;
    const known = this.#overRate(head) ?? destination.reply;
    if (isLoginNeeded(destination)) this.#audit.note(head, { reply: known, destination });
    const reply = this.#observer.answer({ ...head, body: "" }, {
      route: destination.route,
      answer: () => this.#finish(known, verdict),
    });
    return reply instanceof Promise ? this.#finish(known, verdict) : reply;
  }

  /** See `HttpHandler`. */
  handle(request: HttpRequest): HttpReply | Promise<HttpReply> {
    const verdict = this.#look(request);
    const { destination } = verdict;
    const route = destination.type === "Options" ? undefined : destination.route;
    const answer = () => {
      const finish = (known: HttpReply) => compress(this.#finish(known, verdict), request);
      const reply = this.#answerTo(request, verdict);
      if (!(reply instanceof Promise)) return finish(reply);
      return reply.then(
        finish,
        (error) => this.#finish(this.#failed(request, error), verdict),
      );
    };
    return this.#observer.answer(request, { route, answer });
  }

  /** See `HttpHandler`. */
  refused(reply: HttpReply): HttpReply {
    if (!this.#context.gate.admits(undefined)) return reply;
    return { ...reply, headers: [...reply.headers, ...this.#clusterHeaders(reply)] };
  }

  #look(head: Head): Verdict {
    const { node, gate, httpAddress, token } = this.#context;
    const found = this.#router.find(head.method, head.path);
    const isForm = found.type === "Route" && found.route.isForm === true;
    const judgement = judgeOrigin(head, () => guardFacts(node, { httpAddress, token }), { isForm });
    const ofPage = { isOfPage: isOfPage(head), session: undefined };
    if (judgement.type === "Refused") {
      return { ...ofPage, destination: refusal(judgement.reply), sharedWith: undefined };
    }
    const session = webSessionOf(head, gate.webSessions);
    const known = { ...ofPage, session, sharedWith: judgement.sharedWith };
    if (session !== undefined && withoutOrigin(head)) return { ...known, destination: refusal(NO_ORIGIN) };
    const isKnown = session !== undefined || saysWho(head, gate) || this.#isOpen(found);
    return { ...known, destination: isKnown ? found : this.#loginNeeded(head) };
  }

  #loginNeeded(head: Head): Destination {
    const page = this.#loginPage;
    return page === undefined || !wantsPage(head) ? LOGIN_NEEDED : refusal({ ...NOT_LOGGED_IN, ...page(head) });
  }

  /** Whether nobody has to log in for that. */
  #isOpen(destination: Destination): boolean {
    return isForAnybody(destination) || this.#context.gate.admits(undefined);
  }

  /** Nothing is told, not even what there is, before it is known who asks. */
  #answerTo(request: HttpRequest, verdict: Verdict): HttpReply | Promise<HttpReply> {
    const { gate } = this.#context;
    const { destination } = verdict;
    if (isForAnybody(destination)) {
      const isCounted = destination.type !== "Route" || destination.route.isHealth !== true;
      return (isCounted ? this.#overRate(request) : undefined) ?? this.#answer(request, { destination });
    }
    if (isLoginNeeded(destination)) return this.#overRate(request) ?? this.#answerNoted(request, { destination });
    if (!gate.admits(undefined)) return this.#answerUser(request, verdict);
    const reply = this.#overRate(request) ?? this.#answerNoted(request, { destination });
    if (!request.headers.has("authorization")) return reply;
    // The first user may be made while the request is under way: nothing was done then, and it says who asks.
    const orUser = (known: HttpReply) => isNotLoggedIn(known) ? this.#answerUser(request, verdict) : known;
    return reply instanceof Promise ? reply.then(orUser) : orUser(reply);
  }

  #answerUser(request: HttpRequest, { destination, session }: Verdict): HttpReply | Promise<HttpReply> {
    const { gate, shared } = this.#context;
    const who = session?.login ?? identify(request, { gate, id: shared.id });
    // A login that failed is recorded as one.
    const go = (known: Login | ProblemReply) => {
      if ("status" in known) return this.#overRate(request) ?? known;
      request.noteLogin?.(known);
      return this.#overRate(request, known) ?? this.#answerNoted(request, { destination, login: known, session });
    };
    return who instanceof Promise ? who.then(go) : go(who);
  }

  #overRate({ rate }: Head, login?: Login): ProblemReply | undefined {
    return rate === undefined ? undefined : overRate(rate, { login, now: this.#context.clock.now() });
  }

  #answerNoted(
    request: HttpRequest,
    parts: Asked & { readonly destination: Destination },
  ): HttpReply | Promise<HttpReply> {
    const note = (reply: HttpReply): HttpReply => {
      this.#audit.note(request, { reply, ...parts });
      return reply;
    };
    const reply = this.#answer(request, parts);
    if (!(reply instanceof Promise)) return note(reply);
    return reply.then(note, (error) => note(this.#failed(request, error)));
  }

  #answer(
    request: HttpRequest,
    { destination, ...asked }: Asked & { readonly destination: Destination },
  ): HttpReply | Promise<HttpReply> {
    switch (destination.type) {
      case "Problem":
        return destination.reply;
      case "Options":
        return { status: 204, headers: optionsHeaders(request, destination.allow), body: "" };
      default:
        return this.#call(request, { ...destination, ...asked });
    }
  }

  #call(
    request: HttpRequest,
    { route, path, login, session }: Destination & { readonly type: "Route" } & Asked,
  ): HttpReply | Promise<HttpReply> {
    const { gate, shared } = this.#context;
    const mayAsk = () => route.isOpen === true || route.isForUsers === true || gate.isAdmin(login);
    if (!mayAsk()) return forbidden({ right: "admin", prefix: undefined });
    const query = readQuery(request.query, route.query);
    if (isProblem(query)) return query;
    // Nobody is judged like everybody: a read brings the users that this node did not know of when it let him in.
    const node = new UserNode(shared, { gate, login });
    const context = { ...this.#context, node, login, log: withFields(this.#log, { requestId: request.id }) };
    const call = { request, context, path, query };
    const guard = (reply: HttpReply) => guarded(reply, { gate, login, session, mayAsk });
    try {
      const elsewhere = query.has(REDIRECT.name) ? redirect(call) : undefined;
      const reply = elsewhere ?? route.handle(call);
      return reply instanceof Promise ? reply.then(guard) : guard(reply);
    } catch (error) {
      return this.#failed(request, error);
    }
  }

  #failed({ method, id }: HttpRequest, error: unknown): ProblemReply {
    if (error instanceof NotLoggedInError) return NOT_LOGGED_IN;
    if (error instanceof ForbiddenError) return forbidden(error.missing);
    const message = error instanceof Error ? error.stack ?? error.message : String(error);
    this.#log("error", `Bug in the answer to a ${method}: ${message}`, { requestId: id });
    const detail = `This is a bug of the server; its log says more under ${id}`;
    return problem({ status: 500, code: "internal", detail });
  }

  #finish(answered: HttpReply, { destination, sharedWith, isOfPage }: Verdict): HttpReply {
    const reply = isOfPage && answered.status === UNAUTHORIZED ? withoutPrompt(answered) : answered;
    const code = isProblem(reply) ? reply.problem.code : undefined;
    // A name that was made to lead here is the only way in which a page of others could read a reply.
    if (code === "bad_host") return reply;
    const sharing = sharedWith === undefined ? [] : sharingHeaders(sharedWith);
    // Nor is anything told of the cluster before somebody has logged in.
    if (isLoginRefusal(answered) || (isForAnybody(destination) && !this.#context.gate.admits(undefined))) {
      return { ...reply, headers: [...reply.headers, ...COMMON_HEADERS, ...sharing] };
    }
    const told = isProblem(reply) && code !== "bad_origin" ? withCluster(reply, this.#context.node) : reply;
    const headers = [...reply.headers, ...this.#clusterHeaders(reply), ...COMMON_HEADERS, ...sharing];
    return { status: told.status, headers, body: told.body };
  }

  #clusterHeaders(reply: HttpReply): HttpReply["headers"] {
    const { node } = this.#context;
    const { raft: { leaderId, currentTerm } } = node.status();
    const headers: (readonly [string, string])[] = [
      ["X-KV-Node", String(node.id)],
      ["X-KV-Leader", leaderId === undefined ? "none" : String(leaderId)],
      ["X-KV-Term", String(currentTerm)],
    ];
    const hasRevision = reply.headers.some(([name]) => name === REVISION_HEADER);
    if (!hasRevision) headers.push([REVISION_HEADER, String(node.changes.newest)]);
    return headers;
  }
}

/**
 * Whether that is for those, too, who have not logged in: health, what a browser asks before it asks, and what it is refused for, whoever sends
 * it. A password is never asked for by a name or in a page of others.
 */
function isForAnybody(destination: Destination): boolean {
  if (destination.type === "Route") return destination.route.isOpen === true;
  return destination.type === "Options" || GUARD_CODES.includes(destination.reply.problem.code);
}

/** Whether nothing was done since there are users, and who asked is none. */
function isNotLoggedIn(reply: HttpReply): boolean {
  return isProblem(reply) && reply.problem.code === NOT_LOGGED_IN.problem.code;
}

/** Whether it is refused because nobody has logged in: as programs are told, or by a page. */
function isLoginNeeded(destination: Destination): boolean {
  return destination.type === "Problem" && destination.reply.problem === NOT_LOGGED_IN.problem;
}

function refusal(reply: ProblemReply): Destination {
  return { type: "Problem", reply, route: undefined };
}

/** The same reply, by which no browser asks for a password. */
function withoutPrompt(reply: HttpReply): HttpReply {
  const isPrompt = ([name]: readonly [string, string]) => name === PAGE_CHALLENGE[0];
  return { ...reply, headers: reply.headers.map((header) => isPrompt(header) ? PAGE_CHALLENGE : header) };
}

const UNAUTHORIZED = 401;
/** Where a request leads that says nothing of who sends it, where clients have to log in. */
const LOGIN_NEEDED = refusal(NOT_LOGGED_IN);
/** The revision of a write, or that as of which a reply was made. */
const REVISION_HEADER = "X-KV-Revision";
/** What keeps browsers from guessing types and from showing replies inside pages of others. */
const COMMON_HEADERS: HttpReply["headers"] = [
  ["X-Content-Type-Options", "nosniff"],
  ["Cross-Origin-Resource-Policy", "same-origin"],
];

function optionsHeaders({ headers }: HttpRequest, allow: string): HttpReply["headers"] {
  const isPreflight = headers.has("origin") && headers.has("access-control-request-method");
  return [["Allow", allow], ...isPreflight ? preflightHeaders(allow) : []];
}
