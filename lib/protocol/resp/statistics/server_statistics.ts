/** What one node tells of the commands it has served: for INFO, SLOWLOG and LATENCY. */

import type { Clock } from "../../../base/clock.ts";
import { isErrorReply } from "../../../kv/replies.ts";
import type { Counter } from "../../../observe/metrics.ts";
import type { ClientMetrics } from "../../../net/client_metrics.ts";
import type { SessionNode } from "../../session_context.ts";
import type { ClientRecord } from "../client_record.ts";
import { FAST, PATHS, UNKNOWN_COMMAND } from "../commands.ts";
import type { RespReply } from "../reply_writer.ts";
import type { Words } from "../request_reader.ts";
import { QUEUED } from "../transaction.ts";
import { CommandStatistics } from "./command_statistics.ts";
import { ErrorStatistics } from "./error_statistics.ts";
import { LatencyEvents } from "./latency_events.ts";
import { Rates } from "./rates.ts";
import { SlowLog } from "./slow_log.ts";

const RUN_ID_BYTES = 20;

/** What a request was, and how long it took. */
export interface EndedRequest {
  /** Its number in the table of commands. */
  readonly kind: number;
  readonly words: Words;
  /** It was refused before anything was done. */
  readonly isRejected: boolean;
  readonly seconds: number;
}

/** What the statistics are made of. */
export interface StatisticsOptions {
  readonly clock: Clock;
  readonly metrics: ClientMetrics;
  /** Has the registry in which commands are counted, and the time for entries of the slow log. */
  readonly node: Pick<SessionNode, "metrics" | "timeMs">;
  /** A command that takes so long is slow, in ms. */
  readonly slowCommandMs: number;
}

/** The statistics of one client port. */
export class ServerStatistics {
  /** 40 hexadecimal digits, others at each start. */
  readonly runId = hexOf(crypto.getRandomValues(new Uint8Array(RUN_ID_BYTES)));
  readonly slowCommandMs: number;
  readonly commands: CommandStatistics;
  readonly errors = new ErrorStatistics();
  readonly slowLog = new SlowLog();
  readonly latency = new LatencyEvents();
  readonly rates: Rates;
  readonly #options: StatisticsOptions;
  /** Values of counters at the last RESETSTAT: who scrapes them as metrics needs them to rise. */
  #before = new Map<Counter, number>();

  /** Begins at 0. */
  constructor(options: StatisticsOptions) {
    this.#options = options;
    this.commands = new CommandStatistics(options.node.metrics);
    this.slowCommandMs = options.slowCommandMs;
    const { received, bytesReceived, bytesSent } = options.metrics;
    this.rates = new Rates(options.clock, [received, bytesReceived, bytesSent]);
  }

  /** A request has its reply. */
  ended(request: EndedRequest, reply: RespReply, client: ClientRecord): void {
    const isError = isErrorReply(reply);
    this.commands.answered(request.kind, isError);
    if (isError) this.errors.count(reply.error);
    if (request.isRejected) return this.commands.rejected(request.kind);
    // A queued command is done by EXEC, and then it counts.
    if (reply === QUEUED) return;
    this.#done(request, reply, client);
    if (client.executed.length > 0) this.#noteExecuted(request, client);
  }

  /** What a counter counted since the start or RESETSTAT. */
  since(counter: Counter): number {
    return counter.value - (this.#before.get(counter) ?? 0);
  }

  /** CONFIG RESETSTAT. */
  reset(): void {
    this.commands.reset();
    this.errors.reset();
    const { received, bytesReceived, bytesSent, connectionsAccepted, connectionsRefused } = this.#options.metrics;
    const counters = [received, bytesReceived, bytesSent, connectionsAccepted, connectionsRefused];
    this.#before = new Map(counters.map((counter) => [counter, counter.value]));
  }

  #done(command: EndedRequest, reply: RespReply, client: ClientRecord): void {
    const { kind, seconds } = command;
    if (kind === UNKNOWN_COMMAND) return;
    this.commands.done(kind, seconds, isErrorReply(reply));
    if (seconds * 1_000 >= this.slowCommandMs) this.#noteSlow(command, client);
  }

  /** The commands of EXEC: their effect came with its entry, and their replies with its reply, so that each took as long. */
  #noteExecuted({ seconds }: EndedRequest, client: ClientRecord): void {
    for (const { number, words, reply } of client.executed) {
      if (isErrorReply(reply)) this.errors.count(reply.error);
      this.#done({ kind: number, words, isRejected: false, seconds }, reply, client);
    }
    client.executed = [];
  }

  #noteSlow({ kind, words, seconds }: EndedRequest, client: ClientRecord): void {
    // EXEC's own words say nothing; the commands of its queue are entered one by one.
    if (PATHS[kind] === "exec") return;
    const timeMs = this.#options.node.timeMs();
    this.slowLog.add({
      timeMs,
      microseconds: Math.round(seconds * 1e6),
      words,
      address: client.link.remote,
      clientName: client.name,
    });
    this.latency.add(FAST[kind] === true ? "fast-command" : "command", {
      time: Math.floor(timeMs / 1_000),
      milliseconds: Math.round(seconds * 1_000),
    });
  }
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
