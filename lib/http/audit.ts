/** What of the requests belongs in the audit log: those that administer, and those that were refused for the lack of a right. */

import type { Gate } from "../access/gate.ts";
import type { Login } from "../access/login.ts";
import { GUARD_CODES } from "./guard.ts";
import type { HttpReply, HttpRequest } from "./http.ts";
import { addressOf, NOT_LOGGED_IN } from "./logins.ts";
import { isProblem } from "./problem.ts";
import type { Route, Tag } from "./route.ts";
import type { Destination, Router } from "./router.ts";

/** What is not about keys and sessions. */
const ADMINISTERED: readonly Tag[] = ["Users", "Cluster", "Local cluster"];
const FORBIDDEN = 403;
const FAILED_MIN = 400;

type AuditGate = Pick<Gate, "audit" | "nameOf" | "noteRefusal">;

/** Notes each request once its reply is known, or its head where the reply comes piece by piece. */
export class RequestAudit {
  readonly #gate: AuditGate;
  readonly #router: Router;

  constructor({ gate, router }: { readonly gate: AuditGate; readonly router: Router }) {
    this.#gate = gate;
    this.#router = router;
  }

  /** `login` is who sent it, undefined for nobody; `destination` where it led. */
  note(
    request: Pick<HttpRequest, "method" | "path" | "remote">,
    { reply, login, destination }: {
      readonly reply: HttpReply;
      readonly login?: Login | undefined;
      readonly destination: Destination;
    },
  ): void {
    const isRefused = isRightsRefusal(reply);
    if (!isRefused && !(destination.type === "Route" && administers(destination.route))) return;
    // Who has not said who he is is led nowhere.
    const found = destination.type === "Route" ? destination : this.#router.find(request.method, request.path);
    const route = found.type === "Route" ? found : undefined;
    const command = route?.route.id ?? "none";
    const missing = isProblem(reply) ? reply.missing : undefined;
    if (missing !== undefined) {
      const key = missing.prefix === "" ? undefined : missing.prefix;
      this.#gate.noteRefusal({ login, command, key, context: "http", remote: request.remote });
    }
    const named = [...route?.path.values() ?? []].join(" ");
    this.#gate.audit.record({
      type: isRefused ? "Refused" : "Admin",
      user: this.#gate.nameOf(login),
      from: addressOf(request),
      protocol: "http",
      command,
      subject: named === "" ? undefined : named,
      isAllowed: !isRefused,
      outcome: isRefused ? undefined : reply.status < FAILED_MIN ? "Done" : "Failed",
    });
  }
}

/** A backup is all that there is, and what is kept of passwords. */
function administers({ method, tag, holdsEverything }: Route): boolean {
  return holdsEverything === true || (method !== "GET" && ADMINISTERED.includes(tag));
}

/** Whether a right was missing, that to ask at all included; what a page of others is refused is no matter of rights. */
function isRightsRefusal(reply: HttpReply): boolean {
  if (!isProblem(reply)) return false;
  const { code } = reply.problem;
  return code === NOT_LOGGED_IN.problem.code || (reply.status === FORBIDDEN && !GUARD_CODES.includes(code));
}
