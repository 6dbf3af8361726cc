/** ACL: the users, as far as what Redis tells of them maps: each has one password, and rights by prefixes of keys. */

import { unreachable } from "../../../base/assert.ts";
import { byName, CATEGORIES, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import { NOT_AN_INTEGER, OK } from "../../../kv/replies.ts";
import type { UserRecord } from "../../../kv/users.ts";
import { changeUser, type UserChange, type UserOutcome } from "../../../access/user_changes.ts";
import { noPermission, NOT_LOGGED_IN, notDone, OUTCOME_UNKNOWN } from "../errors.ts";
import {
  answer,
  type Caller,
  ECHOED_BYTES_MAX,
  type Plan,
  type ProtocolCommand,
  type ProtocolSubcommand,
  refuse,
} from "../plan.ts";
import { commandsOf, keysOfRights, readAclRules } from "../acl_rules.ts";
import type { CommandTable } from "./introspection.ts";
import { ACL_LOG_LENGTH_MAX, type AclLogEntry } from "../../../access/acl_log.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";

/** Who is not logged in, where nobody has to be. */
const DEFAULT_USER = "default";
/** Entries of the log that are shown unless it is told how many, as in Redis. */
const REFUSALS_SHOWN = 10;
const MILLISECONDS = 1_000;

const ACL: GivenFacts = { access: "Look", group: "server", since: "6.0.0", flags: ["noscript", "loading", "stale"] };
const LOOKS: GivenFacts = { ...ACL, flags: ["admin", "noscript", "loading", "stale"] };
const CHANGES: GivenFacts = { ...LOOKS, access: "Server", isAudited: true };

/** The commands of this file. */
export function aclCommands(table: () => CommandTable): readonly ProtocolCommand[] {
  return [{
    ...row("ACL <subcommand> [<argument> ...]", { ...ACL, flags: [] }),
    inTransaction: "Refused",
    summary: "Tells about the users, or changes them.",
    subcommands: byName<ProtocolSubcommand>([
      {
        ...subcommand("ACL WHOAMI", ACL),
        summary: "Returns the user who is logged in; default where nobody has to be.",
        plan: (_words, { client }) => answer(client.login?.name ?? DEFAULT_USER),
      },
      {
        ...subcommand("ACL CAT [<category>]", { ...ACL, most: 3 }),
        summary: "Returns the categories of commands, or the commands of one of them.",
        plan: ([, , category]) => answer(category === undefined ? CATEGORY_NAMES : commandsIn(category, table())),
      },
      {
        ...subcommand("ACL USERS", LOOKS),
        summary: "Returns the names of the users.",
        plan: (_words, { context: { node } }) => answer(node.users.list().map(({ name }) => name)),
      },
      {
        ...subcommand("ACL LIST", LOOKS),
        summary: "Returns a line for each user, without what is kept of the password.",
        plan: (_words, { context: { node } }) => answer(node.users.list().map(lineOf)),
      },
      {
        ...subcommand("ACL GETUSER <user>", LOOKS),
        summary: "Returns what a user may do, or nil.",
        plan: ([, , name = ""], { context: { node } }) => {
          const user = node.users.find(name);
          return answer(user === undefined ? null : rightsReply(user));
        },
      },
      {
        ...subcommand("ACL LOG [<count>|RESET]", { ...LOOKS, most: 3, isAudited: true }),
        summary: "Returns the commands and logins that this node refused, the last first, or forgets them.",
        plan: planLog,
      },
      {
        ...subcommand("ACL SETUSER <user> [<rule> ...]", CHANGES),
        summary: "Makes a user, or gives one another password or more rights; the first of all is an administrator.",
        plan: planSetUser,
      },
      {
        ...subcommand("ACL DELUSER <user> [<user> ...]", CHANGES),
        summary: "Removes users and returns how many; their connections end. The last user stays.",
        plan: (words, caller) => ({ type: "Task", run: () => removeAll(words.slice(2), caller) }),
      },
    ]),
  }];
}

const CATEGORY_NAMES: readonly string[] = CATEGORIES.map((category) => category.slice(1));

function commandsIn(category: string, table: CommandTable): RespReply {
  const wanted = `@${category.toLowerCase()}`;
  if (!CATEGORIES.some((known) => known === wanted)) {
    return { error: `ERR Unknown category '${category.slice(0, ECHOED_BYTES_MAX)}'` };
  }
  const all = [...table.values()].flatMap((entry) => [entry, ...entry.subcommands.values()]);
  return all.filter(({ categories }) => categories.some((each) => each === wanted)).map(({ path }) => path);
}

function lineOf({ name, rights }: UserRecord): string {
  const words = [keysOfRights(rights), "&*", commandsOf(rights)].filter((word) => word !== "");
  return `user ${name} on sanitize-payload ${words.join(" ")}`;
}

/** As Redis does: a count below 0 is 0. */
function planLog([, , word]: Words, { context: { gate: { aclLog }, clock } }: Caller): Plan {
  if (word?.toUpperCase() === "RESET") {
    aclLog.reset();
    return answer(OK);
  }
  const count = word === undefined ? REFUSALS_SHOWN : parseInteger64(word);
  if (count === undefined) return answer(NOT_AN_INTEGER);
  const entries = aclLog.newest(Math.min(Number(count), ACL_LOG_LENGTH_MAX));
  return answer({ type: "List", items: entries.map((entry) => refusalReply(entry, clock.now())) });
}

function refusalReply(entry: AclLogEntry, now: number): RespReply {
  return {
    type: "Map",
    entries: [
      ["count", entry.count],
      ["reason", entry.reason],
      ["context", entry.context],
      ["object", entry.object],
      ["username", entry.username],
      ["age-seconds", { type: "Double", value: Math.round(now - entry.updatedAt) / MILLISECONDS }],
      ["client-info", entry.clientInfo],
      ["entry-id", entry.id],
      ["timestamp-created", entry.createdMs],
      ["timestamp-last-updated", entry.updatedMs],
    ],
  };
}

/** As Redis tells of them. */
function rightsReply({ rights }: UserRecord): RespReply {
  return {
    type: "Map",
    entries: [
      ["flags", ["on", "sanitize-payload"]],
      ["passwords", []],
      ["commands", commandsOf(rights)],
      ["keys", keysOfRights(rights)],
      ["channels", "&*"],
      ["selectors", []],
    ],
  };
}

/** Without a password it changes the rights of a user who is there. */
function planSetUser([, , name = "", ...rules]: Words, caller: Caller): Plan {
  const read = readAclRules(rules);
  if (typeof read === "string") return refuse(read);
  const { password, rights } = read;
  if (password === undefined && caller.context.node.users.find(name) === undefined) {
    return refuse("ERR a new user needs a password: ACL SETUSER <user> ><password>");
  }
  const rule = password === undefined ? "Change" : "Any";
  const change: UserChange = { type: "Set", rule, name, password, rights };
  return { type: "Task", run: async () => showOutcome(await apply(change, caller), caller) };
}

function apply(change: UserChange, { context: { node, gate }, client: { login } }: Caller): Promise<UserOutcome> {
  return changeUser(change, { node, gate, login });
}

async function removeAll(names: readonly string[], caller: Caller): Promise<RespReply> {
  let removed = 0;
  for (const name of names) {
    const outcome = await apply({ type: "Remove", name }, caller);
    if (outcome.type === "Done") removed += 1;
    else if (outcome.type !== "Refused" || (outcome.reason !== "NoSuchUser" && outcome.reason !== "BadUser")) {
      return showOutcome(outcome, caller);
    }
  }
  return removed;
}

function showOutcome(outcome: UserOutcome, { context: { node } }: Caller): RespReply {
  switch (outcome.type) {
    case "Done":
      return OK;
    case "Refused":
      return outcome.reason === "NotLoggedIn" ? NOT_LOGGED_IN : { error: `ERR ${outcome.why}` };
    case "Forbidden":
      return noPermission(outcome.missing);
    case "NotDone":
      return notDone(outcome, node);
    case "Unknown":
      return OUTCOME_UNKNOWN;
    default:
      return unreachable(outcome);
  }
}
