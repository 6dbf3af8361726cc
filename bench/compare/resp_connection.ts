/** A small RESP client for probes: one request at a time, with a deadline, simple replies only. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";
import { encodeRequest } from "../../tests/support/resp/encode.ts";

/** The first line of a reply: an error's text without "-", or anything else with its type. */
export interface ProbeReply {
  readonly isError: boolean;
  readonly line: string;
}

/** The server ended the connection before it replied. */
export class ConnectionClosedError extends Error {
  override readonly name = "ConnectionClosedError";
  constructor() {
    super("The server closed the connection");
  }
}

/** One connection. */
export class RespConnection implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #buffer = new Uint8Array(65_536);

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects to `host:port`. */
  static async open(address: string): Promise<RespConnection> {
    const [hostname = "", port = ""] = address.split(":");
    const socket = await Deno.connect({ hostname, port: Number(port) });
    socket.setNoDelay(true);
    return new RespConnection(socket);
  }

  /** Sends one command. The reply must be of one line, or a bulk string. Rejects when the connection is lost or late. */
  async ask(words: readonly string[], timeoutMs = 3_000): Promise<ProbeReply> {
    const timer = setTimeout(() => this[Symbol.dispose](), timeoutMs);
    try {
      const bytes = stringToBytes(encodeRequest(...words));
      for (let sent = 0; sent < bytes.length;) sent += await this.#socket.write(bytes.subarray(sent));
      return await this.#receive();
    } finally {
      clearTimeout(timer);
    }
  }

  /** Closes. */
  [Symbol.dispose](): void {
    try {
      this.#socket.close();
    } catch {
      // Closed before.
    }
  }

  async #receive(): Promise<ProbeReply> {
    let text = "";
    while (!isComplete(text)) {
      const count = await this.#socket.read(this.#buffer);
      if (count === null) throw new ConnectionClosedError();
      text += bytesToString(this.#buffer, 0, count);
    }
    const line = text.slice(0, text.indexOf("\r\n"));
    return line.startsWith("-") ? { isError: true, line: line.slice(1) } : { isError: false, line };
  }
}

function isComplete(text: string): boolean {
  const end = text.indexOf("\r\n");
  if (end < 0) return false;
  const length = /^\$(\d+)\r\n/.exec(text)?.[1];
  return length === undefined || text.length >= end + 4 + Number(length);
}

/** Asks again and again until the answer is no error. Resolves to the milliseconds that took since `since`. */
export async function untilAnswered(
  address: string,
  { words, since, timeoutMs }: { words: readonly string[]; since: number; timeoutMs: number },
): Promise<number> {
  let last = "";
  while (performance.now() - since < timeoutMs) {
    try {
      using connection = await RespConnection.open(address);
      const reply = await connection.ask(words, timeoutMs);
      if (!reply.isError) return performance.now() - since;
      last = reply.line;
    } catch (error) {
      last = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  throw new Error(`${address} did not answer ${words[0]} within ${timeoutMs} ms: ${last}`);
}
