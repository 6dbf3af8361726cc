/** Requests with a value of the longest length, through every interface of a node, and their replies read to the end. */

import { Buffer } from "node:buffer";

/** A word of a request. */
export type Word = string | Uint8Array;

const REPLY_BUFFER_BYTES = 262_144;

/** One request, and its reply to the end; returns the reply's first line. */
export async function askRedis(socket: Deno.TcpConn, words: readonly Word[]): Promise<string> {
  const parts = [Buffer.from(`*${words.length}\r\n`)];
  for (const word of words) parts.push(Buffer.from(`$${word.length}\r\n`), Buffer.from(word), Buffer.from("\r\n"));
  const request = Buffer.concat(parts);
  for (let at = 0; at < request.length;) at += await socket.write(request.subarray(at));
  const buffer = new Uint8Array(REPLY_BUFFER_BYTES);
  let head = "";
  let received = 0;
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) throw new Error("Cannot read a reply: the connection ended");
    received += count;
    if (!head.includes("\r\n")) head += Buffer.from(buffer.subarray(0, count)).toString("latin1");
    const [line = ""] = head.split("\r\n", 1);
    if (!head.includes("\r\n")) continue;
    const bodyBytes = /^\$(\d+)/.exec(line)?.[1];
    if (bodyBytes === undefined || received >= line.length + Number(bodyBytes) + 4) return line;
  }
}

/** One request of HTTP; returns the status. */
export async function askHttp(url: string, options: RequestInit = {}): Promise<string> {
  const response = await fetch(url, options);
  await response.arrayBuffer();
  return String(response.status);
}

/** One line of the text protocol; returns the beginning of what came until the end of the connection. */
export async function askText(port: number, line: string): Promise<string> {
  using socket = await Deno.connect({ hostname: "127.0.0.1", port });
  const request = Buffer.from(`${line}\nEXIT\n`, "latin1");
  for (let at = 0; at < request.length;) at += await socket.write(request.subarray(at));
  const buffer = new Uint8Array(REPLY_BUFFER_BYTES);
  let head = "";
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) return head;
    if (head === "") head = Buffer.from(buffer.subarray(0, count)).toString("latin1");
  }
}

/** Reads a stream of events until `bytes` have come, beginning with what `write` does; ends at once where that fails. */
export async function readEvents(url: string, bytes: number, write: () => Promise<string>): Promise<string> {
  const ending = new AbortController();
  const response = await fetch(url, { signal: ending.signal });
  let received = 0;
  let status = "";
  for await (const chunk of response.body ?? []) {
    received += chunk.length;
    // The first bytes say that the stream has begun.
    if (status === "") status = await write();
    if (received >= bytes || !status.startsWith("2")) break;
  }
  ending.abort();
  return `${response.status} ${status} ${received}`;
}
