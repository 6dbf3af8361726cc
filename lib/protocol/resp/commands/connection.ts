/** Commands about the connection: PING, HELLO, AUTH, SELECT and the like. */

import { ownCopy } from "../../../base/bytes.ts";
import { row } from "../../../kv/command_row.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import { type ErrorReply, NOT_AN_INTEGER, OK } from "../../../kv/replies.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, refuse } from "../plan.ts";
import type { RespReply, RespVersion } from "../reply_writer.ts";
import { checkWithoutUsers, hasToLogIn, logIn } from "./logins.ts";
import { isName } from "../names.ts";
import type { Words } from "../request_reader.ts";
import { REDIS_VERSION } from "../redis_version.ts";

const PONG: RespReply = { status: "PONG" };
const HELLO_FIRST =
  "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO <proto> AUTH <user> <pass> option " +
  "can be used to authenticate the client and select the RESP protocol version at the same time";

const LOADING = ["loading", "stale", "fast"] as const;
const LOOKS = { access: "Look", group: "connection" } as const;
const CHANGES = {
  access: "Connection",
  group: "connection",
  flags: ["noscript", "loading", "stale", "fast", "no_auth", "allow_busy"],
} as const;
const ROUTES = { access: "Connection", group: "cluster", since: "3.0.0", categories: ["@connection"] } as const;

/** The commands of this file. */
export const CONNECTION_COMMANDS: readonly ProtocolCommand[] = [
  {
    ...row("PING [<message>]", {
      ...LOOKS,
      since: "1.0.0",
      flags: ["fast"],
      tips: ["request_policy:all_shards", "response_policy:all_succeeded"],
    }),
    summary: "Returns PONG, or the word that was given.",
    plan: (words) => {
      if (words.length > 2) return refuse("ERR wrong number of arguments for 'ping' command");
      return answer(words[1] ?? PONG);
    },
  },
  {
    ...row("ECHO <message>", { ...LOOKS, since: "1.0.0", flags: LOADING }),
    summary: "Returns the word that was given.",
    plan: (words) => answer(words[1] ?? ""),
  },
  {
    ...row("HELLO [2|3] [AUTH <user> <password>] [SETNAME <name>]", { ...CHANGES, since: "6.0.0" }),
    summary: "Chooses the version of the protocol and tells about the server.",
    inTransaction: "DoneByExec",
    plan: planHello,
  },
  {
    ...row("AUTH [<user>] <password>", { ...CHANGES, since: "1.0.0", arity: -2 }),
    summary: "Logs in, with a password alone as the user default.",
    inTransaction: "DoneByExec",
    plan: planAuth,
  },
  {
    ...row("QUIT", { ...CHANGES, since: "1.0.0", arity: -1 }),
    summary: "Closes the connection.",
    inTransaction: "AtOnce",
    plan: () => ({ type: "Close", reply: OK }),
  },
  {
    ...row("RESET", { ...CHANGES, since: "6.2.0" }),
    summary: "Brings the connection back to its beginning.",
    inTransaction: "AtOnce",
    plan: planReset,
  },
  {
    ...row("SELECT <database>", { ...CHANGES, since: "1.0.0", flags: LOADING }),
    summary: "Chooses the database; there is one, 0.",
    plan: planSelect,
  },
  {
    ...row("READONLY", { ...ROUTES, flags: LOADING }),
    summary: "In cluster mode: reads are answered by this node too.",
    inTransaction: "DoneByExec",
    plan: (_words, { client }) => {
      client.readsAnywhere = true;
      return answer(OK);
    },
  },
  {
    ...row("READWRITE", { ...ROUTES, flags: LOADING }),
    summary: "In cluster mode: reads go to the leader again.",
    inTransaction: "DoneByExec",
    plan: (_words, { client }) => {
      client.readsAnywhere = false;
      return answer(OK);
    },
  },
  {
    ...row("ASKING", { ...ROUTES, flags: ["fast"] }),
    summary: "Has no effect: no slot is ever moving.",
    plan: () => answer(OK),
  },
];

function planSelect(words: Words): Plan {
  const database = parseInteger64(words[1] ?? "");
  if (database === undefined) return answer(NOT_AN_INTEGER);
  return database === 0 ? answer(OK) : refuse("ERR DB index is out of range");
}

function planReset(_words: Words, { client, transaction }: Caller): Plan {
  return {
    type: "Later",
    plan: () => {
      transaction.discard();
      client.reset();
      return answer({ status: "RESET" });
    },
  };
}

function planAuth(words: Words, caller: Caller): Plan {
  const attempt = { word: words[0] ?? "", credentials: words.slice(1) };
  if (!hasToLogIn(caller)) return answer(checkWithoutUsers(attempt, caller) ?? OK);
  return { type: "Task", run: async () => await logIn(attempt, caller) ?? OK };
}

/** The version changes for what comes behind it, so everything before it is answered first. */
function planHello(words: Words, caller: Caller): Plan {
  return { type: "Later", plan: () => hello(words, caller) };
}

/** What the words of HELLO wish for. */
interface HelloWish {
  readonly version: RespVersion;
  readonly name: string | undefined;
  /** User and password. */
  readonly credentials: Words | undefined;
}

function hello(words: Words, caller: Caller): Plan {
  const wish = readHello(words, caller);
  if ("error" in wish) return answer(wish);
  const { credentials } = wish;
  const attempt = credentials === undefined ? undefined : { word: words[0] ?? "", credentials };
  if (!hasToLogIn(caller)) {
    const refusal = attempt === undefined ? undefined : checkWithoutUsers(attempt, caller);
    return answer(refusal ?? greet(wish, caller));
  }
  if (attempt !== undefined) {
    return { type: "Task", run: async () => await logIn(attempt, caller) ?? greet(wish, caller) };
  }
  const { context: { gate }, client } = caller;
  return gate.admits(client.login) ? answer(greet(wish, caller)) : refuse(HELLO_FIRST);
}

function readHello(words: Words, { client }: Caller): HelloWish | ErrorReply {
  let version = client.version;
  let name: string | undefined;
  let credentials: Words | undefined;
  if (words.length > 1) {
    const number = parseInteger64(words[1] ?? "");
    if (number === undefined) return { error: "ERR Protocol version is not an integer or out of range" };
    if (number !== 2 && number !== 3) return { error: "NOPROTO unsupported protocol version" };
    version = number;
  }
  for (let at = 2; at < words.length;) {
    const option = (words[at] ?? "").toUpperCase();
    if (option === "AUTH" && at + 2 < words.length) {
      credentials = words.slice(at + 1, at + 3);
      at += 3;
    } else if (option === "SETNAME" && at + 1 < words.length) {
      name = words[at + 1] ?? "";
      if (!isName(name)) return { error: "ERR Client names cannot contain spaces, newlines or special characters." };
      at += 2;
    } else return { error: `ERR Syntax error in HELLO option '${words[at] ?? ""}'` };
  }
  return { version, name, credentials };
}

function greet({ version, name }: HelloWish, { client, context }: Caller): RespReply {
  client.version = version;
  if (name !== undefined) client.name = ownCopy(name);
  return {
    type: "Map",
    entries: [
      ["server", "redis"],
      ["version", REDIS_VERSION],
      ["proto", version],
      ["id", client.id],
      ["mode", context.clusterMode ? "cluster" : "standalone"],
      ["role", context.node.status().raft.role === "Leader" ? "master" : "replica"],
      ["modules", []],
    ],
  };
}
