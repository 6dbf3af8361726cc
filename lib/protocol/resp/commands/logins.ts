/** How a connection logs in: AUTH, and the option of HELLO. */

import { unreachable } from "../../../base/assert.ts";
import type { LoginOutcome } from "../../../access/gate.ts";
import type { ErrorReply } from "../../../kv/replies.ts";
import { addressOf } from "../../session_context.ts";
import type { Caller } from "../plan.ts";
import type { Words } from "../request_reader.ts";
import { describeClient } from "./client.ts";

const DEFAULT_USER = "default";
const WRONG_PASSWORD: ErrorReply = { error: "WRONGPASS invalid username-password pair or user is disabled." };
const NO_PASSWORD_SET = "ERR AUTH <password> called without any password configured for the default user. " +
  "Are you sure your configuration is correct?";

/** A login as it was asked for. */
export interface LoginAttempt {
  /** The command: AUTH or HELLO, as it was written. */
  readonly word: string;
  /** A password, or a user and a password. */
  readonly credentials: Words;
}

/** Whether anybody has to log in here. */
export function hasToLogIn({ context: { gate } }: Caller): boolean {
  return !gate.admits(undefined);
}

/**
 * Where there are no users, any user and password will do: clients can be given theirs before the first user is made, and nobody gets
 * more by it than everybody has. A password alone is refused as in Redis. Undefined when the credentials are right.
 */
export function checkWithoutUsers({ credentials }: LoginAttempt, { client }: Caller): ErrorReply | undefined {
  if (credentials.length > 2) return { error: "ERR syntax error" };
  if (credentials.length === 1) return { error: NO_PASSWORD_SET };
  client.claimed();
  return undefined;
}

/** Logs the connection in; undefined when the credentials were right. Where they are not it stays as it was. */
export async function logIn(attempt: LoginAttempt, caller: Caller): Promise<ErrorReply | undefined> {
  const { credentials } = attempt;
  const { context, client } = caller;
  if (credentials.length > 2) return { error: "ERR syntax error" };
  const [name = "", password = ""] = credentials.length === 1 ? [DEFAULT_USER, ...credentials] : credentials;
  const outcome = await context.gate.login({ name, password, address: addressOf(client.link), protocol: "redis" });
  if (outcome.type === "WrongPassword") note(attempt, caller);
  if (outcome.type !== "LoggedIn") return refusalOf(outcome);
  client.login = outcome.login;
  return undefined;
}

/** In the ACL log. What was given for a name may be a password: it is shown where somebody is called so. */
function note({ word, credentials }: LoginAttempt, { context, client }: Caller): void {
  const { node, gate, clock } = context;
  const name = credentials.length === 1 ? DEFAULT_USER : credentials[0] ?? "";
  const isThere = name === DEFAULT_USER || node.users.find(name) !== undefined;
  gate.aclLog.add({
    reason: "auth",
    // In a MULTI nobody logs in.
    context: "toplevel",
    object: word,
    username: isThere ? name : "",
    clientInfo: describeClient(client, context),
    at: clock.now(),
    timeMs: node.timeMs(),
  });
}

function refusalOf({ type }: Exclude<LoginOutcome, { readonly type: "LoggedIn" }>): ErrorReply {
  switch (type) {
    case "WrongPassword":
      return WRONG_PASSWORD;
    case "Busy":
      return { error: "BUSY too many logins are waiting; try again later" };
    case "NotReady":
      return { error: "LOADING the users are not known here yet; try again later" };
    default:
      return unreachable(type);
  }
}
