/**
 * HTTP from node to node: one request on a connection of its own. `fetch` goes through the proxy that the environment names
 * (HTTP_PROXY), which knows neither this machine's loopback addresses nor has any business with a cluster's own requests. Node's
 * client is not used either: with Deno 2.4 and 2.5 a connection that ends too early is a rejection that nobody can catch there,
 * which ends the process.
 */

import { bytesToString, stringToBytes } from "../base/bytes.ts";
import type { Clock } from "../base/clock.ts";
import { dial, type Trust } from "../base/dial.ts";

/** A request whose answer is short. */
export interface DirectRequest {
  /** `host:port`. */
  readonly address: string;
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** For all of it. */
  readonly timeoutMs: number;
  /** What is longer is cut off. */
  readonly bodyBytesMax: number;
  readonly clock: Clock;
  /** HTTPS, and whom to believe; undefined for HTTP. */
  readonly trust?: Trust | undefined;
}

/** What came back. */
export interface DirectReply {
  readonly status: number;
  readonly contentType: string | undefined;
  /** Byte string. */
  readonly body: string;
}

/** Bytes of the head of an answer. */
export const HEAD_BYTES_MAX = 16_384;
const READ_BYTES = 16_384;
/** What stands behind the head. */
export const END_OF_HEAD = "\r\n\r\n";

/**
 * Sends the request and collects the answer. Rejects when the connection fails, the answer is none, or the time is up; with `TlsError`
 * where nothing was sent because there is no TLS.
 */
export async function requestDirectly(request: DirectRequest): Promise<DirectReply> {
  const { clock, timeoutMs } = request;
  const late = Promise.withResolvers<never>();
  const timer = clock.after(timeoutMs, () => late.reject(new Error(`No answer within ${timeoutMs} ms`)));
  const connecting = connect(request);
  try {
    const socket = await Promise.race([connecting, late.promise]);
    return await Promise.race([exchange(socket, request), late.promise]);
  } finally {
    timer.cancel();
    // Also one that is made only now. It fails without a word: what it was for has ended.
    connecting.then((socket) => socket.close(), () => {});
  }
}

/** A connection to `host:port`. Rejects as `dial` does. */
export async function connect({ address, trust }: Pick<DirectRequest, "address" | "trust">): Promise<Deno.Conn> {
  const { hostname, port } = new URL(`http://${address}`);
  // The brackets around an IPv6 address belong to the URL.
  const endpoint = { hostname: hostname.replace(/^\[(.*)\]$/, "$1"), port: Number(port === "" ? "80" : port) };
  return await dial(endpoint, { trust });
}

async function exchange(socket: Deno.Conn, request: DirectRequest): Promise<DirectReply> {
  await writeAll(socket, stringToBytes(headOf(request)));
  await writeAll(socket, request.body);
  const input = new AnswerInput(socket);
  const { status, headers } = parseHead(await input.upTo(END_OF_HEAD));
  const length = headers.get("content-length") ?? "";
  if (!/^\d+$/.test(length)) throw new Error(`An answer with status ${status} of unknown length`);
  const body = await input.take(Math.min(Number(length), request.bodyBytesMax));
  return { status, contentType: headers.get("content-type"), body };
}

function headOf({ address, method, path, headers, body }: DirectRequest): string {
  const all = { Host: address, ...headers, "Content-Length": String(body.length), Connection: "close" };
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** Sends all of it. */
export async function writeAll(socket: Deno.Conn, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
}

/** Status and header lines, by names in lower case. Throws for what is no head of HTTP. */
export function parseHead(head: string): { readonly status: number; readonly headers: ReadonlyMap<string, string> } {
  const [first = "", ...lines] = head.split("\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(first)?.[1];
  if (status === undefined) throw new Error("What answered does not speak HTTP");
  const headers = lines.map((line): [string, string] => {
    const colon = line.indexOf(":");
    return [line.slice(0, Math.max(0, colon)).toLowerCase(), line.slice(colon + 1).trim()];
  });
  return { status: Number(status), headers: new Map(headers) };
}

/** What has come on a connection and has not been taken. */
class AnswerInput {
  readonly #socket: Deno.Conn;
  readonly #buffer = new Uint8Array(READ_BYTES);
  #received = "";

  constructor(socket: Deno.Conn) {
    this.#socket = socket;
  }

  /** All before `mark`, which is left out. */
  async upTo(mark: string): Promise<string> {
    while (!this.#received.includes(mark)) {
      if (this.#received.length > HEAD_BYTES_MAX) throw new Error(`More than ${HEAD_BYTES_MAX} bytes before the body`);
      await this.#more();
    }
    const end = this.#received.indexOf(mark);
    const taken = this.#received.slice(0, end);
    this.#received = this.#received.slice(end + mark.length);
    return taken;
  }

  /** The next `count` bytes. */
  async take(count: number): Promise<string> {
    while (this.#received.length < count) await this.#more();
    return this.#received.slice(0, count);
  }

  async #more(): Promise<void> {
    const count = await this.#socket.read(this.#buffer);
    if (count === null) throw new Error("The connection ended before the answer did");
    this.#received += bytesToString(this.#buffer, 0, count);
  }
}
