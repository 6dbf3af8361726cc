/** The cookie by which the pages of this server are known, once somebody has logged in there. */

import { WEB_SESSION_MS, type WebSession, type WebSessions } from "../access/web_sessions.ts";
import { isOwnOrigin } from "./guard.ts";
import type { HttpReply, HttpRequest } from "./http.ts";

/** What of a request tells whose it is. */
export type WebHead = Pick<HttpRequest, "method" | "headers" | "isTls">;

const MS_PER_SECOND = 1_000;
/** Browsers send cookies of a host to all of its ports: the port keeps those of several nodes on one machine apart. */
const NAME = "kvstore-";
/** Browsers take a name that begins so over HTTPS alone, and from no other host. */
const SECURE_NAME = `__Host-${NAME}`;
const SECRET = /^[A-Za-z0-9_-]{43}$/;
const PORT = /:(\d{1,5})$/;

/** A scheme that no browser knows: it shows what was refused to the page that asked, and asks nobody for a password. */
export const PAGE_CHALLENGE = ["WWW-Authenticate", 'Cookie realm="KVStore"'] as const;

/**
 * The session of a request, undefined for none. Where credentials come as well they count; a cookie that comes for a page of another origin,
 * of another node too, does not.
 */
export function webSessionOf(head: WebHead, sessions: WebSessions): WebSession | undefined {
  const { headers, isTls } = head;
  if (!headers.has("cookie") || headers.has("authorization") || (headers.has("origin") && !isOwnOrigin(head))) {
    return undefined;
  }
  // Whoever sits on a way without TLS can give a browser cookies, but none with this name.
  const names = isTls === true ? [true] : [true, false];
  for (const isSecure of names) {
    const secret = cookieOf(headers, nameOf(head, isSecure));
    const session = secret === undefined || !SECRET.test(secret) ? undefined : sessions.find(secret);
    if (session?.isSecure === isSecure) return session;
  }
  return undefined;
}

/** Whether a browser sends it for a page that is open: asked for a password, it would ask whoever sits there, in a window of its own. */
export function isOfPage(head: WebHead): boolean {
  const { headers } = head;
  // Programs say the mode too, as `fetch` of Node does, and browsers both: over HTTP to loopback addresses alone.
  if (headers.has("sec-fetch-site") && headers.get("sec-fetch-mode") !== "navigate") return true;
  // A cookie, also of a session that is over, tells as much.
  return headers.has("cookie") &&
    [true, false].some((isSecure) => cookieOf(headers, nameOf(head, isSecure)) !== undefined);
}

/** Whether it is somebody who wants to see a page, and not a program. */
export function wantsPage({ method, headers }: WebHead): boolean {
  const isRead = method === "GET" || method === "HEAD";
  return isRead && !headers.has("authorization") && (headers.get("accept") ?? "").includes("text/html");
}

/** Whether what a form has begun is to be kept from everybody on the way. */
export function isSecure({ headers, isTls }: WebHead): boolean {
  return isTls === true || (headers.get("origin") ?? "").startsWith("https://");
}

/** The header that gives a browser the secret of a session. */
export function sessionCookie(head: WebHead, secret: string): HttpReply["headers"][number] {
  return cookie(head, { value: secret, seconds: WEB_SESSION_MS / MS_PER_SECOND });
}

/** The header that takes it from the browser again. */
export function endedCookie(head: WebHead): HttpReply["headers"][number] {
  return cookie(head, { value: "", seconds: 0 });
}

function cookie(
  head: WebHead,
  { value, seconds }: { readonly value: string; readonly seconds: number },
): HttpReply["headers"][number] {
  const secure = isSecure(head);
  const parts = [`${nameOf(head, secure)}=${value}`, "Path=/", "HttpOnly", "SameSite=Strict", `Max-Age=${seconds}`];
  return ["Set-Cookie", [...parts, ...secure ? ["Secure"] : []].join("; ")];
}

/** By the port that the browser knows, whatever stands between it and this node. */
function nameOf({ headers }: WebHead, isSecure: boolean): string {
  const port = PORT.exec(headers.get("host") ?? "")?.[1];
  return isSecure ? `${SECURE_NAME}${port ?? "443"}` : `${NAME}${port ?? "80"}`;
}

/** The first cookie of that name. */
function cookieOf(headers: WebHead["headers"], name: string): string | undefined {
  for (const pair of (headers.get("cookie") ?? "").split(";")) {
    const equals = pair.indexOf("=");
    if (equals >= 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}
