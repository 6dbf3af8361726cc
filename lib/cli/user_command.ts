/** `kvstore user`: the users of a running cluster. */

import { AdminConnection, type AdminRequest, failureOf } from "./admin_connection.ts";
import { fieldsOf } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { type PasswordPrompt, readNewPassword } from "./credentials.ts";
import { EXIT, Failure } from "./failures.ts";
import { runTokenCommand, TOKEN_USAGE } from "./user_token.ts";
import { describeRights, readRights } from "./user_rights.ts";
import { nearest, quoteForPeople, UsageError } from "./usage_error.ts";

const OK = 200;

/** The words behind `kvstore user`, with what they take. */
const ACTIONS = {
  add: "add NAME [RIGHT ...]",
  passwd: "passwd NAME",
  grant: "grant NAME RIGHT ...",
  revoke: "revoke NAME RIGHT ...",
  remove: "remove NAME",
  list: "list",
} as const;
type Action = keyof typeof ACTIONS;
/** How many rights may stand behind the name. */
const RIGHTS_TAKEN: Readonly<Record<Action, { readonly least: number; readonly most: number }>> = {
  add: { least: 0, most: Infinity },
  passwd: { least: 0, most: 0 },
  grant: { least: 1, most: Infinity },
  revoke: { least: 1, most: Infinity },
  remove: { least: 0, most: 0 },
  list: { least: 0, most: 0 },
};

/** Shows or changes the users. Throws `Failure`, `UsageError`. */
export async function runUserCommand(context: CommandContext, prompt?: PasswordPrompt): Promise<number> {
  const { operands: [word = "list", name, ...words], surroundings } = context;
  if (word === "token") return await runTokenCommand(context);
  if (!isAction(word) || !fits(word, { name, words: words.length })) {
    const usages = Object.entries({ ...ACTIONS, token: TOKEN_USAGE });
    const near = isAction(word) ? word : nearest(word, usages.map(([action]) => action)) ?? "list";
    const usage = usages.find(([action]) => action === near)?.[1];
    throw new UsageError(`${quoteForPeople(context.operands.join(" "))} does not fit; use kvstore user ${usage}`);
  }
  const rights = readRights(words);
  // Before anything is asked: whoever has to log in is told so first.
  const admin = new AdminConnection(context);
  if (name === undefined) return await list(context, admin);
  const path = `/v1/users/${encodeURIComponent(name)}`;
  if (word === "remove") {
    await change(admin, { method: "DELETE", path });
    surroundings.out(`User ${name} is removed; its connections have ended.\n`);
    return EXIT.ok;
  }
  if (word === "grant" || word === "revoke") {
    await change(admin, { method: "POST", path, body: { [word]: rights } });
    const did = word === "grant" ? "may now do that as well" : "may do that no more, on any node";
    surroundings.out(`User ${name} ${did}.\n`);
    return EXIT.ok;
  }
  const password = readNewPassword(context.settings, name, prompt);
  const rule = word === "add" ? "create" : "change";
  await change(admin, { method: "PUT", path, body: { password, rule, ...words.length === 0 ? {} : rights } });
  surroundings.out(
    word === "add"
      ? `User ${name} is added.\n`
      : `User ${name} has another password; the logins with the one before have ended.\n`,
  );
  return EXIT.ok;
}

function isAction(word: string): word is Action {
  return Object.hasOwn(ACTIONS, word);
}

function fits(action: Action, { name, words }: { readonly name: string | undefined; readonly words: number }): boolean {
  const { least, most } = RIGHTS_TAKEN[action];
  return (name === undefined) === (action === "list") && name !== "" && words >= least && words <= most;
}

async function change(admin: AdminConnection, request: AdminRequest): Promise<void> {
  const reply = await admin.ask(request);
  if (reply.status !== OK) throw failureOf(reply);
}

async function list({ settings, surroundings }: CommandContext, admin: AdminConnection): Promise<number> {
  const reply = await admin.ask({ method: "GET", path: "/v1/users" });
  const { users } = fieldsOf(reply.json);
  if (reply.status !== OK) throw failureOf(reply);
  if (!Array.isArray(users)) throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
  if (settings.enabled("json")) surroundings.out(`${JSON.stringify({ users })}\n`);
  else if (users.length === 0) {
    surroundings.out("There are no users: everybody may do everything without logging in.\n");
  } else for (const user of users) surroundings.out(lineOf(fieldsOf(user)));
  return EXIT.ok;
}

function lineOf({ name, admin, grants }: ReturnType<typeof fieldsOf>): string {
  const rights = describeRights({ admin, grants });
  return `${String(name)}${rights.length === 0 ? " (no rights)" : ` ${rights.join(" ")}`}\n`;
}
