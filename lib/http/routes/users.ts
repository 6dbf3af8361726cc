/** `/v1/users`: who may come in, and what each may do. */

import { unreachable } from "../../base/assert.ts";
import { changeUser, type UserChange, type UserOutcome } from "../../access/user_changes.ts";
import { PASSWORD_BYTES } from "../../access/passwords.ts";
import { NO_RIGHTS, type RightsChange } from "../../kv/rights.ts";
import { answerWhenFresh } from "../reads.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { JSON_TYPE } from "../json_reply.ts";
import { NOT_LOGGED_IN } from "../logins.ts";
import { badRequest, forbidden, problem, PROBLEM_TYPE, writeProblem } from "../problem.ts";
import { readRightsOf, RIGHTS_FIELDS, RIGHTS_PROPERTIES, RIGHTS_SCHEMA, showRights } from "../rights_json.ts";
import type { ResponseDescription, Route, RouteCall } from "../route.ts";

const OK = 200;
const CONFLICT = 409;
/** Of the rights at most: twice as many grants as a user has, each with a longest prefix, whose bytes JSON may escape. */
const BODY_BYTES_MAX = 131_072;
const RULES = { any: "Any", create: "Create", change: "Change" } as const;

const REFUSED: ResponseDescription = {
  description:
    "`user_exists`, `no_such_user`, `last_user`, `last_admin`, `too_many_users`, `no_such_right`, `wider_right`, `too_many_grants`: " +
    "nothing was changed; `detail` says why. The last user stays, because without users everybody could do everything, and the last " +
    "administrator.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const USER_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/users",
    id: "listUsers",
    tag: "Users",
    summary: "The users and their rights. Without any nobody has to log in.",
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
                properties: {
                  name: { type: "string" },
                  created: { type: "integer" },
                  changed: { type: "integer", description: "The revision of the password." },
                  ...RIGHTS_PROPERTIES,
                },
                required: ["name", "created", "changed", "admin", "grants"],
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
    summary: "Makes a user, or gives one another password: then the logins with the one before end. " +
      "Without `admin` and `grants` a new user has no rights, but the first of all is an administrator, and the others keep theirs.",
    query: [],
    headers: [],
    body: {
      description:
        "The password, whether only a new user or only one that exists may get it, and all rights of the user.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: {
          password: { type: "string", minLength: 1, maxLength: PASSWORD_BYTES.most },
          rule: { type: "string", enum: Object.keys(RULES), default: "any" },
          ...RIGHTS_PROPERTIES,
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
    method: "POST",
    path: "/v1/users/{name}",
    id: "changeRights",
    tag: "Users",
    summary: "Takes rights from a user and gives others: from then on, on every node, and without another login.",
    query: [],
    headers: [],
    body: {
      description: "What goes first, with every narrower prefix, and what comes then.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: { revoke: RIGHTS_SCHEMA, grant: RIGHTS_SCHEMA },
        additionalProperties: false,
      },
      bytesMax: () => BODY_BYTES_MAX,
    },
    responses: { [OK]: { description: "The user has those rights." }, [CONFLICT]: REFUSED },
    handle: changeRights,
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
    const users = context.node.users.list().map(({ name, created, login, rights }) => {
      return `{"name":"${name}","created":${created},"changed":${login},${showRights(rights)}}`;
    });
    const headers = [["Content-Type", JSON_TYPE], ["Cache-Control", "no-store"]] as const;
    return { status: OK, headers, body: `{"users":[${users.join(",")}]}\n` };
  };
  return answerWhenFresh({ stale: false, minRevision: 0 }, { context, answer });
}

async function setUser(call: RouteCall): Promise<HttpReply> {
  const root = JsonValue.read(call.request.body);
  root.only(["password", "rule", ...RIGHTS_FIELDS]);
  const password = root.field("password").text();
  const word = root.optional("rule")?.text() ?? "any";
  const rule = Object.entries(RULES).find(([name]) => name === word)?.[1];
  if (rule === undefined) root.complain(`/rule must be one of ${Object.keys(RULES).join(", ")}`);
  const isTold = root.names().some((name) => RIGHTS_FIELDS.includes(name));
  const rights: RightsChange | undefined = isTold ? { revoked: "All", granted: readRightsOf(root) } : undefined;
  const flaw = root.complaint;
  if (flaw !== undefined || rule === undefined) return badRequest(flaw ?? "", "invalid_body");
  return await change(call, { type: "Set", rule, name: call.path.get("name") ?? "", password, rights });
}

async function changeRights(call: RouteCall): Promise<HttpReply> {
  const root = JsonValue.read(call.request.body);
  root.only(["revoke", "grant"]);
  const [revoked, granted] = ["revoke", "grant"].map((name) => {
    const value = root.optional(name);
    value?.only(RIGHTS_FIELDS);
    return value === undefined ? NO_RIGHTS : readRightsOf(value);
  });
  const flaw = root.complaint;
  if (flaw !== undefined || revoked === undefined || granted === undefined) {
    return badRequest(flaw ?? "", "invalid_body");
  }
  const name = call.path.get("name") ?? "";
  return await change(call, { type: "Set", rule: "Change", name, password: undefined, rights: { revoked, granted } });
}

async function change({ context: { node, gate } }: RouteCall, wanted: UserChange): Promise<HttpReply> {
  // The node is that of whoever asks.
  return replyOf(await changeUser(wanted, { node, gate, login: undefined }));
}

const PASSWORD_NEEDED = 403;
const CODES = {
  UserExists: "user_exists",
  NoSuchUser: "no_such_user",
  LastUser: "last_user",
  TooManyUsers: "too_many_users",
  LastAdmin: "last_admin",
  NoSuchRight: "no_such_right",
  WiderRight: "wider_right",
  TooManyGrants: "too_many_grants",
  TokenExists: "token_exists",
  NoSuchToken: "no_such_token",
  TooManyTokens: "too_many_tokens",
  PasswordNeeded: "password_needed",
} as const;

/** The reply to a change of the users or of tokens. */
export function replyOf(outcome: UserOutcome): HttpReply {
  switch (outcome.type) {
    case "Done":
      return { status: OK, headers: [["X-KV-Revision", String(outcome.revision)]], body: "" };
    case "Refused": {
      const { reason, why } = outcome;
      if (reason === "NotLoggedIn") return NOT_LOGGED_IN;
      if (reason === "BadUser" || reason === "BadPassword" || reason === "BadToken") {
        return badRequest(`Nothing was changed: ${why}`);
      }
      const status = reason === "PasswordNeeded" ? PASSWORD_NEEDED : CONFLICT;
      return problem({ status, code: CODES[reason], detail: `Nothing was changed: ${why}` });
    }
    case "Forbidden":
      return forbidden(outcome.missing);
    case "NotDone":
    case "Unknown":
      return writeProblem(outcome);
    default:
      return unreachable(outcome);
  }
}
