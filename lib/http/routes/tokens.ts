/** `/v1/users/{name}/tokens`: tokens, with which a user's programs come in without the password. */

import { addToken, removeToken, type TokenPlace } from "../../access/token_changes.ts";
import { ForbiddenError, NotLoggedInError } from "../../access/login.ts";
import { missingAdmin } from "../../kv/rights.ts";
import { NEVER, TOKEN_TTL_MS, type TokenRecord } from "../../kv/tokens.ts";
import type { HttpReply } from "../http.ts";
import { JsonValue } from "../json_body.ts";
import { JSON_TYPE, jsonReply } from "../json_reply.ts";
import { readDuration } from "../parameters.ts";
import { badRequest, problem, PROBLEM_TYPE } from "../problem.ts";
import { answerWhenFresh } from "../reads.ts";
import type { JsonSchema, ResponseDescription, Route, RouteCall } from "../route.ts";
import { replyOf } from "./users.ts";

const OK = 200;
const CREATED = 201;
const FORBIDDEN = 403;
const NOT_FOUND = 404;
const CONFLICT = 409;
const BODY_BYTES_MAX = 4_096;
const NEVER_WORD = "never";

const NAME: JsonSchema = { type: "string", description: "As that of a user; unique among the tokens of one." };
const EXPIRES_AT: JsonSchema = {
  type: ["integer", "null"],
  description: "The cluster's time in ms since 1970 from which on it is worth nothing; null for no end.",
};
const REFUSED: ResponseDescription = {
  description:
    "`no_such_user`, `token_exists`, `no_such_token`, `too_many_tokens`: nothing was changed; `detail` says why.",
  contentType: PROBLEM_TYPE,
};
const PASSWORD_NEEDED: ResponseDescription = {
  description:
    "`password_needed`: who has come in with a token makes none. `forbidden`: an administrator alone looks after " +
    "the tokens of others.",
  contentType: PROBLEM_TYPE,
};

/** The operations, for the table of routes. */
export const TOKEN_ROUTES: readonly Route[] = [
  {
    method: "GET",
    path: "/v1/users/{name}/tokens",
    id: "listTokens",
    tag: "Users",
    summary: "The tokens of a user: one's own, or for administrators everybody's. None is told itself.",
    query: [],
    headers: [],
    isForUsers: true,
    responses: {
      [OK]: {
        description: "Names in order.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: {
            tokens: {
              type: "array",
              items: {
                type: "object",
                properties: { name: NAME, created: { type: "integer" }, expires_at: EXPIRES_AT },
                required: ["name", "created", "expires_at"],
              },
            },
          },
          required: ["tokens"],
        },
      },
      [NOT_FOUND]: { description: "`no_such_user`", contentType: PROBLEM_TYPE },
    },
    handle: listTokens,
  },
  {
    method: "POST",
    path: "/v1/users/{name}/tokens",
    id: "addToken",
    tag: "Users",
    summary:
      "Makes a token with the rights of its user, one's own, or for administrators everybody's. It is told in the " +
      "reply, and never again. Another password of the user ends it.",
    query: [],
    headers: [],
    isForUsers: true,
    body: {
      description: "What it is called, and how long it lives: a number with ms, s, m, h or d, or never.",
      contentType: JSON_TYPE,
      schema: {
        type: "object",
        properties: {
          name: NAME,
          ttl: { type: "string", description: "`90d` unless it is given; at most `3650d`, or `never`." },
        },
        required: ["name"],
        additionalProperties: false,
      },
      bytesMax: () => BODY_BYTES_MAX,
    },
    responses: {
      [CREATED]: {
        description: "The token.",
        contentType: JSON_TYPE,
        schema: {
          type: "object",
          properties: { name: NAME, token: { type: "string" }, expires_at: EXPIRES_AT },
          required: ["name", "token", "expires_at"],
        },
      },
      [FORBIDDEN]: PASSWORD_NEEDED,
      [CONFLICT]: REFUSED,
    },
    handle: makeToken,
  },
  {
    method: "DELETE",
    path: "/v1/users/{name}/tokens/{token}",
    id: "revokeToken",
    tag: "Users",
    summary: "Revokes the token of that name: what came in with it ends on every node.",
    query: [],
    headers: [],
    isForUsers: true,
    responses: {
      [OK]: { description: "The token is worth nothing any more." },
      [FORBIDDEN]: PASSWORD_NEEDED,
      [CONFLICT]: REFUSED,
    },
    handle: async (call) => replyOf(await removeToken(placeOf(call), call.context.node)),
  },
];

function placeOf({ path }: RouteCall): TokenPlace {
  return { user: path.get("name") ?? "", name: path.get("token") ?? "" };
}

function listTokens(call: RouteCall): HttpReply | Promise<HttpReply> {
  const { context } = call;
  const answer = () => {
    const tokens = tokensOf(call);
    if (tokens === undefined) {
      return problem({ status: NOT_FOUND, code: "no_such_user", detail: "There is no user of that name" });
    }
    return jsonReply({
      tokens: tokens.map(({ name, id, expiresAt }) => ({ name, created: id, expires_at: shownTime(expiresAt) })),
    });
  };
  return answerWhenFresh({ stale: false, minRevision: 0 }, { context, answer });
}

/** Judged by the state that is shown. */
function tokensOf(call: RouteCall): readonly TokenRecord[] | undefined {
  const { user: name } = placeOf(call);
  const { context: { gate, login, shared: { users } } } = call;
  const rights = gate.rightsOf(login);
  if (rights === undefined) throw new NotLoggedInError();
  const missing = gate.nameOf(login) === name ? undefined : missingAdmin(rights);
  if (missing !== undefined) throw new ForbiddenError(missing);
  const user = users.find(name);
  return user === undefined ? undefined : users.tokensOf(user);
}

async function makeToken(call: RouteCall): Promise<HttpReply> {
  const root = JsonValue.read(call.request.body);
  root.only(["name", "ttl"]);
  const name = root.field("name").text();
  const written = root.optional("ttl");
  const word = written?.text();
  const ttlMs = word === undefined ? TOKEN_TTL_MS.otherwise : readTokenTtl(word);
  if (ttlMs === undefined) written?.complain("must be a number from 1 on with ms, s, m, h or d, such as 90d, or never");
  const flaw = root.complaint;
  if (flaw !== undefined || ttlMs === undefined) return badRequest(flaw ?? "", "invalid_body");
  const outcome = await addToken({ ...placeOf(call), name, ttlMs }, call.context.node);
  if (outcome.type !== "Made") return replyOf(outcome);
  const { revision, token, expiresAt } = outcome;
  const reply = jsonReply({ name, token, expires_at: shownTime(expiresAt) });
  return { ...reply, status: CREATED, headers: [...reply.headers, ["X-KV-Revision", String(revision)]] };
}

/** Milliseconds of the life of a token in words, such as `90d` and `never`; undefined for what says none. */
export function readTokenTtl(text: string): number | undefined {
  return text === NEVER_WORD ? NEVER : readDuration(text);
}

function shownTime(expiresAt: number): number | null {
  return expiresAt === NEVER ? null : expiresAt;
}
