/** The sections of INFO about what was counted: stats, commandstats, errorstats, latencystats. */

import type { RespContext } from "../context.ts";
import { PATHS } from "../commands.ts";
import type { CommandFigures } from "../statistics/command_statistics.ts";
import type { Lines } from "./lines.ts";

const MICROSECONDS = 1e6;
const KIBIBYTE = 1_024;
/** As in Redis, unless it is told other ones. */
const PERCENTILES = [50, 99, 99.9] as const;

/** What all clients did together, text protocol included. */
export function stats({ metrics, statistics }: RespContext): Lines {
  const { received, bytesReceived, bytesSent, connectionsAccepted, connectionsRefused } = metrics;
  const kibibytes = (perSecond: number) => (perSecond / KIBIBYTE).toFixed(2);
  return [
    ["total_connections_received", statistics.since(connectionsAccepted)],
    ["total_commands_processed", statistics.since(received)],
    ["instantaneous_ops_per_sec", Math.round(statistics.rates.perSecond(received))],
    ["total_net_input_bytes", statistics.since(bytesReceived)],
    ["total_net_output_bytes", statistics.since(bytesSent)],
    ["instantaneous_input_kbps", kibibytes(statistics.rates.perSecond(bytesReceived))],
    ["instantaneous_output_kbps", kibibytes(statistics.rates.perSecond(bytesSent))],
    ["rejected_connections", statistics.since(connectionsRefused)],
    ["evicted_keys", 0],
    ["pubsub_channels", 0],
    ["pubsub_patterns", 0],
    ["total_error_replies", statistics.errors.total],
  ];
}

/** Each command of Redis clients that came. */
export function commandStatistics(context: RespContext): Lines {
  return figuresOf(context).map(([path, { calls, failed, rejected, seconds }]) => {
    const microseconds = Math.round(seconds.sum * MICROSECONDS);
    const mean = calls === 0 ? 0 : microseconds / calls;
    const shown = `calls=${calls},usec=${microseconds},usec_per_call=${mean.toFixed(2)}`;
    return [`cmdstat_${path}`, `${shown},rejected_calls=${rejected},failed_calls=${failed}`];
  });
}

/** Errors by their first word. */
export function errorStatistics({ statistics }: RespContext): Lines {
  return Array.from(statistics.errors.counts, ([word, count]) => [`errorstat_${word}`, `count=${count}`]);
}

/** How long each command took, from read to reply ready. */
export function latencyStatistics(context: RespContext): Lines {
  return figuresOf(context).filter(([, { calls }]) => calls > 0).map(([path, { seconds }]) => {
    const shown = PERCENTILES.map((percentile) => {
      return `p${percentile}=${(seconds.quantile(percentile / 100) * MICROSECONDS).toFixed(3)}`;
    });
    return [`latency_percentiles_usec_${path}`, shown.join(",")];
  });
}

function figuresOf({ statistics }: RespContext): readonly (readonly [path: string, figures: CommandFigures])[] {
  return PATHS.flatMap((path, number) => {
    const figures = statistics.commands.of(number);
    return path === undefined || figures === undefined ? [] : [[path, figures] as const];
  });
}
