/** How a connection logs in: AUTH, and the option of HELLO. */

import { unreachable } from "../../../base/assert.ts";
import type { LoginOutcome } from "../../../access/gate.ts";
import type { ErrorReply } from "../../../kv/replies.ts";
import { addressOf } from "../../session_context.ts";
import type { Caller } from "../plan.ts";
import type { Words } from "../request_reader.ts";

const DEFAULT_USER = "default";
const WRONG_PASSWORD: ErrorReply = { error: "WRONGPASS invalid username-password pair or user is disabled." };
const NO_PASSWORD_SET = "ERR AUTH <password> called without any password configured for the default user. " +
  "Are you sure your configuration is correct?";

/** Whether anybody has to log in here. */
export function hasToLogIn({ context: { gate } }: Caller): boolean {
  return !gate.admits(undefined);
}

/**
 * Where no password is set the user "default" may give any, and there is no other user. `credentials` are a password, or a user and a
 * password. Undefined when they are right.
 */
export function checkWithoutUsers(credentials: Words): ErrorReply | undefined {
  if (credentials.length > 2) return { error: "ERR syntax error" };
  if (credentials.length === 1) return { error: NO_PASSWORD_SET };
  return credentials[0] === DEFAULT_USER ? undefined : WRONG_PASSWORD;
}

/** Logs the connection in; undefined when the credentials were right. Where they are not it stays as it was. */
export async function logIn(credentials: Words, { context, client }: Caller): Promise<ErrorReply | undefined> {
  if (credentials.length > 2) return { error: "ERR syntax error" };
  const [name = "", password = ""] = credentials.length === 1 ? [DEFAULT_USER, ...credentials] : credentials;
  const outcome = await context.gate.login({ name, password, address: addressOf(client.link), protocol: "redis" });
  if (outcome.type !== "LoggedIn") return refusalOf(outcome);
  client.login = outcome.login;
  return undefined;
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
