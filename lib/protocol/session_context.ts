/** What the sessions of the client port share, whatever their protocol. */

import type { Gate } from "../access/gate.ts";
import type { Login } from "../access/login.ts";
import type { RequestRates } from "../access/request_rates.ts";
import type { Clock } from "../base/clock.ts";
import type {
  MemberChange,
  MemberChangeOutcome,
  NodeAdministrator,
  NodeMonitor,
  NodeReader,
  NodeWriter,
} from "../node/api.ts";
import type { Log } from "../observe/log.ts";
import type { ClientMetrics } from "../net/client_metrics.ts";
import type { MemoryBudget } from "../net/memory_budget.ts";
import type { ClientLink } from "../net/session.ts";
import type { TurnBudget } from "../net/turn_budget.ts";
import type { TurnTime } from "../net/turn_time.ts";

/** What the sessions ask of the node. */
export interface SessionNode extends NodeWriter, NodeReader, NodeMonitor, Pick<NodeAdministrator, "takeSnapshot"> {}

/** The server as its client sessions see it. */
export interface SessionContext {
  readonly node: SessionNode;
  /** Changes the membership by way of the leader, wherever that is: `NotLeader` says that there is none. Never rejects. */
  readonly changeMember: (change: MemberChange, login: Login | undefined) => Promise<MemberChangeOutcome>;
  /** Who may come in. */
  readonly gate: Gate;
  /** How many requests a second are begun; left out for any number. */
  readonly rates?: RequestRates | undefined;
  readonly clock: Clock;
  /** The time of this turn, read from the clock once. */
  readonly turnTime: TurnTime;
  readonly log: Log;
  /** Logs a warning that any client can cause: at most one line each second. */
  readonly warn: (message: string) => void;
  readonly metrics: ClientMetrics;
  readonly budget: MemoryBudget;
  readonly turns: TurnBudget;
  /** The limit on client connections in force now. */
  connectionsMax(): number;
  /** Client connections open now. */
  connections(): number;
}

/** Whether somebody has to log in on a connection before anything else. */
export function isLoginNeeded(
  { certified }: Pick<ClientLink, "certified">,
  { gate }: Pick<SessionContext, "gate">,
): boolean {
  return !gate.admits(undefined) && !gate.isCertified(certified);
}

/** Where a client comes from, without its port. */
export function addressOf({ remote }: Pick<ClientLink, "remote">): string {
  return remote.slice(0, remote.lastIndexOf(":"));
}
