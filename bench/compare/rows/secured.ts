/** What TLS and users cost: processor time of all nodes for one request, against the same nodes without either. */

import { whyNoTls } from "../../../lib/tls/terminator.ts";
import { note } from "../../support/print.ts";
import { fill } from "../loads/kvstore_bench.ts";
import { type BenchmarkAccess, PacedLoad } from "../loads/redis_benchmark.ts";
import { type Cost, Meter } from "../meter.ts";
import { type CompareOptions, VALUE_BYTES } from "../options.ts";
import { judge, type RowGroup, type RowHead, type RowResult, showSpread, skipRow } from "../row.ts";
import { type Secured, startSecured } from "../servers/secured.ts";
import type { Server } from "../servers/server.ts";
import { startKVStore } from "../servers/kvstore.ts";

/** A load, with TLS or with users alone. */
export interface SecuredRow extends RowHead {
  readonly command: "set" | "get";
  readonly pipeline: number;
  readonly hasTls: boolean;
}

const CONNECTIONS = 50;
const BAR = 1.5;

/** Every row. */
export const SECURED_ROWS: readonly SecuredRow[] = [
  securedRow("set", { pipeline: 1, hasTls: true }),
  securedRow("get", { pipeline: 1, hasTls: true }),
  securedRow("set", { pipeline: 16, hasTls: true }),
  securedRow("get", { pipeline: 16, hasTls: true }),
  securedRow("set", { pipeline: 1, hasTls: false }),
  securedRow("get", { pipeline: 1, hasTls: false }),
  securedRow("set", { pipeline: 16, hasTls: false }),
  securedRow("get", { pipeline: 16, hasTls: false }),
];

/** Processor time is what the machine gives: rates of a machine whose cores are all busy follow from it. */
export const secured: RowGroup = {
  rows: SECURED_ROWS,
  minutesMax: 15,
  async run(options, chosen) {
    const rows = SECURED_ROWS.filter(({ id }) => chosen.has(id));
    const why = whyNot(options);
    if (why !== undefined) return rows.map((row) => skipRow(row, why));
    await using plain = await startKVStore(options);
    const address = plain.address(await plain.leader());
    await fill(address, options.keys);
    await using other = await startSecured(options);
    const results: RowResult[] = [];
    for (const row of rows) results.push(await measure(row, options, { plain, address, other }));
    return results;
  },
};

/** What one run gave. */
export interface SecuredSample {
  readonly perSecond: number;
  readonly cost: Cost;
}

/** The row of runs that followed each other in pairs. */
export function judgeSecured(
  row: SecuredRow,
  { secret, plain }: { readonly secret: readonly SecuredSample[]; readonly plain: readonly SecuredSample[] },
): RowResult {
  const microsOf = ({ cost }: SecuredSample) => cost.cpuSeconds / Math.max(1, cost.requests ?? 0) * 1_000_000;
  const ratios = (of: (sample: SecuredSample) => number) => {
    return secret.map((sample, at) => of(sample) / of(plain[at] ?? { ...sample, perSecond: NaN }));
  };
  const micros = { unit: " us", digits: 1 };
  return judge(row, {
    bar: { kind: "atMost", value: BAR, of: "median", unit: "", digits: 2 },
    samples: ratios(microsOf),
    costs: [...secret, ...plain].map(({ cost }) => cost),
    notes: [
      `Processor time of all nodes for one request: ${showSpread(secret.map(microsOf), micros)}, ` +
      `without ${showSpread(plain.map(microsOf), micros)}.`,
      `Throughput: ${showSpread(ratios(({ perSecond }) => perSecond), { digits: 2 })} of that without.`,
    ],
  });
}

function securedRow(
  command: "set" | "get",
  { pipeline, hasTls }: Pick<SecuredRow, "pipeline" | "hasTls">,
): SecuredRow {
  const what = `${command.toUpperCase()}, ${CONNECTIONS} connections${pipeline === 1 ? "" : `, pipeline ${pipeline}`}`;
  return {
    id: `${hasTls ? "tls" : "users"}-${command}-${pipeline === 1 ? CONNECTIONS : `p${pipeline}`}`,
    title: `${what}, ${hasTls ? "TLS and users" : "users"}: processor time, of that without`,
    ...{ command, pipeline, hasTls },
  };
}

function whyNot({ subject, binary }: CompareOptions): string | undefined {
  if (subject === "redis") return "It is about the nodes of KVStore";
  return binary === undefined ? whyNoTls(Deno.version.deno) : undefined;
}

async function measure(
  row: SecuredRow,
  options: CompareOptions,
  { plain, address, other }: { readonly plain: Server; readonly address: string; readonly other: Secured },
): Promise<RowResult> {
  const { user, caFile } = other;
  const ways = {
    secret: row.hasTls
      ? loadOf(row, options, { server: other.server, address: other.tlsAddress, access: { ...user, caFile } })
      : loadOf(row, options, { server: other.server, address: other.address, access: user }),
    plain: loadOf(row, options, { server: plain, address, access: {} }),
  };
  const samples = { secret: new Array<SecuredSample>(), plain: new Array<SecuredSample>() };
  for (let run = 1; run <= options.runs; run++) {
    // Whoever is first meets what the machine does at that moment, so they take turns.
    const order = run % 2 === 1 ? ["secret", "plain"] as const : ["plain", "secret"] as const;
    for (const way of order) samples[way].push(await ways[way]());
    const [secret, without] = [samples.secret.at(-1), samples.plain.at(-1)];
    note(
      `Run ${run} of ${options.runs}: ${row.title}: ${secret?.perSecond.toFixed(0)}/s, ${
        without?.perSecond.toFixed(0)
      }/s`,
    );
  }
  return judgeSecured(row, samples);
}

function loadOf(
  { command, pipeline, hasTls }: SecuredRow,
  { keys, seconds }: CompareOptions,
  { server, address, access }: { readonly server: Server; readonly address: string; readonly access: BenchmarkAccess },
): () => Promise<SecuredSample> {
  const load = { command, connections: CONNECTIONS, pipeline, keys, valueBytes: VALUE_BYTES, access };
  const paced = new PacedLoad(address, load);
  const name = access.user === undefined ? "KVStore" : hasTls ? "KVStore with TLS and users" : "KVStore with users";
  return async () => {
    const meter = new Meter(server);
    const { requests, perSecond } = await paced.run(seconds);
    return { perSecond, cost: { ...meter.read(requests), name } };
  };
}
