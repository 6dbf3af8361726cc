/** `kvstore leader`: who leads, and the transfer of the leadership to another node. */

import type { NodeId } from "../raft/types.ts";
import { AdminConnection, failureOf } from "./admin_connection.ts";
import { fieldsOf } from "./cluster_view.ts";
import type { CommandContext } from "./command_context.ts";
import { EXIT } from "./failures.ts";
import { readNodeId } from "./peers.ts";
import { quoteForPeople, UsageError } from "./usage_error.ts";

const OK = 200;

/** Shows the leader, or moves the leadership. Throws `Failure`, `UsageError`. */
export async function runLeaderCommand(context: CommandContext): Promise<number> {
  const { operands: [word, target, ...rest], surroundings, settings } = context;
  if ((word !== undefined && word !== "transfer") || rest.length > 0) {
    throw new UsageError(`leader takes nothing, or transfer [ID], not ${quoteForPeople(context.operands.join(" "))}`);
  }
  const id = target === undefined ? undefined : readNodeId(target);
  const admin = new AdminConnection(context);
  const before = await admin.led();
  const after = word === "transfer" ? await transfer(admin, id) : before;
  const moved = after.leader !== before.leader;
  const place = before.members.find((member) => member.id === after.leader)?.clientAddress;
  const how = word === undefined ? "leads" : moved ? "leads now" : "leads already, so nothing was done";
  const shown = { leader: after.leader, term: after.term, "client_address": place, moved };
  surroundings.out(
    settings.enabled("json")
      ? `${JSON.stringify(shown)}\n`
      : `Node ${after.leader} (${place}) ${how}, in term ${after.term}.\n`,
  );
  return EXIT.ok;
}

/** Lets a node lead, or the one that is best prepared. Throws `Failure` with the reason of the refusal. */
export async function transfer(
  admin: AdminConnection,
  target: NodeId | undefined,
): Promise<{ readonly leader: NodeId; readonly term: number }> {
  const body = target === undefined ? {} : { node: target };
  const reply = await admin.ask({ method: "POST", path: "/v1/cluster/leader", body });
  const { leader, term } = fieldsOf(reply.json);
  if (reply.status !== OK || typeof leader !== "number" || typeof term !== "number") throw failureOf(reply);
  return { leader, term };
}
