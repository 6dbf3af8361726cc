/**
 * HTTP from node to node. `fetch` goes through the proxy that the environment names (HTTP_PROXY), which knows neither this
 * machine's loopback addresses nor has any business with a cluster's own requests; Node's client connects directly.
 */

import { request as open } from "node:http";

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
}

/** What came back. */
export interface DirectReply {
  readonly status: number;
  readonly contentType: string | undefined;
  readonly body: Uint8Array;
}

/** Sends the request and collects the answer. Rejects when the connection fails or the time is up. */
export function requestDirectly(request: DirectRequest): Promise<DirectReply> {
  const { address, method, path, headers, body, timeoutMs, bodyBytesMax } = request;
  return new Promise((resolve, reject) => {
    // Deno 2.4 tells neither of a connection that ends without an answer nor of a signal that comes afterwards.
    const late = setTimeout(() => {
      outgoing.destroy();
      reject(new Error(`No answer within ${timeoutMs} ms`));
    }, timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(late);
      reject(error);
    };
    const options = {
      method,
      headers: { ...headers, "Content-Length": String(body.length) },
      agent: false,
    };
    const outgoing = open(`http://${address}${path}`, options, (incoming) => {
      const collected = new Uint8Array(bodyBytesMax);
      let length = 0;
      incoming.on("data", (bytes: Uint8Array) => {
        const room = bytes.subarray(0, bodyBytesMax - length);
        collected.set(room, length);
        length += room.length;
      });
      incoming.on("error", fail);
      incoming.on("end", () => {
        clearTimeout(late);
        const contentType = incoming.headers["content-type"];
        resolve({ status: incoming.statusCode ?? 0, contentType, body: collected.slice(0, length) });
      });
    });
    outgoing.on("error", fail);
    outgoing.end(body);
  });
}
