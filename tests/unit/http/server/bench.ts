/** An HTTP port with a handler that a test decides, and clients that send raw bytes to it. */

import { assert } from "@std/assert";
import { bytesToString, stringToBytes } from "../../../../lib/base/bytes.ts";
import { Registry } from "../../../../lib/observe/metrics.ts";
import type { HttpHandler, HttpReply, HttpRequest } from "../../../../lib/http/http.ts";
import { type HttpListener, type HttpListenerOptions, startHttpListener } from "../../../../lib/http/listener.ts";
import { ShiftedClock } from "../../../support/shifted_clock.ts";

/** What a test decides. */
export interface BenchOptions extends
  Partial<
    Pick<
      HttpListenerOptions,
      "connectionsMax" | "times" | "memoryBytesMax" | "beforeLoginBytesMax" | "beforeLogin" | "logins"
    >
  > {
  readonly judge?: HttpHandler["judge"];
  readonly handle?: HttpHandler["handle"];
}

/** One port and its surroundings. */
export interface Bench {
  readonly listener: HttpListener;
  readonly clock: ShiftedClock;
  readonly metrics: Registry;
  readonly seen: HttpRequest[];
  readonly logged: string[];
  connect(): Promise<Client>;
}

/** A reply as it came. */
export interface RawReply {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  readonly body: string;
}

const NO_BODY: ReadonlySet<number> = new Set([100, 204, 304]);

/** A connection of a test. */
export class Client implements Disposable {
  readonly socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65_536);
  #text = "";
  #ended = false;

  constructor(socket: Deno.TcpConn) {
    this.socket = socket;
  }

  /** Sends a byte string. */
  async send(text: string): Promise<void> {
    for (let bytes = stringToBytes(text); bytes.length > 0;) {
      bytes = bytes.subarray(await this.socket.write(bytes)) as Uint8Array<ArrayBuffer>;
    }
  }

  /** The next reply. Chunks of a body are joined; `bodyless` is for replies to HEAD. */
  async reply(bodyless = false): Promise<RawReply> {
    const head = await this.#until("\r\n\r\n");
    const [first = "", ...lines] = head.split("\r\n").slice(0, -2);
    const headers = new Map(lines.map((line) => [line.split(": ")[0]?.toLowerCase() ?? "", line.split(": ")[1] ?? ""]));
    const status = Number(first.split(" ")[1]);
    if (bodyless || NO_BODY.has(status)) return { status, headers, body: "" };
    if (headers.get("transfer-encoding") === "chunked") return { status, headers, body: await this.#chunks() };
    const length = headers.get("content-length");
    const body = length === undefined ? await this.rest() : await this.#take(Number(length));
    return { status, headers, body };
  }

  /** Everything until the end of the connection; a reset counts as the end. */
  async rest(): Promise<string> {
    while (!this.#ended) await this.#more();
    const rest = this.#text;
    this.#text = "";
    return rest;
  }

  /** What has come up to `mark`, that included. */
  async #until(mark: string): Promise<string> {
    while (!this.#text.includes(mark)) {
      assert(!this.#ended, `the connection ended behind ${JSON.stringify(this.#text)}`);
      await this.#more();
    }
    return await this.#take(this.#text.indexOf(mark) + mark.length);
  }

  async #chunks(): Promise<string> {
    let body = "";
    for (;;) {
      const size = Number.parseInt(await this.#until("\r\n"), 16);
      const chunk = await this.#take(size + 2);
      if (size === 0) return body;
      body += chunk.slice(0, -2);
    }
  }

  async #take(count: number): Promise<string> {
    while (this.#text.length < count) {
      assert(!this.#ended, `the connection ended behind ${this.#text.length} of ${count} bytes`);
      await this.#more();
    }
    const taken = this.#text.slice(0, count);
    this.#text = this.#text.slice(count);
    return taken;
  }

  async #more(): Promise<void> {
    const count = await this.socket.read(this.#buffer).catch(() => null);
    if (count === null) this.#ended = true;
    else this.#text += bytesToString(this.#buffer, 0, count);
  }

  [Symbol.dispose](): void {
    try {
      this.socket.close();
    } catch {
      // The test closed it.
    }
  }
}

/** A handler's plain reply. */
export function textReply(body: string, status = 200): HttpReply {
  return { status, headers: [["Content-Type", "text/plain"]], body };
}

/** A request with a `Host` and no body. */
export function request(line: string, headers = ""): string {
  return `${line} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`;
}

/** Runs `run` on an open port, and closes it. The handler answers with method, path and body unless told otherwise. */
export async function withPort(options: BenchOptions, run: (bench: Bench) => Promise<void>): Promise<void> {
  const [clock, metrics] = [new ShiftedClock(), new Registry()];
  const [seen, logged, open]: [HttpRequest[], string[], Client[]] = [[], [], []];
  const { judge = () => 1_000, handle = echo, ...rest } = options;
  const listener = startHttpListener({
    hostname: "127.0.0.1",
    port: 0,
    handler: {
      judge,
      handle: (one) => {
        seen.push(one);
        return handle(one);
      },
    },
    clock,
    metrics,
    log: (_level, message) => logged.push(message),
    connectionsMax: 100,
    wallClockMs: () => 784_111_777_123,
    ...rest,
  });
  const connect = async () => {
    const client = new Client(await Deno.connect({ hostname: "127.0.0.1", port: listener.port }));
    open.push(client);
    return client;
  };
  try {
    await run({ listener, clock, metrics, seen, logged, connect });
  } finally {
    for (const client of open) client[Symbol.dispose]();
    await listener.stop(100);
  }
}

function echo({ method, path, body }: HttpRequest): HttpReply {
  return textReply(`${method} ${path} ${body}`);
}
