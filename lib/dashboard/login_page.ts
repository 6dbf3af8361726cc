/** What people see who have to log in, and who may not see the dashboard: pages that work without JavaScript. */

import { textToByteString } from "../base/bytes.ts";
import type { HttpReply, HttpRequest } from "../http/http.ts";
import { PAGE_CHALLENGE } from "../http/web_login.ts";
import { PAGE_TYPE } from "./files.ts";

const UNAUTHORIZED = 401;

/** A page and how it is sent. */
interface Page {
  readonly status: number;
  readonly title: string;
  /** HTML. What is not ours in it has been checked to be plain. */
  readonly content: string;
  readonly headers?: HttpReply["headers"];
}

/** What a login form says beside its fields. */
export interface LoginTold {
  /** 401 when left out. */
  readonly status?: number;
  /** What was wrong with the last attempt, a line of ours. */
  readonly wrong?: string;
  /** The user of the last attempt: letters, digits and `._@-`. */
  readonly user?: string;
  readonly headers?: HttpReply["headers"];
}

/** The page in the place of what was asked for. */
export function loginPage({ headers }: Pick<HttpRequest, "headers">): HttpReply {
  // Behind a link of another site browsers leave out cookies that are for this one alone: asked by a page of ours they send them.
  const isLink = headers.get("sec-fetch-site") === "cross-site";
  return loginForm({ headers: isLink ? [["Refresh", "0"]] : [] });
}

/** The form, and what became of the last attempt. */
export function loginForm({ status = UNAUTHORIZED, wrong, user = "", headers = [] }: LoginTold): HttpReply {
  const line = wrong === undefined
    ? ""
    : `<p class="wrong" id="wrong" data-testid="login-wrong" role="alert">${wrong}</p>`;
  const about = wrong === undefined ? "" : ` aria-describedby="wrong"`;
  const focus = (isHere: boolean) => isHere ? " autofocus" : "";
  const name = `id="user" name="user" data-testid="login-user" type="text" value="${user}"`;
  const secret = `id="password" name="password" data-testid="login-password" type="password"`;
  return pageOf({
    status,
    title: wrong === undefined ? "Log in" : "Not logged in",
    headers: status === UNAUTHORIZED ? [PAGE_CHALLENGE, ...headers] : headers,
    content: `
      <h2 id="login-title">Log in</h2>
      ${line}
      <form method="post" action="/login" aria-labelledby="login-title">
        <label for="user">User</label>
        <input ${name} autocomplete="username" autocapitalize="none" spellcheck="false" required${about}${
      focus(user === "")
    }>
        <label for="password">Password</label>
        <input ${secret} autocomplete="current-password" required${about}${focus(user !== "")}>
        <button type="submit" data-testid="login-submit">Log in</button>
      </form>`,
  });
}

/** For a user who may not see the dashboard. */
export function forbiddenPage(user: string, { canLogOut }: { readonly canLogOut: boolean }): HttpReply {
  const way = canLogOut
    ? `<form method="post" action="/logout"><button type="submit" data-testid="log-out">Log out</button></form>`
    : `<p>Your browser sends this user by itself: close it to use another one.</p>`;
  return pageOf({
    status: 403,
    title: "For administrators",
    content: `
      <h2>For administrators</h2>
      <p data-testid="login-forbidden">You are logged in as <strong>${user}</strong>, who is no administrator, and the dashboard is
        for administrators alone. Clients of the database come in as ${user} all the same.</p>
      ${way}`,
  });
}

function pageOf({ status, title, content, headers = [] }: Page): HttpReply {
  return {
    status,
    headers: [["Content-Type", PAGE_TYPE], ["Cache-Control", "no-store"], ...PAGE_HEADERS, ...headers],
    body: textToByteString(`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta name="color-scheme" content="light dark">
    <title>${title} · KVStore</title>
    <link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
    <link rel="stylesheet" href="/assets/style.css">
  </head>
  <body class="entry">
    <header>
      <h1><img src="/assets/icon.svg" alt="" width="26" height="26"> KVStore</h1>
    </header>
    <main>
      <section>${content}
      </section>
    </main>
  </body>
</html>
`),
  };
}

/** A form goes to this server alone. Without its `Referrer-Policy` browsers would not say that it comes from here. */
const PAGE_HEADERS: HttpReply["headers"] = [
  [
    "Content-Security-Policy",
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  ],
  ["Referrer-Policy", "same-origin"],
  ["X-Frame-Options", "DENY"],
];
