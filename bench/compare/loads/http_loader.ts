/**
 * A load generator for HTTP, a process of its own: connections that stay open, one request at a time on each. It speaks to
 * etcd's JSON gateway and to KVStore, and parses no more than it must. Prints one line of JSON.
 */

import { cpuUsage } from "node:process";
import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { Random } from "../../../lib/base/random.ts";
import { LatencyHistogram } from "../../../lib/load/histogram.ts";
import { print } from "../../support/print.ts";

/** What is asked. */
export type HttpRequestKind = "etcd-put" | "etcd-get" | "put" | "get";

/** One run. */
export interface HttpPlan {
  readonly kind: HttpRequestKind;
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly keys: number;
  readonly valueBytes: number;
}

/** What a run gave. */
export interface HttpResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly errors: number;
  readonly p50: number;
  readonly p99: number;
  /** Processors kept busy by the generator. */
  readonly cpu: number;
}

const READ_BYTES = 16_384;

class Connection {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(READ_BYTES);

  constructor(socket: Deno.TcpConn) {
    socket.setNoDelay(true);
    this.#socket = socket;
  }

  /** Sends one request; resolves to whether the answer was 200 or 201. */
  async ask(request: Uint8Array): Promise<boolean> {
    for (let sent = 0; sent < request.length;) sent += await this.#socket.write(request.subarray(sent));
    let text = "";
    for (;;) {
      const count = await this.#socket.read(this.#buffer);
      if (count === null) throw new Error("The server closed the connection");
      text += bytesToString(this.#buffer, 0, count);
      const end = text.indexOf("\r\n\r\n");
      const length = end < 0 ? undefined : /\r\ncontent-length: *(\d+)/i.exec(text)?.[1];
      if (end >= 0 && length === undefined) throw new Error(`No Content-Length: ${text.slice(0, 200)}`);
      if (end >= 0 && text.length >= end + 4 + Number(length)) return /^HTTP\/1\.1 20[01] /.test(text);
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** The bytes of one request. */
export function makeRequest(kind: HttpRequestKind, { key, value }: { key: string; value: string }): string {
  const host = "Host: 127.0.0.1\r\n";
  switch (kind) {
    case "etcd-put":
      return post("/v3/kv/put", `{"key":"${btoa(key)}","value":"${btoa(value)}"}`);
    case "etcd-get":
      return post("/v3/kv/range", `{"key":"${btoa(key)}"}`);
    case "put":
      return `PUT /v1/kv/${key} HTTP/1.1\r\n${host}Content-Length: ${value.length}\r\n\r\n${value}`;
    case "get":
      return `GET /v1/kv/${key} HTTP/1.1\r\n${host}\r\n`;
  }
}

function post(path: string, body: string): string {
  const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n`;
  return `${head}Content-Length: ${body.length}\r\n\r\n${body}`;
}

async function run(plan: HttpPlan): Promise<HttpResult> {
  const connections = await Promise.all(
    Array.from({ length: plan.connections }, async () => {
      return new Connection(await Deno.connect({ hostname: "127.0.0.1", port: plan.port }));
    }),
  );
  const random = new Random(1);
  const value = "x".repeat(plan.valueBytes);
  const latencies = new LatencyHistogram();
  let errors = 0;
  const begin = performance.now();
  const cpu = cpuSeconds();
  const until = begin + plan.seconds * 1_000;
  const work = async (connection: Connection): Promise<void> => {
    while (performance.now() < until) {
      const key = `key:${String(random.below(plan.keys)).padStart(12, "0")}`;
      const request = stringToBytes(makeRequest(plan.kind, { key, value }));
      const sentAt = performance.now();
      if (await connection.ask(request)) latencies.record(performance.now() - sentAt);
      else errors += 1;
    }
  };
  await Promise.all(connections.map(work));
  const seconds = (performance.now() - begin) / 1_000;
  for (const connection of connections) connection.close();
  return {
    perSecond: latencies.count / seconds,
    requests: latencies.count,
    errors,
    p50: latencies.quantile(0.5),
    p99: latencies.quantile(0.99),
    cpu: (cpuSeconds() - cpu) / seconds,
  };
}

function cpuSeconds(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1_000_000;
}

if (import.meta.main) print(JSON.stringify(await run(JSON.parse(Deno.args[0] ?? "{}"))));
