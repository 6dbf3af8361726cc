/** From the words of a request to what is to be done: names, number of words, sizes, queueing, redirection. */

import { type ConnectionRate, describeRate } from "../../access/request_rates.ts";
import { wrongArity } from "../../kv/call.ts";
import { changes, isArity, keysOf } from "../../kv/calls.ts";
import type { ErrorReply } from "../../kv/replies.ts";
import type { Gate } from "../../access/gate.ts";
import type { Login } from "../../access/login.ts";
import { type CommandEntry, findCommand, FOR_ADMINS, OPEN, UNKNOWN_COMMAND } from "./commands.ts";
import { longKey, noLeader, noPermission, NOT_LOGGED_IN, unknownCommand } from "./errors.ts";
import {
  answer,
  type Caller,
  type Plan,
  refuse,
  subcommandOf,
  unknownSubcommand,
  wrongSubcommandArity,
} from "./plan.ts";
import type { RespReply } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";
import { slotOf } from "./slots.ts";
import { QUEUED, type QueuedForm } from "./transaction.ts";

const QUEUE_FULL = "ERR too many commands are queued";

/** What a request comes to. While a MULTI is open most are queued, and one that cannot be spoils the queue. */
export function planRequest(words: Words, caller: Caller): Plan {
  const { client, transaction } = caller;
  const entry = findCommand(words[0] ?? "");
  client.commandNumber = entry?.number ?? UNKNOWN_COMMAND;
  client.isRejected = false;
  if (entry === undefined) return rejected(answer(unknownCommand(words)), caller);
  client.path = entry.path;
  if (!isArity(entry, words.length)) return refusedAtOnce(wrongArity(entry.name), { entry, caller });
  if (!mayAsk(entry, caller)) return rejected(answer(NOT_LOGGED_IN), caller);
  const parts = { words, caller };
  const refusal = subcommandProblem(entry, parts) ??
    (entry.call === undefined ? adminProblem(caller) : refusalOf(entry, parts));
  if (refusal !== undefined) return rejected(refusal, caller);
  return transaction.isOpen ? planInTransaction(entry, parts) : planOutside(entry, parts);
}

/** The same where requests are counted: one beyond the rate is refused, but for those that need no login. */
export function planWithinRate(
  words: Words,
  caller: Caller,
  { rate, now }: { readonly rate: ConnectionRate; readonly now: number },
): Plan {
  const { client } = caller;
  const entry = findCommand(words[0] ?? "");
  const refusal = OPEN[entry?.number ?? UNKNOWN_COMMAND] === true ? undefined : rate.refusal(client.login, now);
  if (refusal === undefined) return planRequest(words, caller);
  client.commandNumber = entry?.number ?? UNKNOWN_COMMAND;
  if (entry !== undefined) client.path = entry.path;
  return refusedAtOnce({ error: `ERR rate limit: ${describeRate(refusal)}` }, { entry, caller });
}

/** What is about keys is judged again where it takes effect. */
function mayAsk(entry: CommandEntry, { context: { gate }, client: { login } }: Caller): boolean {
  return (entry.call === undefined ? gate.admits(login) : gate.admitsToKeys(login)) || entry.flags.includes("no_auth");
}

function adminProblem({ context: { gate }, client: { login, commandNumber } }: Caller): Plan | undefined {
  const refusal = refusalForAdmins(commandNumber, { gate, login });
  return refusal === undefined ? undefined : answer(refusal);
}

/** The reply to who gives the command or subcommand of that number and is no administrator, where it is for those alone. */
export function refusalForAdmins(
  number: number,
  { gate, login }: { readonly gate: Pick<Gate, "isAdmin">; readonly login: Login | undefined },
): ErrorReply | undefined {
  return FOR_ADMINS[number] !== true || gate.isAdmin(login) ? undefined : FOR_ADMINS_ONLY;
}

const FOR_ADMINS_ONLY = noPermission({ right: "admin", prefix: undefined });

/** What is refused before anything is done; in a MULTI it spoils the queue. */
function rejected(plan: Plan, { client, transaction }: Caller): Plan {
  client.isRejected = true;
  transaction.spoil();
  return plan;
}

function planOutside(entry: CommandEntry, parts: PlanParts): Plan {
  const isDelayed = entry.command?.inTransaction === "DoneByExec";
  return isDelayed ? { type: "Later", plan: () => planEntry(entry, parts) } : planEntry(entry, parts);
}

function planInTransaction(entry: CommandEntry, parts: PlanParts): Plan {
  const { caller, words } = parts;
  const how = entry.command?.inTransaction ?? "Queued";
  if (how === "AtOnce") return planEntry(entry, parts);
  const queued = how === "Refused"
    ? undefined
    : how === "DoneByExec"
    ? actingForm(entry, parts)
    : queuedForm(planEntry(entry, parts));
  if (queued === undefined) return rejected(NOT_ALLOWED, caller);
  const isAdded = caller.transaction.add({ ...queued, number: caller.client.commandNumber, words });
  return isAdded ? answer(QUEUED) : rejected(refuse(QUEUE_FULL), caller);
}

const NOT_ALLOWED = refuse("ERR Command not allowed inside a transaction");

/** What can be said against a subcommand, which counts as a part of the name. */
function subcommandProblem({ subcommands }: CommandEntry, { words, caller }: PlanParts): Plan | undefined {
  if (subcommands.size === 0 || words.length < 2) return undefined;
  const subcommand = subcommands.get(subcommandOf(words));
  if (subcommand === undefined) return unknownSubcommand(words);
  caller.client.commandNumber = subcommand.number;
  caller.client.path = subcommand.path;
  return isArity(subcommand, words.length) ? undefined : wrongSubcommandArity(words);
}

/** What is refused whatever its arguments are. EXEC itself ends the transaction even then, as in Redis: once a WATCH before it has been done. */
function refusedAtOnce(
  refusal: ErrorReply,
  { entry, caller }: { readonly entry: CommandEntry | undefined; readonly caller: Caller },
): Plan {
  if (entry?.name !== "EXEC") return rejected(answer(refusal), caller);
  caller.client.isRejected = true;
  return {
    type: "Later",
    plan: () => {
      caller.transaction.discard();
      return refuse(`EXECABORT Transaction discarded because of: ${refusal.error.slice("ERR ".length)}`);
    },
  };
}

interface PlanParts {
  readonly words: Words;
  readonly caller: Caller;
}

function planEntry(entry: CommandEntry, { words, caller }: PlanParts): Plan {
  if (entry.subcommands.size > 0 && subcommandOf(words) === "HELP") return answer(helpOf(entry));
  if (entry.command !== undefined) {
    const { plan, subcommands } = entry.command;
    const chosen = subcommands?.get(subcommandOf(words))?.plan ?? plan ?? unknownSubcommand;
    return chosen(words, caller);
  }
  const call = words[0] === entry.name ? words : [entry.name, ...words.slice(1)];
  const problem = entry.call?.check?.(call);
  if (problem !== undefined) return answer(problem);
  return { type: "Call", call, isWrite: changes(call) };
}

/** What a command with subcommands tells of them, in the form of Redis. */
function helpOf({ name, subcommands }: CommandEntry): RespReply {
  const lines = [...subcommands].flatMap((
    [word, { usage, summary }],
  ) => [`${word} ${usage}`.trimEnd(), `    ${summary}`]);
  return [`${name} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:`, ...lines];
}

/** What can be said against a call before its options are looked at. */
function refusalOf({ name }: CommandEntry, { words, caller }: PlanParts): Plan | undefined {
  const refusal = tooLong({ name, words }, caller) ?? redirection({ name, words }, caller);
  return refusal === undefined ? undefined : answer(refusal);
}

interface NamedWords {
  readonly name: string;
  readonly words: Words;
}

/** A key is shorter than the reader lets any word be. */
function tooLong({ name, words }: NamedWords, { context: { keyBytesMax } }: Caller): RespReply | undefined {
  // Nearly every word is short; only a long one is worth a closer look.
  for (let at = 1; at < words.length; at++) {
    if ((words[at] ?? "").length <= keyBytesMax) continue;
    return longKey(keysOf([name, ...words.slice(1)]), keyBytesMax);
  }
  return undefined;
}

/** In cluster mode clients go to the leader themselves; a read may stay here once they said READONLY. */
function redirection({ name, words }: NamedWords, { context, client }: Caller): RespReply | undefined {
  if (!context.clusterMode) return undefined;
  const call = [name, ...words.slice(1)];
  const [key] = keysOf(call);
  if (key === undefined || (client.readsAnywhere && !changes(call))) return undefined;
  const { raft } = context.node.status();
  if (raft.role === "Leader") return undefined;
  const leader = context.node.members().find(({ id }) => id === raft.leaderId);
  if (leader === undefined || leader.clientAddress === "") return noLeader(context.node);
  return { error: `MOVED ${slotOf(key)} ${leader.clientAddress}` };
}

function actingForm(entry: CommandEntry, parts: PlanParts): QueuedForm {
  const { context: { gate }, client } = parts.caller;
  const number = client.commandNumber;
  return {
    type: "Act",
    act: () => {
      const refusal = refusalForAdmins(number, { gate, login: client.login });
      if (refusal !== undefined) return refusal;
      let plan = planEntry(entry, parts);
      // Its turn has come: EXEC waits for everything before it.
      while (plan.type === "Later") plan = plan.plan();
      return plan.type === "Answer" ? plan.reply : { error: "ERR Command not allowed inside a transaction" };
    },
  };
}

function queuedForm(plan: Plan): QueuedForm | undefined {
  if (plan.type === "Call") return { type: "Call", call: plan.call };
  return plan.type === "Answer" ? { type: "Answer", reply: plan.reply } : undefined;
}
