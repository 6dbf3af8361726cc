/** Who sends a request: HTTP Basic, a token as `Bearer`, a pass of another node, or without any of these the certificate of its connection. */

import { Buffer } from "node:buffer";
import type { Gate, LoginOutcome, Visitor } from "../access/gate.ts";
import type { Login } from "../access/login.ts";
import type { WebSession } from "../access/web_sessions.ts";
import { type ConnectionRate, describeRate } from "../access/request_rates.ts";
import { PASS_CHARACTERS_MAX, PASS_SCHEME, refusedPass } from "../access/node_pass.ts";
import { TOKEN_USER } from "../access/tokens.ts";
import type { HttpLogins } from "./server/connection_login.ts";
import { webSessionOf } from "./web_login.ts";
import type { BodySink, BodyStream, HttpReply, HttpRequest } from "./http.ts";
import { isProblem, problem, type ProblemReply } from "./problem.ts";

/** A single digit at the end is none of Base64, and throws in the oldest runtimes. */
const BASIC = /^basic +((?:[A-Za-z0-9+/]{4}){0,512}(?:[A-Za-z0-9+/]{2,3})?={0,2})$/i;
const BEARER = /^bearer +([A-Za-z0-9._~+/-]{1,512}=*) *$/i;
const PASS = new RegExp(`^${PASS_SCHEME} (\\S{1,${PASS_CHARACTERS_MAX}})$`);

/** Browsers ask for user and password when they see the header. */
export const NOT_LOGGED_IN: ProblemReply = refusal("Authentication required: send user and password, as curl -u does");
const WRONG_PASSWORD = refusal("Wrong user or password");
const WRONG_TOKEN = refusal("Wrong token: it was revoked, has expired or never was one");
const BUSY = problem({
  status: 429,
  code: "overloaded",
  detail: "Too many logins are waiting",
  headers: [["Retry-After", "1"]],
});
const NOT_READY = problem({
  status: 503,
  code: "users_not_known",
  detail: "The users are not known here yet",
  headers: [["Retry-After", "1"]],
});

const RATE_LIMITED = "rate_limited";

/** Whether a reply is to somebody who has not come in, or perhaps has not. */
export function isLoginRefusal(reply: HttpReply): boolean {
  if (!isProblem(reply)) return false;
  const { code } = reply.problem;
  return code === NOT_LOGGED_IN.problem.code || code === RATE_LIMITED || reply === BUSY || reply === NOT_READY;
}

/** The reply to a request beyond the rate of its connection or user; undefined when it is none. */
export function overRate(
  rate: ConnectionRate,
  { login, now }: { readonly login: Login | undefined; readonly now: number },
): ProblemReply | undefined {
  // Whoever has a pass has counted it already, or is the launcher.
  const refusal = login?.name === "" ? undefined : rate.refusal(login, now);
  if (refusal === undefined) return undefined;
  const detail = describeRate(refusal);
  return problem({
    status: 429,
    code: RATE_LIMITED,
    detail: `${detail.charAt(0).toUpperCase()}${detail.slice(1)}`,
    headers: [["Retry-After", "1"]],
  });
}

function refusal(detail: string): ProblemReply {
  const headers = [["WWW-Authenticate", 'Basic realm="KVStore", charset="UTF-8"']] as const;
  return problem({ status: 401, code: "not_logged_in", detail, headers });
}

/** Whether a request says who sends it, or its connection does. */
export function saysWho({ headers, certified }: Pick<HttpRequest, "headers" | "certified">, gate: Gate): boolean {
  return headers.has("authorization") || gate.isCertified(certified);
}

/** What connections ask of a gate. */
export function httpLoginsOf(gate: Gate): HttpLogins {
  return {
    isNeeded: (login, certified) => !gate.admits(login) && (login !== undefined || !gate.isCertified(certified)),
    known: (head) => {
      const session = webSessionOf(head, gate.webSessions);
      if (session !== undefined) return session.login;
      const claim = claimOf(head.headers.get("authorization") ?? "");
      return claim === undefined ? undefined : gate.known(claim);
    },
  };
}

/** Whose request it is, where clients have to log in; or the reply to one who may not come in. */
export function identify(
  request: HttpRequest,
  { gate, id }: { readonly gate: Gate; readonly id: number },
): Login | ProblemReply | Promise<Login | ProblemReply> {
  const header = request.headers.get("authorization") ?? "";
  const certified = header === ""
    ? gate.certified(request.certified, { address: addressOf(request), protocol: "http" })
    : undefined;
  if (certified !== undefined) return certified;
  const pass = PASS.exec(header)?.[1];
  if (pass !== undefined) {
    const { method, path, body } = request;
    const login = gate.pass(pass, { to: id, method, path, body });
    if (login !== undefined && gate.admits(login)) return login;
    gate.audit.record(refusedPass(addressOf(request), "http"));
    return NOT_LOGGED_IN;
  }
  const claim = claimOf(header);
  if (claim === undefined) return NOT_LOGGED_IN;
  const known = gate.known(claim);
  if (known !== undefined) return known;
  const wrong = claim.name === TOKEN_USER ? WRONG_TOKEN : WRONG_PASSWORD;
  return gate.login({ ...claim, address: addressOf(request), protocol: "http" }).then((outcome) =>
    loginOf(outcome, wrong)
  );
}

/** Where a request comes from, without the port. */
export function addressOf({ remote }: Pick<HttpRequest, "remote">): string {
  return remote.slice(0, remote.lastIndexOf(":"));
}

/** User and password, or the token, of a header, byte strings. */
function claimOf(header: string): { readonly name: string; readonly password: string } | undefined {
  const token = BEARER.exec(header)?.[1];
  if (token !== undefined) return { name: TOKEN_USER, password: token };
  const encoded = BASIC.exec(header)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString("latin1");
  const colon = text.indexOf(":");
  return colon < 0 ? undefined : { name: text.slice(0, colon), password: text.slice(colon + 1) };
}

function loginOf(outcome: LoginOutcome, wrong: ProblemReply): Login | ProblemReply {
  if (outcome.type === "LoggedIn") return outcome.login;
  return outcome.type === "Busy" ? BUSY : outcome.type === "NotReady" ? NOT_READY : wrong;
}

/** The same reply; one that comes piece by piece ends with the login, and when `mayAsk`, or the reply itself, says that it holds no more. */
export function guarded(
  reply: HttpReply,
  { gate, login, session, mayAsk }: Pick<Guarding, "gate" | "login" | "session"> & { readonly mayAsk: () => boolean },
): HttpReply {
  const { body, holds = () => true } = reply;
  if (typeof body === "string") return reply;
  return { ...reply, body: new GuardedStream({ gate, login, session, body, holds: () => mayAsk() && holds() }) };
}

interface Guarding {
  readonly gate: Gate;
  readonly login: Login | undefined;
  /** By whose cookie it was asked for. */
  readonly session: WebSession | undefined;
  readonly body: BodyStream;
  readonly holds: () => boolean;
}

class GuardedStream implements BodyStream, Visitor {
  readonly login: Login | undefined;
  /** See `Visitor`. */
  readonly holds: () => boolean;
  readonly #gate: Gate;
  readonly #session: WebSession | undefined;
  readonly #body: BodyStream;
  #sink: BodySink | undefined;

  constructor({ gate, login, session, body, holds }: Guarding) {
    this.login = login;
    this.holds = holds;
    this.#gate = gate;
    this.#session = session;
    this.#body = body;
  }

  /** See `BodyStream`. */
  opened(sink: BodySink): void {
    this.#sink = sink;
    this.#gate.enter(this);
    this.#session?.enter(this);
    // The login, or a right, may be gone since the request was judged.
    const isOver = this.#session?.hasEnded === true;
    if (!isOver && this.#gate.admits(this.login) && this.holds()) this.#body.opened(sink);
    else sink.abort();
  }

  /** See `BodyStream`. */
  drained(): void {
    this.#body.drained();
  }

  /** See `BodyStream`. */
  closed(): void {
    this.#gate.leave(this);
    this.#session?.leave(this);
    this.#body.closed();
  }

  /** See `Visitor`. */
  loginEnded(): void {
    this.#sink?.abort();
  }
}
