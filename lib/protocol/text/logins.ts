/** Who may ask what in the text protocol, and how a connection logs in. */

import type { Gate, LoginOutcome } from "../../access/gate.ts";
import type { Login } from "../../access/login.ts";
import { type ConnectionRate, describeRate } from "../../access/request_rates.ts";
import { connectionTo, PASS_USER, refusedPass } from "../../access/node_pass.ts";
import { missingAdmin, type MissingRight, missingUse, NO_RIGHTS } from "../../kv/rights.ts";
import type { ClientLink } from "../../net/session.ts";
import { addressOf, type SessionContext } from "../session_context.ts";
import { NOT_LOGGED_IN, notPermitted } from "./outcomes.ts";
import type { LoginRequest, Request } from "./requests.ts";

/** Whether a request is for those, too, who have not logged in. */
export function isForAnybody(request: Request): boolean {
  switch (request.type) {
    case "Nothing":
    case "Login":
    case "Exit":
    case "Refused":
    case "HangUp":
      return true;
    case "Report":
      return request.isOpen === true;
    default:
      return false;
  }
}

interface Asking {
  readonly gate: Gate;
  readonly login: Login | undefined;
}

/** Why a request may not begin; undefined when it may. Reads and writes of keys are judged where they take effect. */
export function refusalOf(request: Request, asking: Asking): string | undefined {
  if (!isAdmitted(request, asking)) return NOT_LOGGED_IN;
  const missing = missingFor(request, asking);
  return missing === undefined ? undefined : notPermitted(missing);
}

/** The right that a request lacks that acts here and now. */
function missingFor(request: Request, { gate, login }: Asking): MissingRight | undefined {
  if (request.type === "StaleRead") {
    return missingUse(gate.rightsOf(login) ?? NO_RIGHTS, { right: "read", prefix: request.key });
  }
  const isForAdmins = request.type === "Snapshot" || request.type === "Member" ||
    (request.type === "Report" && request.isForAdmins === true);
  return isForAdmins && !gate.isAdmin(login) ? missingAdmin(NO_RIGHTS) : undefined;
}

/** The line in the place of what a read has found, where who asked may not have it any more. */
export function refusalToShow(key: string, { gate, login }: Asking): string | undefined {
  const rights = gate.rightsOf(login);
  if (rights === undefined) return `${NOT_LOGGED_IN}\n`;
  const missing = missingUse(rights, { right: "read", prefix: key });
  return missing === undefined ? undefined : `${notPermitted(missing)}\n`;
}

/** Whether a request may begin by its login. */
function isAdmitted(request: Request, { gate, login }: Asking): boolean {
  if (isForAnybody(request)) return true;
  switch (request.type) {
    case "Write":
    case "Read":
      return gate.admitsToKeys(login);
    case "StaleRead":
      return gate.admits(login) && gate.admitsToKeys(login);
    default:
      return gate.admits(login);
  }
}

/** The same request, or the refusal of one beyond the rate. What needs no login is not counted; what is refused for another reason is. */
export function withinRate(
  request: Request,
  { rate, login, now }: { readonly rate: ConnectionRate; readonly login: Login | undefined; readonly now: number },
): Request {
  const isFree = isForAnybody(request) && request.type !== "Refused";
  const refusal = isFree ? undefined : rate.refusal(login, now);
  if (refusal === undefined) return request;
  const why = describeRate(refusal);
  return { type: "Refused", reply: `Error: Rate limit. ${why.charAt(0).toUpperCase()}${why.slice(1)}.` };
}

/** The login of the user whom the certificate of a connection names; undefined for nobody. */
export function certifiedLogin(link: ClientLink, { gate }: SessionContext): Login | undefined {
  return gate.certified(link.certified, { address: addressOf(link), protocol: "text" });
}

/** Judges what a client says of itself; the launcher of a local cluster has a pass. Never rejects. */
export function judgeLogin(
  { name, password }: LoginRequest,
  { context: { gate, node }, link }: { readonly context: SessionContext; readonly link: ClientLink },
): Promise<LoginOutcome> {
  if (name === PASS_USER) {
    // No work on a password can make it right, and whoever has a wrong one must not keep the others of its address waiting.
    const login = gate.pass(password, connectionTo(node.id));
    if (login === undefined) gate.audit.record(refusedPass(addressOf(link), "text"));
    return Promise.resolve(login === undefined ? { type: "WrongPassword" } : { type: "LoggedIn", login });
  }
  return gate.login({ name, password, address: addressOf(link), protocol: "text" });
}
