/** A session of the Redis protocol on a link that only records, so that tests need no socket. */

import type { AclLog } from "../../../../lib/access/acl_log.ts";
import type { Gate } from "../../../../lib/access/gate.ts";
import { RequestRates } from "../../../../lib/access/request_rates.ts";
import type { Clock } from "../../../../lib/base/clock.ts";
import type { KeyValueNode, RunNode } from "../../../../lib/node/api.ts";
import { ClientMetrics } from "../../../../lib/net/client_metrics.ts";
import { CLIENT_MEMORY_BYTES_MAX, REQUESTS_PER_TURN_MAX } from "../../../../lib/net/limits.ts";
import { MemoryBudget } from "../../../../lib/net/memory_budget.ts";
import type { ProtocolSession } from "../../../../lib/net/session.ts";
import { ClientRegistry } from "../../../../lib/protocol/resp/client_record.ts";
import type { RespContext } from "../../../../lib/protocol/resp/context.ts";
import { startRespConversation } from "../../../../lib/protocol/resp/interpreter.ts";
import { ServerStatistics } from "../../../../lib/protocol/resp/statistics/server_statistics.ts";
import { TurnBudget } from "../../../../lib/net/turn_budget.ts";
import { TurnTime } from "../../../../lib/net/turn_time.ts";
import { StateNode } from "../../../support/state_node.ts";
import { VirtualClock } from "../../../support/memory/virtual_clock.ts";
import { RecordingLink } from "../text/session_support.ts";
import { gateOf } from "../../../support/gate.ts";
import { encodeRequest } from "../../../support/resp/encode.ts";

/** What a bench is made with; the defaults are those of a server. */
export interface RespBenchOptions {
  readonly clusterMode?: boolean;
  readonly keyBytesMax?: number;
  readonly valueBytesMax?: number;
  readonly memoryBytesMax?: number;
  readonly requestsPerTurnMax?: number;
  readonly slowCommandMs?: number;
  readonly userRequestsPerSecond?: number;
  readonly connectionRequestsPerSecond?: number;
}

/** What the sessions of a server share. */
export interface RespContextParts extends RespBenchOptions {
  readonly node: KeyValueNode & RunNode;
  readonly clock: Clock;
  readonly warn?: (message: string) => void;
  /** The usual one of the node when left out. */
  readonly gate?: Gate;
}

/** The context of a server's sessions, around any node. */
export function respContext({ node, clock, warn = () => {}, ...options }: RespContextParts): RespContext {
  const metrics = new ClientMetrics(node.metrics);
  const slowCommandMs = options.slowCommandMs ?? 100;
  const { userRequestsPerSecond, connectionRequestsPerSecond } = options;
  return {
    node,
    rates: new RequestRates({ userRequestsPerSecond, connectionRequestsPerSecond }, node),
    changeMember: (change) => node.changeMember(change),
    gate: options.gate ?? gateOf(node, clock),
    clock,
    turnTime: new TurnTime(clock),
    log: () => {},
    warn,
    metrics,
    statistics: new ServerStatistics({ clock, metrics, slowCommandMs, node }),
    budget: new MemoryBudget(options.memoryBytesMax ?? CLIENT_MEMORY_BYTES_MAX),
    turns: new TurnBudget(clock, options.requestsPerTurnMax ?? REQUESTS_PER_TURN_MAX),
    clients: new ClientRegistry(),
    clusterMode: options.clusterMode ?? false,
    keyBytesMax: options.keyBytesMax ?? 65_536,
    valueBytesMax: options.valueBytesMax ?? 8_388_608,
    connectionsMax: () => 100,
    connections: () => 100,
  };
}

/** One server with a state machine; more than one client may speak to it. */
export class RespBench {
  readonly node = new StateNode();
  readonly clock = new VirtualClock();
  readonly warnings: string[] = [];
  readonly budget: MemoryBudget;
  readonly statistics: ServerStatistics;
  readonly aclLog: AclLog;
  readonly #context: RespContext;

  /** A server without clients. */
  constructor(options: RespBenchOptions = {}) {
    const { clock, node } = this;
    const context = respContext({ ...options, clock, node, warn: (message) => this.warnings.push(message) });
    this.#context = context;
    this.budget = context.budget;
    this.statistics = context.statistics;
    this.aclLog = context.gate.aclLog;
  }

  /** Another client. */
  connect(): RespClient {
    return new RespClient(this.#context);
  }
}

/** One client, whose replies are taken as the bytes they are. */
export class RespClient {
  readonly link = new RecordingLink();
  readonly session: ProtocolSession;

  /** A client of the server with this context. */
  constructor(context: RespContext) {
    this.session = startRespConversation(this.link, context);
  }

  /** Sends requests, each the words of one string with blanks between, and gives back the replies. */
  async ask(...lines: readonly string[]): Promise<string> {
    return await this.send(lines.map((line) => encodeRequest(...line.split(" "))).join(""));
  }

  /** Sends bytes and gives back what came. */
  async send(bytes: string): Promise<string> {
    this.session.receive(bytes);
    return await this.take();
  }

  /** What came since the last call, once everything that goes on by itself has run. */
  async take(): Promise<string> {
    for (let step = 0; step < SETTLING_STEPS; step++) await Promise.resolve();
    const { output } = this.link;
    this.link.output = "";
    return output;
  }
}

/** Microtasks within which whatever does not wait for the clock comes to its end. */
const SETTLING_STEPS = 200;
