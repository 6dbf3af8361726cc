/**
 * What of the commands of a connection belongs in the audit log, those that administer and those that were refused for the lack of a
 * right, and which of the latter are in ACL LOG.
 */

import { type ErrorReply, isErrorReply } from "../../kv/replies.ts";
import { keysOf } from "../../kv/calls.ts";
import { addressOf } from "../session_context.ts";
import type { ClientRecord } from "./client_record.ts";
import { AUDITED, findCommand, PATHS } from "./commands.ts";
import { describeClient } from "./commands/client.ts";
import type { RespContext } from "./context.ts";
import { isRightsError, missingOf } from "./errors.ts";
import type { RespReply } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";
import { QUEUED, type Transaction } from "./transaction.ts";

/** A command that has its reply. */
interface Answered {
  readonly kind: number;
  readonly words: Words;
}

/** The connection of a command. */
interface AuditedClient {
  readonly context: RespContext;
  readonly client: ClientRecord;
  readonly transaction: Pick<Transaction, "isOpen">;
}

/** A request has its reply; what EXEC has done is looked at as well. Few of them cost more than two look-ups. */
export function auditCommand(request: Answered, reply: RespReply, parts: AuditedClient): void {
  note(request, reply, parts);
  const { context, client } = parts;
  for (const { number, words, reply: inner } of client.executed) {
    note({ kind: number, words }, inner, { context, client, transaction: { isOpen: true } });
  }
}

function note({ kind, words }: Answered, reply: RespReply, parts: AuditedClient): void {
  const { context: { gate }, client: { login, link } } = parts;
  const isRefused = isErrorReply(reply) && isRightsError(reply);
  if (!isRefused && (AUDITED[kind] !== true || reply === QUEUED)) return;
  if (isRefused) noteRefusal(kind, reply, parts);
  gate.audit.record({
    type: isRefused ? "Refused" : "Admin",
    user: gate.nameOf(login),
    from: addressOf(link),
    protocol: "redis",
    command: PATHS[kind] ?? "unknown",
    subject: subjectOf({ kind, words }),
    isAllowed: !isRefused,
    outcome: isRefused ? undefined : isErrorReply(reply) ? "Failed" : "Done",
  });
}

/** In the ACL log, but for those who have not logged in, whom Redis leaves out as well. */
function noteRefusal(kind: number, reply: ErrorReply, { context, client, transaction }: AuditedClient): void {
  const missing = missingOf(reply);
  if (missing === undefined) return;
  const { prefix = "" } = missing;
  const path = PATHS[kind] ?? "unknown";
  context.gate.aclLog.add({
    reason: prefix === "" ? "command" : "key",
    context: transaction.isOpen || path === "exec" ? "multi" : "toplevel",
    object: prefix === "" ? path : prefix,
    username: context.gate.nameOf(client.login),
    clientInfo: describeClient(client, context),
    at: context.clock.now(),
    timeMs: context.node.timeMs(),
  });
}

/** The first key, or what a subcommand that administers is about: never what stands behind that. */
function subjectOf({ kind, words }: Answered): string | undefined {
  const [name = "", , subject] = words;
  const entry = findCommand(name);
  if (entry?.call !== undefined) return keysOf([entry.name, ...words.slice(1)])[0];
  return AUDITED[kind] === true ? subject : undefined;
}
