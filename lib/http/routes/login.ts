/** `/v1/login`: who asks, for pages that have no other way to know. */

import type { Login } from "../../access/login.ts";
import type { HttpReply } from "../http.ts";
import { JSON_TYPE } from "../json_reply.ts";
import { identify, saysWho } from "../logins.ts";
import type { Route, RouteCall } from "../route.ts";
import { webSessionOf } from "../web_login.ts";

const OK = 200;

/** The operation, for the table of routes. */
export const LOGIN_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/login",
    id: "getLogin",
    isOpen: true,
    tag: "Users",
    summary: "Who asks, by password or by the cookie of the login page, and whether anybody has to say so.",
    query: [],
    headers: [],
    responses: {
      [OK]: {
        description: "Also for nobody; wrong credentials are refused.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            login_needed: { type: "boolean", description: "Whether there are users." },
            user: { type: ["string", "null"] },
            admin: { type: "boolean", description: "Whether the user may administer, and see the dashboard." },
            by_cookie: {
              type: "boolean",
              description: "Whether there is a session of the login page, which can be logged out.",
            },
          },
          required: ["login_needed", "user", "admin", "by_cookie"],
        },
      },
    },
    handle: getLogin,
  },
];

async function getLogin({ request, context: { gate, shared } }: RouteCall): Promise<HttpReply> {
  const session = webSessionOf(request, gate.webSessions);
  const isNeeded = !gate.admits(undefined);
  if (!isNeeded || session !== undefined || !saysWho(request, gate)) {
    if (session !== undefined) request.noteLogin?.(session.login);
    return replyFor(isNeeded ? session?.login : undefined);
  }
  const who = await identify(request, { gate, id: shared.id });
  if ("status" in who) return who;
  request.noteLogin?.(who);
  return replyFor(who);

  function replyFor(login: Login | undefined): HttpReply {
    const body = JSON.stringify({
      login_needed: isNeeded,
      user: login === undefined ? null : gate.nameOf(login),
      admin: login !== undefined && gate.isAdmin(login),
      by_cookie: isNeeded && session !== undefined,
    });
    const headers = [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]] as const;
    return { status: OK, headers, body: `${body}\n` };
  }
}
