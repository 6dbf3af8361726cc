/** Changes of the users that somebody asks for, whatever the protocol, and what is said of those that were not made. */

import { isUserName, USER_NAME_BYTES_MAX, type UserRefusal, type UserRule, USERS_MAX } from "../kv/users.ts";
import { GRANT_PREFIX_BYTES_MAX, GRANTS_MAX, type MissingRight, NO_RIGHTS, type RightsChange } from "../kv/rights.ts";
import type { Command } from "../kv/commands.ts";
import type { Reply } from "../kv/replies.ts";
import { TOKEN_NAME_BYTES_MAX, TOKENS_MAX, TOKENS_OF_USER_MAX } from "../kv/tokens.ts";
import type { NodeWriter, NotDone, WriteOutcome } from "../node/api.ts";
import type { Gate } from "./gate.ts";
import { type Login, loginId } from "./login.ts";
import { hashPassword, passwordProblem } from "./passwords.ts";

/** What shall be. Byte strings. */
export type UserChange =
  | {
    readonly type: "Set";
    readonly rule: Exclude<UserRule, "First">;
    readonly name: string;
    /** Undefined: that of a user who is there stays. */
    readonly password: string | undefined;
    /** Undefined: a new user has no rights, the others keep theirs. */
    readonly rights?: RightsChange | undefined;
  }
  | { readonly type: "Remove"; readonly name: string };

/** What became of it. */
export type UserOutcome =
  | { readonly type: "Done"; readonly revision: number; readonly reply: Reply }
  | { readonly type: "Refused"; readonly reason: UserRefusal | "BadPassword"; readonly why: string }
  /** Who asks lacks a right. */
  | { readonly type: "Forbidden"; readonly missing: MissingRight }
  | NotDone
  | { readonly type: "Unknown" };

/** Makes, changes or removes a user on behalf of `login`. Never rejects. */
export async function changeUser(
  change: UserChange,
  { node, gate, login }: {
    readonly node: Pick<NodeWriter, "submit">;
    readonly gate: Pick<Gate, "hashes">;
    readonly login: Login | undefined;
  },
): Promise<UserOutcome> {
  if (!isUserName(change.name)) return { type: "Refused", reason: "BadUser", why: describeRefusal("BadUser") };
  const command = change.type === "Remove" ? removal(change.name) : await setting(change, gate);
  if ("why" in command) return { type: "Refused", reason: "BadPassword", why: command.why };
  if (command.type === "Busy") return { type: "NotDone", reason: "Overloaded", leaderId: undefined };
  return await submitChange(command, { node, login });
}

/** Has a command about users done on behalf of `login`, or of whose `node` it is. Never rejects. */
export async function submitChange(
  command: Command,
  { node, login }: { readonly node: Pick<NodeWriter, "submit">; readonly login?: Login | undefined },
): Promise<UserOutcome> {
  const outcome = await new Promise<WriteOutcome>((resolve) =>
    node.submit(command, resolve, { login: loginId(login) })
  );
  if (outcome.type !== "Done") return outcome;
  const { result } = outcome;
  if (result.type === "Reply") return { type: "Done", revision: result.revision, reply: result.reply };
  if (result.type === "Forbidden") return { type: "Forbidden", missing: result.missing };
  const reason = result.type === "Refused" ? result.reason : undefined;
  return isUserRefusal(reason) ? { type: "Refused", reason, why: describeRefusal(reason) } : { type: "Unknown" };
}

function removal(name: string): Command {
  return { type: "RemoveUser", name };
}

async function setting(
  { rule, name, password, rights }: UserChange & { readonly type: "Set" },
  { hashes }: Pick<Gate, "hashes">,
): Promise<Command | { readonly type: "Bad"; readonly why: string } | { readonly type: "Busy" }> {
  const change = rights ?? NO_CHANGE;
  if (password === undefined) return { type: "SetUser", rule, name, hash: "", change };
  const why = passwordProblem(password);
  if (why !== undefined) return { type: "Bad", why };
  const hash = await hashes.run("", () => hashPassword(password));
  return hash === undefined ? { type: "Busy" } : { type: "SetUser", rule, name, hash, change };
}

const NO_CHANGE: RightsChange = { revoked: NO_RIGHTS, granted: NO_RIGHTS };

const REASONS: Readonly<Record<UserRefusal, string>> = {
  NotLoggedIn: "authentication required: nothing was changed",
  UserExists: "there is a user of that name already",
  NoSuchUser: "there is no user of that name",
  LastAdmin: "somebody has to be an administrator: nobody could change the users any more",
  NoSuchRight: "the user has no such right",
  WiderRight: "the user would keep the right, by a shorter prefix or as an administrator: revoke that",
  TooManyGrants:
    `a user has at most ${GRANTS_MAX} grants, each with a prefix of at most ${GRANT_PREFIX_BYTES_MAX} bytes`,
  LastUser: "this is the last user: without users everybody could do everything; add another one first",
  TokenExists: "the user has a token of that name already",
  NoSuchToken: "the user has no token of that name",
  TooManyTokens: `a user has at most ${TOKENS_OF_USER_MAX} tokens, and all together ${TOKENS_MAX}: revoke one first`,
  BadToken:
    `the name of a token has 1 to ${TOKEN_NAME_BYTES_MAX} letters, digits, dots, dashes, underscores and @, and begins with a ` +
    "letter or a digit; it lives for a second to 3650 days, or never expires",
  PasswordNeeded: "a token makes no tokens, which would outlive it: log in with the password",
  TooManyUsers: `there are ${USERS_MAX} users already, as many as there may be`,
  BadUser:
    `a name has 1 to ${USER_NAME_BYTES_MAX} letters, digits, dots, dashes, underscores and @, and begins with a ` +
    "letter or a digit",
};

function isUserRefusal(reason: string | undefined): reason is UserRefusal {
  return reason !== undefined && reason in REASONS;
}

/** Why a change of the users was not made, for people, on one line. */
export function describeRefusal(reason: UserRefusal): string {
  return REASONS[reason];
}

/** Whether a refusal of the state machine is about users. */
export function refersToUsers(reason: string): reason is UserRefusal {
  return isUserRefusal(reason);
}
