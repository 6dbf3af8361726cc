/** What of the commands of a connection belongs in the audit log: those that administer, and those that were refused for the lack of a right. */

import { isErrorReply } from "../../kv/replies.ts";
import { keysOf } from "../../kv/calls.ts";
import { addressOf } from "../session_context.ts";
import type { ClientRecord } from "./client_record.ts";
import { AUDITED, findCommand, PATHS } from "./commands.ts";
import type { RespContext } from "./context.ts";
import { isRightsError } from "./errors.ts";
import type { RespReply } from "./reply_writer.ts";
import type { Words } from "./request_reader.ts";
import { QUEUED } from "./transaction.ts";

/** A command that has its reply. */
interface Answered {
  readonly kind: number;
  readonly words: Words;
}

/** A request has its reply; what EXEC has done is looked at as well. Few of them cost more than two look-ups. */
export function auditCommand(
  request: Answered,
  reply: RespReply,
  parts: { readonly context: RespContext; readonly client: ClientRecord },
): void {
  note(request, reply, parts);
  for (const { number, words, reply: inner } of parts.client.executed) note({ kind: number, words }, inner, parts);
}

function note(
  { kind, words }: Answered,
  reply: RespReply,
  { context: { gate }, client: { login, link } }: { readonly context: RespContext; readonly client: ClientRecord },
): void {
  const isRefused = isErrorReply(reply) && isRightsError(reply);
  if (!isRefused && (AUDITED[kind] !== true || reply === QUEUED)) return;
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

/** The first key, or what a subcommand that administers is about: never what stands behind that. */
function subjectOf({ kind, words }: Answered): string | undefined {
  const [name = "", , subject] = words;
  const entry = findCommand(name);
  if (entry?.call !== undefined) return keysOf([entry.name, ...words.slice(1)])[0];
  return AUDITED[kind] === true ? subject : undefined;
}
