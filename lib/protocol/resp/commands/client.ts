/** CLIENT: what a connection tells about itself, and the list of all of them. */

import { ownCopy } from "../../../base/bytes.ts";
import { byName, type GivenFacts, row, subcommand } from "../../../kv/command_row.ts";
import { parseInteger64 } from "../../../kv/integers.ts";
import { OK } from "../../../kv/replies.ts";
import type { ClientRecord, ReplyMode } from "../client_record.ts";
import type { RespContext } from "../context.ts";
import { isName } from "../names.ts";
import { answer, type Caller, type Plan, type ProtocolCommand, type ProtocolSubcommand, refuse } from "../plan.ts";
import type { Words } from "../request_reader.ts";

const BAD_NAME = "ERR Client names cannot contain spaces, newlines or special characters.";
const SYNTAX = "ERR syntax error";

const UNSCRIPTED = ["noscript", "loading", "stale"] as const;
const CONNECTION: GivenFacts = { access: "Connection", group: "connection", since: "2.4.0", flags: UNSCRIPTED };
const ADMIN: GivenFacts = { ...CONNECTION, flags: ["admin", ...UNSCRIPTED] };
const VARYING = ["nondeterministic_output"];

const SUBCOMMANDS = byName<ProtocolSubcommand>([
  {
    ...subcommand("CLIENT ID", { ...CONNECTION, since: "5.0.0" }),
    summary: "Returns the id of this connection.",
    plan: (_words, { client }) => answer(client.id),
  },
  {
    ...subcommand("CLIENT GETNAME", { ...CONNECTION, since: "2.6.9" }),
    summary: "Returns the name of this connection.",
    plan: (_words, { client }) => answer(client.name === "" ? null : client.name),
  },
  {
    ...subcommand("CLIENT SETNAME <name>", { ...CONNECTION, since: "2.6.9" }),
    summary: "Names this connection.",
    plan: setName,
  },
  {
    ...subcommand("CLIENT SETINFO (LIB-NAME|LIB-VER) <value>", { ...CONNECTION, since: "7.2.0" }),
    summary: "Notes the library of this client.",
    plan: setInfo,
  },
  {
    ...subcommand("CLIENT INFO", { ...CONNECTION, since: "6.2.0", tips: VARYING }),
    summary: "Tells about this connection.",
    plan: (_words, { client, context }) => text(describeClient(client, context)),
  },
  {
    ...subcommand("CLIENT LIST [TYPE <type>|ID <id> ...]", { ...ADMIN, tips: VARYING }),
    summary: "Tells about the connections.",
    plan: list,
  },
  {
    ...subcommand("CLIENT KILL <ip:port>|(ID|ADDR|LADDR|TYPE|USER|SKIPME) <value> ...", {
      ...ADMIN,
      arity: -3,
      isAudited: true,
    }),
    summary: "Closes the connections for which everything said holds; this one only with SKIPME no.",
    plan: kill,
  },
  {
    ...subcommand("CLIENT REPLY (ON|OFF|SKIP)", { ...CONNECTION, since: "3.2.0" }),
    summary: "Chooses which replies this connection gets.",
    plan: setReplies,
  },
  {
    ...subcommand("CLIENT NO-EVICT (ON|OFF)", { ...ADMIN, since: "7.0.0" }),
    summary: "Has no effect: no client is evicted.",
    plan: onOrOff,
  },
  {
    ...subcommand("CLIENT NO-TOUCH (ON|OFF)", { ...CONNECTION, since: "7.2.0" }),
    summary: "Has no effect: no access is noted.",
    plan: onOrOff,
  },
]);

/** The commands of this file. */
export const CLIENT_COMMANDS: readonly ProtocolCommand[] = [{
  ...row("CLIENT <subcommand> [<argument> ...]", { ...CONNECTION, flags: [], helpSince: "5.0.0" }),
  inTransaction: "DoneByExec",
  summary: "Tells about the connections, names this one, or closes some.",
  subcommands: SUBCOMMANDS,
}];

function text(lines: string): Plan {
  return answer({ type: "Text", text: `${lines}\n` });
}

function setName(words: Words, { client }: Caller): Plan {
  const name = words[2] ?? "";
  if (!isName(name)) return refuse(BAD_NAME);
  client.name = ownCopy(name);
  return answer(OK);
}

function setInfo(words: Words, { client }: Caller): Plan {
  const [, , attribute = "", value = ""] = words;
  const which = attribute.toUpperCase();
  if (which !== "LIB-NAME" && which !== "LIB-VER") return refuse(`ERR Unrecognized option '${attribute}'`);
  if (!isName(value)) return refuse(`ERR ${attribute} cannot contain spaces, newlines or special characters.`);
  if (which === "LIB-NAME") client.libraryName = ownCopy(value);
  else client.libraryVersion = ownCopy(value);
  return answer(OK);
}

/** Memory is bounded for every connection alike, and there is no order of eviction: both settings hold already. */
function onOrOff(words: Words): Plan {
  const setting = (words[2] ?? "").toUpperCase();
  return setting === "ON" || setting === "OFF" ? answer(OK) : refuse(SYNTAX);
}

const REPLY_MODES: ReadonlyMap<string, ReplyMode> = new Map([["ON", "On"], ["OFF", "Off"], ["SKIP", "SkipNext"]]);

/** Only ON is answered. What came before it keeps its reply. */
function setReplies(words: Words, { client }: Caller): Plan {
  const mode = REPLY_MODES.get((words[2] ?? "").toUpperCase());
  if (mode === undefined) return refuse(SYNTAX);
  return {
    type: "Later",
    plan: () => {
      client.replies = mode;
      return answer(OK);
    },
  };
}

function list(words: Words, caller: Caller): Plan {
  const option = (words[2] ?? "").toUpperCase();
  let clients = [...caller.context.clients.all];
  if (option === "TYPE" && words.length === 4) {
    const type = (words[3] ?? "").toLowerCase();
    if (!CLIENT_TYPES.includes(type)) return refuse(`ERR Unknown client type '${words[3] ?? ""}'`);
    if (type !== "normal") clients = [];
  } else if (option === "ID" && words.length > 3) {
    const ids = words.slice(3).map(parseInteger64);
    if (ids.includes(undefined)) return refuse("ERR Invalid client ID");
    clients = clients.filter(({ id }) => ids.includes(id));
  } else if (words.length > 2) return refuse(SYNTAX);
  return answer({
    type: "Text",
    text: clients.map((client) => `${describeClient(client, caller.context)}\n`).join(""),
  });
}

const CLIENT_TYPES = ["normal", "master", "replica", "slave", "pubsub"];

/** `KILL <address>` as of old, or `KILL ID|ADDR|LADDR|USER|TYPE|SKIPME <value> ...`. */
function kill(words: Words, caller: Caller): Plan {
  const { context: { clients }, client: self } = caller;
  if (words.length === 3) {
    const found = [...clients.all].find(({ link }) => link.remote === words[2]);
    if (found === undefined) return refuse("ERR No such client");
    return found === self ? { type: "Close", reply: OK } : ending([found], OK);
  }
  const filter = readFilter(words, self);
  if (typeof filter === "string") return refuse(filter);
  const found = [...clients.all].filter(filter);
  const plan = ending(found.filter((client) => client !== self), found.length);
  return found.includes(self) && plan.type === "Answer" ? { type: "Close", reply: plan.reply } : plan;
}

function ending(clients: readonly ClientRecord[], reply: number | typeof OK): Plan {
  for (const { link } of clients) link.abort();
  return answer(reply);
}

function readFilter(words: Words, self: ClientRecord): ((client: ClientRecord) => boolean) | string {
  const conditions: ((client: ClientRecord) => boolean)[] = [];
  let skipsSelf = true;
  for (let at = 2; at < words.length; at += 2) {
    const value = words[at + 1];
    if (value === undefined) return SYNTAX;
    switch ((words[at] ?? "").toUpperCase()) {
      case "ID": {
        const id = parseInteger64(value);
        if (id === undefined || id < 1) return "ERR client-id should be greater than 0";
        conditions.push((client) => client.id === id);
        break;
      }
      case "ADDR":
        conditions.push(({ link }) => link.remote === value);
        break;
      case "TYPE":
        if (!CLIENT_TYPES.includes(value.toLowerCase())) return `ERR Unknown client type '${value}'`;
        conditions.push(() => value.toLowerCase() === "normal");
        break;
      case "USER":
        if (value !== "default") return `ERR No such user '${value}'`;
        break;
      case "SKIPME":
        if (!["yes", "no"].includes(value.toLowerCase())) return SYNTAX;
        skipsSelf = value.toLowerCase() === "yes";
        break;
      default:
        return SYNTAX;
    }
  }
  return (client) => !(skipsSelf && client === self) && conditions.every((condition) => condition(client));
}

/** One line of CLIENT LIST. The runtime tells no number of a socket, and there is one buffer of replies, without a fixed size. */
export function describeClient(client: ClientRecord, context: RespContext): string {
  const now = context.clock.now();
  const { link } = client;
  const { inputBytes, wordBytes, queued, queueBytes } = client.holdings();
  const { unsentBytes } = link;
  const freeBytes = Math.max(link.readBufferBytes - inputBytes, 0);
  const fields = [
    ["id", client.id],
    ["addr", link.remote],
    ["laddr", context.node.status().clientAddress],
    ["fd", -1],
    ["name", client.name],
    ["age", Math.floor((now - link.openedAt) / 1_000)],
    ["idle", Math.floor((now - client.lastAt) / 1_000)],
    ["flags", queued < 0 ? "N" : "x"],
    ["db", 0],
    ["sub", 0],
    ["psub", 0],
    ["ssub", 0],
    ["multi", queued],
    ["qbuf", inputBytes],
    ["qbuf-free", freeBytes],
    ["argv-mem", wordBytes],
    ["multi-mem", queueBytes],
    ["rbs", 0],
    ["rbp", 0],
    ["obl", 0],
    ["oll", unsentBytes === 0 ? 0 : 1],
    ["omem", unsentBytes],
    ["tot-mem", inputBytes + freeBytes + wordBytes + queueBytes + unsentBytes],
    ["events", unsentBytes === 0 ? "r" : "rw"],
    ["cmd", client.path === "" ? "NULL" : client.path],
    ["user", client.login?.name ?? "default"],
    ["redir", -1],
    ["resp", client.version],
    ["lib-name", client.libraryName],
    ["lib-ver", client.libraryVersion],
  ];
  return fields.map(([name, value]) => `${name}=${value}`).join(" ");
}
