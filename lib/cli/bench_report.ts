/** What `kvstore bench` shows: a line while it runs, and the result as text or as JSON. */

import { alignColumns } from "../cluster/ready_text.ts";
import type { Latencies, LoadOptions, LoadProgress, LoadResult } from "../load/options.ts";
import { onOneLine } from "./log.ts";

const EXAMPLE_LENGTH_MAX = 100;

/** One line, without its end. */
export function showProgress({ seconds, perSecond, errors, maxMs }: LoadProgress): string {
  const when = seconds < 0 ? "warm-up" : `${Math.round(seconds)} s`;
  return `${when}: ${grouped(perSecond)} requests/s, slowest ${maxMs.toFixed(1)} ms, ${grouped(errors)} errors`;
}

/** The result for people. */
export function showLoadText(options: LoadOptions, result: LoadResult): string {
  const { seconds, requests, perSecond, misses, errors, cpuSeconds } = result;
  const cpu = seconds === 0 ? 0 : cpuSeconds / seconds * 100;
  const lines = [
    describeLoad(options),
    "",
    `${grouped(requests)} requests in ${seconds.toFixed(2)} s: ${grouped(perSecond)} requests/s`,
    `${grouped(errors)} errors${misses === 0 ? "" : `, ${grouped(misses)} GETs of absent keys`}`,
    ...errorLines(result),
    `Processor of the load generator: ${cpu.toFixed(0)} %`,
    "",
    ...latencyTable(result),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** The result and what was asked for, as one object on one line. */
export function showLoadJson(options: LoadOptions, result: LoadResult): string {
  const { addresses, limit, login: _, onProgress: __, stop: ___, ...asked } = options;
  const shown = {
    ...asked,
    addresses: addresses.map(({ hostname, port }) => `${hostname}:${port}`),
    rate: options.rate ?? null,
    limit,
  };
  return `${JSON.stringify({ options: shown, result })}\n`;
}

function describeLoad(options: LoadOptions): string {
  const { command, connections, pipeline, rate, keys, keyOrder, valueBytes, readShare } = options;
  const valued = command === "set" || command === "mset";
  const parts = [
    command.toUpperCase() + (readShare > 0 ? ` with ${(readShare * 100).toFixed(1)} % GET` : ""),
    `${grouped(connections)} connections`,
    `pipeline ${grouped(pipeline)}`,
    rate === undefined ? "closed loop" : `${grouped(rate)} requests/s due`,
    `${grouped(keys)} ${keyOrder} keys`,
    ...(valued ? [`values of ${grouped(valueBytes)} bytes`] : []),
  ];
  return parts.join(", ");
}

function errorLines({ errorsByWord }: LoadResult): string[] {
  const rows = Object.entries(errorsByWord).sort(([, left], [, right]) => right.count - left.count);
  return alignColumns(rows.map(([word, { count, example }]) => {
    const text = onOneLine(example);
    const shown = text.length > EXAMPLE_LENGTH_MAX ? `${text.slice(0, EXAMPLE_LENGTH_MAX)}...` : text;
    return [`  ${word}`, grouped(count), shown];
  }));
}

function latencyTable({ latencyMs, sentLateMs }: LoadResult): string[] {
  const row = (name: string, { mean, p50, p90, p99, p999, p9999, max }: Latencies) => [
    name,
    ...[mean, p50, p90, p99, p999, p9999, max].map((value) => value.toFixed(3)),
  ];
  return alignColumns([
    ["", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"],
    row("latency, ms", latencyMs),
    ...(sentLateMs === null ? [] : [row("of it sent late by the generator, ms", sentLateMs)]),
  ]);
}

function grouped(value: number): string {
  return value.toFixed(0).replace(/\B(?=(\d{3})+(?!\d))/g, " ");
}
