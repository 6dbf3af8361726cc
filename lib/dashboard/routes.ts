/** `GET /`: the dashboard. */

import type { HttpReply } from "../http/http.ts";
import { DASHBOARD_TYPES, type DashboardFile, dashboardFile, PAGE_TYPE } from "./files.ts";
import { problem, PROBLEM_TYPE } from "../http/problem.ts";
import type { HttpContext, ResponseDescription, Route, RouteCall } from "../http/route.ts";
import { webSessionOf } from "../http/web_login.ts";
import { forbiddenPage } from "./login_page.ts";
import { FORM_ROUTES } from "./login_routes.ts";

const OK = 200;
const NOT_MODIFIED = 304;

const NOT_THERE: ResponseDescription = { description: "`not_found`", contentType: PROBLEM_TYPE };
const KNOWN: ResponseDescription = { description: "The client has it." };

/** The operations, for the table of routes. */
export const DASHBOARD_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/",
    id: "getDashboard",
    isForUsers: true,
    tag: "Dashboard",
    summary: "The dashboard, for browsers.",
    query: [],
    headers: [],
    responses: {
      [OK]: { description: "The page.", contentType: PAGE_TYPE },
      [NOT_MODIFIED]: KNOWN,
      403: { description: "A page that says that the dashboard is for administrators.", contentType: PAGE_TYPE },
    },
    handle: serveDashboard,
  },
  // What the login page looks like.
  openFile("style.css", "getStyle"),
  openFile("icon.svg", "getIcon"),
  ...FORM_ROUTES,
  {
    method: "GET",
    path: "/assets/{name}",
    id: "getDashboardFile",
    isForUsers: true,
    tag: "Dashboard",
    summary: "A file of the dashboard.",
    query: [],
    headers: [],
    responses: {
      [OK]: { description: "The file.", contentType: DASHBOARD_TYPES },
      [NOT_MODIFIED]: KNOWN,
      404: NOT_THERE,
    },
    handle: (call) => serve(call, call.path.get("name") ?? ""),
  },
];

/** A file for those, too, who have not logged in. */
function openFile(name: string, id: string): Route {
  return {
    method: "GET",
    path: `/assets/${name}`,
    id,
    isOpen: true,
    tag: "Dashboard",
    summary: "A file of the login page and the dashboard.",
    query: [],
    headers: [],
    responses: {
      [OK]: { description: "The file.", contentType: DASHBOARD_TYPES },
      [NOT_MODIFIED]: KNOWN,
    },
    handle: (call) => serve(call, name),
  };
}

function serveDashboard(call: RouteCall): HttpReply | Promise<HttpReply> {
  const { request, context: { gate, login } } = call;
  if (login === undefined || gate.isAdmin(login)) return serve(call, "index.html");
  const canLogOut = webSessionOf(request, gate.webSessions) !== undefined;
  return forbiddenPage(gate.nameOf(login), { canLogOut });
}

async function serve({ request, context }: RouteCall, name: string): Promise<HttpReply> {
  const file = await dashboardFile(name);
  if (file === undefined) return problem({ status: 404, code: "not_found", detail: "There is no such file" });
  const headers = [
    ["ETag", file.tag],
    // A newer version of the server has newer files under the same names.
    ["Cache-Control", "no-cache"],
    // Of the members the page alone tells, whose forms would not say where they come from without the policy on referrers.
    ["Content-Security-Policy", name === "index.html" ? contentSecurityPolicy(context) : "default-src 'none'"],
    ["Referrer-Policy", "same-origin"],
    ["X-Frame-Options", "DENY"],
  ] as const;
  if (isKnown(file, request.headers.get("if-none-match"))) return { status: NOT_MODIFIED, headers, body: "" };
  return { status: OK, headers: [["Content-Type", file.contentType], ...headers], body: file.body };
}

/** The tag of a file that was sent compressed is weak, and a cache on the way may name several. */
function isKnown({ tag }: DashboardFile, tags = ""): boolean {
  return tags.split(",").map((one) => one.trim().replace(/^W\//, "")).some((one) => one === tag || one === "*");
}

/**
 * Nothing from elsewhere. Connections go to the hosts of the members, whatever port: the page stays open while nodes are
 * started again elsewhere, and must then go on with one that was not there when it was made.
 */
function contentSecurityPolicy({ node, httpAddress, https }: HttpContext): string {
  const members = node.members();
  const addresses = [httpAddress, ...members.flatMap((member) => [member.httpAddress, member.clientAddress])];
  const hosts = new Set(addresses.flatMap((address) => hostsOf(address)));
  const scheme = https === undefined ? "http" : "https";
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    ["connect-src 'self'", ...Array.from(hosts, (host) => `${scheme}://${host}:*`)].join(" "),
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
  ].join("; ");
}

const LOOPBACK = ["127.0.0.1", "localhost"];
/** What the policy can name: no address of IPv6. Anything else could end the directive that it stands in. */
const HOST = /^([A-Za-z0-9][A-Za-z0-9.-]*):\d+$/;

/** A browser that was sent to localhost goes on there. */
function hostsOf(address: string): readonly string[] {
  const host = HOST.exec(address)?.[1];
  if (host === undefined) return [];
  return LOOPBACK.includes(host) ? LOOPBACK : [host];
}
