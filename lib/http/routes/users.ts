/** `/v1/users`: who may come in. */

import { unreachable } from "../../base/assert.ts";
import { changeUser, type UserChange, type UserOutcome } from "../../access/user_changes.ts";
import { PASSWORD_BYTES } from "../../access/passwords.ts";
import { answerWhenFresh } from "../reads.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { JSON_TYPE, jsonReply } from "../json_reply.ts";
import { NOT_LOGGED_IN } from "../logins.ts";
import { badRequest, problem, PROBLEM_TYPE, writeProblem } from "../problem.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";

const OK = 200;
const CONFLICT = 409;
const BODY_BYTES_MAX = 4_096;
const RULES = { any: "Any", create: "Create", change: "Change" } as const;

const REFUSED: ResponseDescription = {
  description:
    "`user_exists`, `no_such_user`, `last_user`, `too_many_users`: nothing was changed; `detail` says why. The last user stays, " +
    "because without users everybody could do everything.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const USER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/users",
    id: "listUsers",
    tag: "Users",
    summary: "The users. Without any nobody has to log in.",
    query: [],
    headers: [],
    responses: {
      [OK]: {
        description: "Names in order.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            users: {
              type: "array",
              items: {
                type: "object",
                properties: { name: { type: "string" }, created: { type: "integer" }, changed: { type: "integer" } },
                required: ["name", "created", "changed"],
              },
            },
          },
          required: ["users"],
        },
      },
    },
    handle: listUsers,
  },
  {
    method: "PUT",
    path: "/v1/users/{name}",
    id: "setUser",
    tag: "Users",
    summary: "Makes a user, or gives one another password: then the logins with the one before end.",
    query: [],
    headers: [],
    body: {
      description: "The password, and whether only a new user or only one that exists may get it.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: {
          password: { type: "string", minLength: 1, maxLength: PASSWORD_BYTES.most },
          rule: { type: "string", enum: Object.keys(RULES), default: "any" },
        },
        required: ["password"],
        additionalProperties: false,
      },
      bytesMax: () => BODY_BYTES_MAX,
    },
    responses: { [OK]: { description: "The user has that password." }, [CONFLICT]: REFUSED },
    handle: setUser,
  },
  {
    method: "DELETE",
    path: "/v1/users/{name}",
    id: "removeUser",
    tag: "Users",
    summary: "Removes a user; its connections end on every node.",
    query: [],
    headers: [],
    responses: { [OK]: { description: "There is no such user any more." }, [CONFLICT]: REFUSED },
    handle: (call) => change(call, { type: "Remove", name: call.path.get("name") ?? "" }),
  },
];

function listUsers({ context }: RouteCall): HttpReply | Promise<HttpReply> {
  const answer = () => {
    const users = context.node.users.list().map(({ name, created, login }) => ({ name, created, changed: login }));
    return jsonReply({ users });
  };
  return answerWhenFresh({ stale: false, minRevision: 0 }, { context, answer });
}

async function setUser(call: RouteCall): Promise<HttpReply> {
  const root = JsonValue.read(call.request.body);
  root.only(["password", "rule"]);
  const password = root.field("password").text();
  const word = root.optional("rule")?.text() ?? "any";
  const rule = Object.entries(RULES).find(([name]) => name === word)?.[1];
  if (rule === undefined) root.complain(`/rule must be one of ${Object.keys(RULES).join(", ")}`);
  const flaw = root.complaint;
  if (flaw !== undefined || rule === undefined) return badRequest(flaw ?? "", "invalid_body");
  return await change(call, { type: "Set", rule, name: call.path.get("name") ?? "", password });
}

async function change({ context: { node, gate } }: RouteCall, wanted: UserChange): Promise<HttpReply> {
  // The node is that of whoever asks.
  return replyOf(await changeUser(wanted, { node, gate, login: undefined }));
}

const CODES = {
  UserExists: "user_exists",
  NoSuchUser: "no_such_user",
  LastUser: "last_user",
  TooManyUsers: "too_many_users",
} as const;

function replyOf(outcome: UserOutcome): HttpReply {
  switch (outcome.type) {
    case "Done":
      return { status: OK, headers: [["X-KV-Revision", String(outcome.revision)]], body: "" };
    case "Refused": {
      const { reason, why } = outcome;
      if (reason === "NotLoggedIn") return NOT_LOGGED_IN;
      if (reason === "BadUser" || reason === "BadPassword") return badRequest(`Nothing was changed: ${why}`);
      return problem({ status: CONFLICT, code: CODES[reason], detail: `Nothing was changed: ${why}` });
    }
    case "NotDone":
    case "Unknown":
      return writeProblem(outcome);
    default:
      return unreachable(outcome);
  }
}
