/** ACL: the users, as far as what Redis tells of them maps: each has one password and may do everything. */

import { unreachable } from "../../../base/assert.ts";
import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import type { UserRecord } from "../../../kv/users.ts";
import { changeUser, type UserChange, type UserOutcome } from "../../../access/user_changes.ts";
import { NOT_LOGGED_IN, notDone, OUTCOME_UNKNOWN } from "../errors.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";

/** Who is not logged in, where nobody has to be. */
const DEFAULT_USER = "default";
/** Rules that say what holds for every user. */
const HELD_RULES: readonly string[] = ["on", "~*", "allkeys", "&*", "allchannels", "+@all", "allcommands"];
const OK: RespReply = { status: "OK" };

const ACL: GivenFacts = { access: "Look", group: "server", since: "6.0.0", flags: ["noscript", "loading", "stale"] };
const LOOKS: GivenFacts = { ...ACL, flags: ["admin", "noscript", "loading", "stale"] };
const CHANGES: GivenFacts = { ...LOOKS, access: "Server" };

/** The commands of this file. */
export const ACL_COMMANDS: readonly ProtocolCommand[] = [{
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
        return answer(node.users.find(name) === undefined ? null : RIGHTS);
      },
    },
    {
      ...subcommand("ACL SETUSER <user> [<rule> ...]", CHANGES),
      summary: "Makes a user, or gives one another password; every user may do everything.",
      plan: planSetUser,
    },
    {
      ...subcommand("ACL DELUSER <user> [<user> ...]", CHANGES),
      summary: "Removes users and returns how many; their connections end. The last user stays.",
      plan: (words, caller) => ({ type: "Task", run: () => removeAll(words.slice(2), caller) }),
    },
  ]),
}];

function lineOf({ name }: UserRecord): string {
  return `user ${name} on sanitize-payload ~* &* +@all`;
}

/** Of every user. */
const RIGHTS: RespReply = {
  type: "Map",
  entries: [
    ["flags", ["on", "sanitize-payload"]],
    ["passwords", []],
    ["commands", "+@all"],
    ["keys", "~*"],
    ["channels", "&*"],
    ["selectors", []],
  ],
};

function planSetUser([, , name = "", ...rules]: Words, caller: Caller): Plan {
  let password: string | undefined;
  for (const rule of rules) {
    if (rule.startsWith(">")) password = rule.slice(1);
    else if (!HELD_RULES.includes(rule.toLowerCase())) return refuse(unknownRule(rule));
  }
  if (password === undefined) {
    return refuse("ERR a user needs a password: ACL SETUSER <user> ><password>; rights are the same for every user");
  }
  const change: UserChange = { type: "Set", rule: "Any", name, password };
  return { type: "Task", run: async () => showOutcome(await apply(change, caller), caller) };
}

const NOT_OFFERED = "users have one password and may do everything; only ><password>, on, ~*, &* and +@all are known";

/** What may hold a password is not repeated. */
function unknownRule(rule: string): string {
  const shown = /^[<>#!]/.test(rule) ? rule.charAt(0) : rule.slice(0, SHOWN_BYTES_MAX);
  return `ERR Error in ACL SETUSER modifier '${shown}': ${NOT_OFFERED}`;
}

const SHOWN_BYTES_MAX = 64;

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
    case "NotDone":
      return notDone(outcome, node);
    case "Unknown":
      return OUTCOME_UNKNOWN;
    default:
      return unreachable(outcome);
  }
}
