/** What distance between the nodes costs a client, in round trips: the same loads with 10 ms between the nodes and with none. */

import { findFreePorts } from "../../tests/support/ports.ts";
import { fill } from "../compare/loads/kvstore_bench.ts";
import { PacedLoad } from "../compare/loads/redis_benchmark.ts";
import { type Cost, Meter } from "../compare/meter.ts";
import { type CompareOptions, VALUE_BYTES } from "../compare/options.ts";
import { judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../compare/row.ts";
import { type KVStoreServer, startKVStore } from "../compare/servers/kvstore.ts";
import { note } from "../support/print.ts";
import { DelayLine } from "./delay_line.ts";
import { measureRoundTrip } from "./round_trip.ts";

const ROUND_TRIP_MS = 10;

interface LatencyRow extends RowHead {
  readonly command: "set" | "get";
  readonly connections: number;
  readonly onFollower: boolean;
  /** Round trips more than without distance. */
  readonly bar: number;
}

const ROWS: readonly LatencyRow[] = [false, true].flatMap((onFollower) =>
  (["set", "get"] as const).flatMap((command) =>
    [1, 50].map((connections) => ({
      id: `latency-${onFollower ? "follower" : "leader"}-${command}-${connections}`,
      title: `Round trips that ${command.toUpperCase()} takes more with ${ROUND_TRIP_MS} ms between the nodes, ` +
        `${onFollower ? "follower" : "leader"}, ${connections === 1 ? "1 connection" : `${connections} connections`}`,
      ...{ command, connections, onFollower },
      bar: onFollower && command === "set" ? 2.1 : 1.1,
    }))
  )
);

/** One cluster whose peer links are delay lines; each load with and without delay, in turn. */
export const latency: RowGroup = {
  rows: ROWS,
  minutesMax: 20,
  async run(options, chosen) {
    const rows = ROWS.filter(({ id }) => chosen.has(id));
    if (options.subject === "redis") return rows.map((row) => skipRow(row, "There are no followers"));
    const roundTripMs = await measureRoundTrip(ROUND_TRIP_MS / 2) - await measureRoundTrip(0);
    await using lines = new AsyncDisposableStack();
    const between: DelayLine[] = [];
    await using server = await startKVStore(options, ({ nodes }) => {
      for (const node of nodes) {
        node.peerBindPort = findFreePorts(1)[0] ?? 0;
        between.push(lines.use(new DelayLine({ port: node.peerPort, target: node.peerBindPort, oneWayMs: 0 })));
      }
    });
    await fill(server.address(await server.leader()), options.keys);
    const results: RowResult[] = [];
    for (const row of rows) results.push(await measure(row, options, { server, between, roundTripMs }));
    return results;
  },
};

async function measure(
  row: LatencyRow,
  options: CompareOptions,
  { server, between, roundTripMs }: {
    readonly server: KVStoreServer;
    readonly between: readonly DelayLine[];
    readonly roundTripMs: number;
  },
): Promise<RowResult> {
  const near: number[] = [];
  const far: number[] = [];
  const costs: Cost[] = [];
  const load = { command: row.command, connections: row.connections, pipeline: 1, keys: options.keys } as const;
  const setDelay = (ms: number) => between.forEach((line) => line.oneWayMs = ms);
  const paces = new Map<string, PacedLoad>();
  for (let run = 1; run <= options.runs; run++) {
    for (const [oneWayMs, found] of [[0, near], [ROUND_TRIP_MS / 2, far]] as const) {
      setDelay(oneWayMs);
      const leader = await server.leader();
      const id = row.onFollower ? server.ids.find((other) => other !== leader) ?? leader : leader;
      const key = `${oneWayMs} ${id}`;
      const paced = paces.get(key) ?? new PacedLoad(server.address(id), { ...load, valueBytes: VALUE_BYTES });
      paces.set(key, paced);
      const meter = new Meter(server);
      const { p50Ms, requests } = await paced.run(options.seconds);
      costs.push({ ...meter.read(requests), name: oneWayMs === 0 ? "near" : "far" });
      found.push(p50Ms);
    }
    note(
      `Run ${run} of ${options.runs}: ${row.id}: p50 ${near.at(-1)?.toFixed(2)} ms, far ${far.at(-1)?.toFixed(2)} ms`,
    );
  }
  setDelay(0);
  const ms = { unit: " ms", digits: 2 };
  return judge(row, {
    bar: { kind: "atMost", value: row.bar, of: "median", unit: "", digits: 2 },
    samples: far.map((p50, at) => roundTripsMore(p50, { near: near[at] ?? NaN, roundTripMs })),
    costs,
    notes: [
      `p50 ${showSpread(near, ms)} without distance, ${showSpread(far, ms)} with it. A round trip through the same ` +
      `delay takes ${roundTripMs.toFixed(2)} ms.`,
    ],
  });
}

/** What distance adds to a latency, in round trips. */
export function roundTripsMore(far: number, { near, roundTripMs }: { near: number; roundTripMs: number }): number {
  return (far - near) / roundTripMs;
}
