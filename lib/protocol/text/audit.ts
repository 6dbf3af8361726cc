/** What of the requests of a connection belongs in the audit log: those that administer, and those that were refused for the lack of a right. */

import type { Gate } from "../../access/gate.ts";
import type { Login } from "../../access/login.ts";
import type { CommandResult } from "../../kv/results.ts";
import type { ClientLink } from "../../net/session.ts";
import { addressOf } from "../session_context.ts";
import type { Request } from "./requests.ts";

/** Who asks, and where that is recorded. */
export interface Asker {
  readonly gate: Pick<Gate, "audit" | "nameOf" | "noteRefusal">;
  readonly login: Login | undefined;
  readonly link: Pick<ClientLink, "remote">;
}

/** A request was refused for the lack of a right, that to ask at all included. */
export function auditRefusal(request: Request, { gate, login, link }: Asker): void {
  const from = addressOf(link);
  const named = nameRequest(request);
  const { command, subject } = named;
  const key = request.type === "Member" ? undefined : subject;
  gate.noteRefusal({ login, command, key, context: "text", remote: link.remote });
  gate.audit.record({ ...named, type: "Refused", user: gate.nameOf(login), from, protocol: "text", isAllowed: false });
}

/** Whether a write was refused where it was applied, for the lack of a right. */
export function lacksRight(result: CommandResult): boolean {
  return result.type === "Forbidden" || (result.type === "Refused" && result.reason === "NotLoggedIn");
}

/** A request that takes a while has ended; a login is recorded by the gate. */
export function auditEnd(
  request: Request,
  { gate, login, link, isDone }: Asker & { readonly isDone: boolean },
): void {
  if (request.type === "Login") return;
  gate.audit.record({
    ...nameRequest(request),
    ...{ type: "Admin", user: gate.nameOf(login), from: addressOf(link), protocol: "text", isAllowed: true },
    outcome: isDone ? "Done" : "Failed",
  });
}

/** What may be said of a request: never a value. */
function nameRequest(request: Request): { readonly command: string; readonly subject?: string } {
  switch (request.type) {
    case "Write":
      return { command: request.command.type.toLowerCase(), subject: request.command.key };
    case "Read":
    case "StaleRead":
      return { command: "get", subject: request.key };
    case "Member": {
      const { change } = request;
      const subject = change.type === "Add" ? change.clientAddress : String(change.id);
      return { command: `member|${change.type.toLowerCase()}`, subject };
    }
    default:
      return { command: request.type.toLowerCase() };
  }
}
