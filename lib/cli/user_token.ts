/** `kvstore user token`: the tokens of users, with which programs come in without a password. */

import { readTokenTtl } from "../http/routes/tokens.ts";
import { isTokenTtl } from "../kv/tokens.ts";
import { AdminConnection, type AdminReply, failureOf } from "./admin_connection.ts";
import { fieldsOf } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT, Failure } from "./failures.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

/** What stands behind `kvstore user`. */
export const TOKEN_USAGE = "token add USER NAME|token list USER|token revoke USER NAME";

const OK = 200;
const CREATED = 201;

/** Makes, shows or revokes tokens. Throws `Failure`, `UsageError`. */
export async function runTokenCommand(context: CommandContext): Promise<number> {
  const { operands: [, action, user = "", name = "", ...rest], settings, surroundings } = context;
  const takesName = action === "add" || action === "revoke";
  const fits = (takesName || action === "list") && user !== "" && takesName === (name !== "") && rest.length === 0;
  if (!fits) {
    throw new UsageError(`${quoteForPeople(context.operands.join(" "))} does not fit; use kvstore user ${TOKEN_USAGE}`);
  }
  const ttl = settings.text("expires");
  if (!isTokenTtl(readTokenTtl(ttl) ?? NaN)) {
    throw new UsageError(
      `--expires must be never, or 1s to 3650d with s, m, h or d, not ${quoteForPeople(ttl)}; for example 90d`,
    );
  }
  const admin = new AdminConnection(context);
  const path = `/v1/users/${encodeURIComponent(user)}/tokens`;
  if (action === "list") return list(context, await admin.ask({ method: "GET", path }));
  if (action === "revoke") {
    const reply = await admin.ask({ method: "DELETE", path: `${path}/${encodeURIComponent(name)}` });
    if (reply.status !== OK) throw failureOf(reply);
    surroundings.out(`Token ${name} of ${user} is revoked; what came in with it has ended.\n`);
    return EXIT.ok;
  }
  return add(context, await admin.ask({ method: "POST", path, body: { name, ttl } }));
}

/** The token alone goes to standard output, so that it can be sent into a file. */
function add({ settings, surroundings }: CommandContext, reply: AdminReply): number {
  if (reply.status !== CREATED) throw failureOf(reply);
  const { name, token, expires_at: expiresAt } = fieldsOf(reply.json);
  if (typeof token !== "string") {
    throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
  }
  if (settings.enabled("json")) {
    surroundings.out(`${JSON.stringify({ name, token, expires_at: expiresAt })}\n`);
    return EXIT.ok;
  }
  surroundings.err(`Token ${String(name)}, ${describeEnd(expiresAt)}; it is shown now and never again:\n`);
  surroundings.out(`${token}\n`);
  return EXIT.ok;
}

function list({ settings, surroundings, operands: [, , user = ""] }: CommandContext, reply: AdminReply): number {
  if (reply.status !== OK) throw failureOf(reply);
  const { tokens } = fieldsOf(reply.json);
  if (!Array.isArray(tokens)) throw new Failure("What answered over HTTP is no KVStore node; --connect names others");
  if (settings.enabled("json")) surroundings.out(`${JSON.stringify({ tokens })}\n`);
  else if (tokens.length === 0) surroundings.out(`${user} has no tokens.\n`);
  else {
    for (const token of tokens) {
      const { name, expires_at: expiresAt } = fieldsOf(token);
      surroundings.out(`${String(name)} ${describeEnd(expiresAt)}\n`);
    }
  }
  return EXIT.ok;
}

function describeEnd(expiresAt: unknown): string {
  return typeof expiresAt === "number" ? `until ${new Date(expiresAt).toISOString()}` : "without an end";
}
