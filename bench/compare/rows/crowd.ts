/** What the writes of one client take while the HTTP port is crowded by connections that never finish a request. */

import { Connection } from "../../../tests/support/resp/connection.ts";
import { describeReply } from "../../../tests/support/resp/reply.ts";
import { note } from "../../support/print.ts";
import { type Cost, Meter } from "../meter.ts";
import { judge, type RowGroup, type RowHead, skipRow } from "../row.ts";
import { startSubject } from "../servers/subject.ts";

const HEAD: RowHead = { id: "crowd", title: "SET of one client beside 2 000 slow HTTP connections, p99" };
const CONNECTIONS = 2_000;
const OPENING_MAX = 100;
/** Every so often a tenth of them sends one byte more. */
const DRIP_MS = 50;
const DRIP_SHARE = 10;
const ANSWER_TIMEOUT_MS = 3_000;
const encoder = new TextEncoder();

/** Beside the crowd and, for the note, without it. */
export const crowd: RowGroup = {
  rows: [HEAD],
  minutesMax: 10,
  async run(options) {
    await using subject = await startSubject(options);
    const leader = await subject.leader();
    const http = subject.httpPort(leader);
    if (http === undefined) return [skipRow(HEAD, "The subject has no HTTP port")];
    using client = await Connection.open(subject.address(leader));
    await p99(client, options.warmupSeconds);
    const before = await p99(client, options.seconds);
    const samples: number[] = [];
    const costs: Cost[] = [];
    for (let run = 1; run <= options.runs; run++) {
      using slow = await Crowd.open(http);
      const meter = new Meter(subject);
      samples.push(await p99(client, options.seconds));
      costs.push(meter.read());
      note(`Run ${run} of ${options.runs}: p99 ${samples.at(-1)?.toFixed(1)} ms beside ${slow.size} connections`);
    }
    return [judge(HEAD, {
      bar: { kind: "atMost", value: 15, of: "median", unit: " ms", digits: 1 },
      samples,
      costs,
      notes: [`Alone: p99 ${before.toFixed(1)} ms. The node closes such connections at its deadline, 10 s.`],
    })];
  },
};

/** In milliseconds, of SETs one after the other. */
async function p99(client: Connection, seconds: number): Promise<number> {
  const times: number[] = [];
  const end = performance.now() + seconds * 1_000;
  for (let at = performance.now(); at < end;) {
    const reply = await client.ask(["SET", "crowd", "value"], ANSWER_TIMEOUT_MS);
    if (reply.type !== "Status") throw new Error(`SET was refused: ${describeReply(reply)}`);
    const now = performance.now();
    times.push(now - at);
    at = now;
  }
  times.sort((left, right) => left - right);
  return times[Math.floor(times.length * 0.99)] ?? 0;
}

/** Connections that send the head of a request byte by byte. */
class Crowd implements Disposable {
  readonly #connections: readonly Deno.TcpConn[];
  readonly #timer: ReturnType<typeof setInterval>;
  #turn = 0;

  private constructor(connections: readonly Deno.TcpConn[]) {
    this.#connections = connections;
    this.#timer = setInterval(() => this.#drip(), DRIP_MS);
  }

  static async open(port: number): Promise<Crowd> {
    const connections: Deno.TcpConn[] = [];
    while (connections.length < CONNECTIONS) {
      const opening = Array.from({ length: OPENING_MAX }, () => Deno.connect({ hostname: "127.0.0.1", port }));
      connections.push(...await Promise.all(opening));
    }
    const head = encoder.encode("GET /v1/kv/a HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ");
    await Promise.all(connections.map((connection) => connection.write(head)));
    return new Crowd(connections);
  }

  get size(): number {
    return this.#connections.length;
  }

  #drip(): void {
    this.#turn += 1;
    for (let at = this.#turn % DRIP_SHARE; at < this.#connections.length; at += DRIP_SHARE) {
      // The node has closed it when its time was over.
      this.#connections[at]?.write(encoder.encode("a")).catch(() => {});
    }
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
    for (const connection of this.#connections) {
      try {
        connection.close();
      } catch {
        // Closed by a write that failed.
      }
    }
  }
}
