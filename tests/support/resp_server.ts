/** A server that reads RESP requests and answers each as a test says. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";

/** The reply to one request, as it goes over the wire; "" closes the connection. */
export type RespAnswer = (words: readonly string[]) => string | Promise<string>;

/** Listens on a free port of 127.0.0.1 until it is disposed. */
export class RespServer implements AsyncDisposable {
  readonly port: number;
  /** Requests read so far. */
  requests = 0;
  /** Connections accepted so far. */
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #answer: RespAnswer;
  readonly #work: Promise<unknown>[] = [];

  /** Starts. Replies keep the order of the requests of their connection. */
  constructor(answer: RespAnswer) {
    this.#answer = answer;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#work.push(this.#accept());
  }

  /** Closes every connection and waits for what was under way. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const connection of this.#connections) this.#close(connection);
    await Promise.all(this.#work);
  }

  async #accept(): Promise<void> {
    try {
      for await (const connection of this.#listener) {
        this.accepted += 1;
        this.#connections.add(connection);
        this.#work.push(this.#serve(connection));
      }
    } catch {
      // The listener was closed.
    }
  }

  async #serve(connection: Deno.TcpConn): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let rest = "";
    try {
      for (;;) {
        const count = await connection.read(buffer);
        if (count === null) break;
        const { requests, left } = splitRequests(rest + bytesToString(buffer, 0, count));
        rest = left;
        this.requests += requests.length;
        let out = "";
        for (const words of requests) {
          const reply = await this.#answer(words);
          if (reply === "") return this.#close(connection);
          out += reply;
        }
        const bytes = stringToBytes(out);
        for (let sent = 0; sent < bytes.length;) sent += await connection.write(bytes.subarray(sent));
      }
    } catch {
      // The other side went away.
    }
    this.#close(connection);
  }

  #close(connection: Deno.TcpConn): void {
    if (this.#connections.delete(connection)) connection.close();
  }
}

/** The complete requests at the start of `text`, and what follows them. Throws when they are not RESP arrays. */
export function splitRequests(
  text: string,
): { readonly requests: readonly (readonly string[])[]; readonly left: string } {
  const requests: string[][] = [];
  let at = 0;
  for (;;) {
    const words: string[] = [];
    const head = /^\*(\d+)\r\n/.exec(text.slice(at, at + 20));
    if (head === null) {
      if (text.length > at && !text.startsWith("*", at)) throw new Error(`No request: ${text.slice(at, at + 40)}`);
      break;
    }
    let next = at + head[0].length;
    for (let word = 0; word < Number(head[1]); word++) {
      const length = /^\$(\d+)\r\n/.exec(text.slice(next, next + 20));
      const start = next + (length?.[0].length ?? 0);
      const end = start + Number(length?.[1]);
      if (length === null || text.length < end + 2) return { requests, left: text.slice(at) };
      words.push(text.slice(start, end));
      next = end + 2;
    }
    requests.push(words);
    at = next;
  }
  return { requests, left: text.slice(at) };
}
