/** `/login` and `/logout`: forms of pages. */

import { unreachable } from "../base/assert.ts";
import { addressOf } from "../http/logins.ts";
import type { HttpReply } from "../http/http.ts";
import { isProblem } from "../http/problem.ts";
import { readQuery } from "../http/query.ts";
import type { Parameter, ResponseDescription, Route, RouteCall } from "../http/route.ts";
import { endedCookie, isSecure, sessionCookie, webSessionOf } from "../http/web_login.ts";
import { PAGE_TYPE } from "./files.ts";
import { loginForm, type LoginTold } from "./login_page.ts";

/** Longest form: the longest name and the longest password, each byte of them escaped. */
export const LOGIN_FORM_BYTES_MAX = 1_024;
const SEE_OTHER = 303;
const MS_PER_SECOND = 1_000;
const USER_NAME = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

const FIELDS: readonly Parameter[] = ["user", "password"].map((name) => {
  return { name, description: `The ${name}.`, schema: { type: "string" }, required: true };
});

const TO_DASHBOARD: ResponseDescription = { description: "To `/`." };
const PAGE_AGAIN = { description: "The page, which says why.", contentType: PAGE_TYPE };

/** The operations, for the table of routes. */
export const FORM_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/login",
    id: "getLoginPage",
    isOpen: true,
    tag: "Dashboard",
    summary: "Leads to the dashboard, which asks for user and password where that is needed.",
    query: [],
    headers: [],
    responses: { [SEE_OTHER]: TO_DASHBOARD },
    handle: () => toDashboard([]),
  },
  {
    method: "POST",
    path: "/login",
    id: "logIn",
    isOpen: true,
    isForm: true,
    tag: "Dashboard",
    summary: "The form of the login page: gives the browser a cookie. Only a page of this server may send it.",
    query: [],
    headers: [],
    body: {
      description: "User and password.",
      contentType: "application/x-www-form-urlencoded",
      schema: {
        type: "object",
        properties: { user: { type: "string" }, password: { type: "string" } },
        required: ["user", "password"],
      },
      bytesMax: () => LOGIN_FORM_BYTES_MAX,
    },
    responses: { [SEE_OTHER]: TO_DASHBOARD, 400: PAGE_AGAIN, 401: PAGE_AGAIN, 429: PAGE_AGAIN, 503: PAGE_AGAIN },
    handle: logIn,
  },
  {
    method: "POST",
    path: "/logout",
    id: "logOut",
    isOpen: true,
    isForm: true,
    tag: "Dashboard",
    summary: "Ends the session of the cookie, and whatever it has open. Only a page of this server may send it.",
    query: [],
    headers: [],
    responses: { [SEE_OTHER]: TO_DASHBOARD },
    handle: logOut,
  },
];

async function logIn({ request, context }: RouteCall): Promise<HttpReply> {
  const { gate } = context;
  if (gate.admits(undefined)) return toDashboard([]);
  const fields = readQuery(request.body, FIELDS);
  if (isProblem(fields)) return loginForm({ status: 400, wrong: "The form cannot be read: give user and password." });
  const [name, password] = ["user", "password"].map((field) => fields.get(field) ?? "");
  const claim = { name: name ?? "", password: password ?? "", address: addressOf(request) };
  const outcome = await gate.login({ ...claim, protocol: "page" });
  if (outcome.type !== "LoggedIn") return loginForm(toldOf(outcome.type, { claim, context }));
  request.noteLogin?.(outcome.login);
  // Another login of the same browser takes the place of the one before.
  webSessionOf(request, gate.webSessions)?.loginEnded();
  const secret = gate.webSessions.open(outcome.login, { isSecure: isSecure(request) });
  return toDashboard([sessionCookie(request, secret)]);
}

function toldOf(
  type: "WrongPassword" | "Busy" | "NotReady",
  { claim, context }: {
    readonly claim: { readonly name: string; readonly address: string };
    readonly context: RouteCall["context"];
  },
): LoginTold {
  const user = USER_NAME.test(claim.name) ? claim.name : "";
  const retry = { user, headers: [["Retry-After", "1"]] } as const;
  switch (type) {
    case "Busy":
      return {
        ...retry,
        status: 429,
        wrong: "Too many logins are waiting. Yours was not looked at: try again in a moment.",
      };
    case "NotReady":
      return {
        ...retry,
        status: 503,
        wrong: "This node does not know the users yet: try again in a moment, or at another node.",
      };
    case "WrongPassword": {
      const seconds = Math.ceil(context.gate.delayMs(claim) / MS_PER_SECOND);
      const slowed = seconds === 0 ? "" : ` After so many wrong ones the next attempt takes up to ${seconds} s.`;
      const hasLeader = context.shared.status().raft.leaderId !== undefined;
      const leaderless = hasLeader ? "" : " This node knows no leader: it may not know what was changed last.";
      return { user, wrong: `Wrong user or password.${slowed}${leaderless}` };
    }
    default:
      return unreachable(type);
  }
}

function logOut({ request, context: { gate } }: RouteCall): HttpReply {
  const session = webSessionOf(request, gate.webSessions);
  if (session !== undefined) {
    gate.audit.record({
      ...{ type: "Login", user: gate.nameOf(session.login), from: addressOf(request), protocol: "page" },
      ...{ command: "logout", isAllowed: true, outcome: "LoggedOut" },
    });
    session.loginEnded();
  }
  return toDashboard([endedCookie(request)]);
}

function toDashboard(headers: HttpReply["headers"]): HttpReply {
  return { status: SEE_OTHER, headers: [["Location", "/"], ["Cache-Control", "no-store"], ...headers], body: "" };
}
