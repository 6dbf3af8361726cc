/** HTTP, as clients under faults speak it: every node takes reads and writes. */

import { ByteConnection } from "../byte_connection.ts";
import {
  type Connection,
  type NodePorts,
  type Protocol,
  type ReadReply,
  reasonOf,
  type Surprise,
  type WriteReply,
} from "./protocol.ts";

/** Status and code of the problems that docs/http.md says are certainly not done. */
const NOT_DONE: ReadonlySet<string> = new Set([
  "429 overloaded",
  "503 lagging",
  "503 no_leader",
  "503 no_quorum",
  "503 overloaded",
  "503 stopping",
  "507 no_space",
]);
const UNKNOWN = "504 outcome_unknown";
const NO_KEY = "404 key_not_found";

/** PUT, DELETE and GET of a key, over connections that are kept. */
export const HTTP_PROTOCOL: Protocol = {
  name: "http",
  needsLeader: false,
  connect: async ({ http }: NodePorts, node: number, timeoutMs: number) => {
    const port = http[node] ?? 0;
    return new HttpConnection(await ByteConnection.connect(port, timeoutMs), port);
  },
};

class HttpConnection implements Connection {
  readonly #connection: ByteConnection;
  readonly #port: number;

  constructor(connection: ByteConnection, port: number) {
    this.#connection = connection;
    this.#port = port;
  }

  get closed(): boolean {
    return this.#connection.closed;
  }

  async write(key: string, value: string | null): Promise<WriteReply> {
    try {
      return httpWriteReply(await this.#ask(value === null ? "DELETE" : "PUT", key, value), value === null);
    } catch (error) {
      return { type: "Unknown", reason: reasonOf(error) };
    }
  }

  async read(key: string): Promise<ReadReply> {
    try {
      return httpReadReply(await this.#ask("GET", key, null));
    } catch (error) {
      return { type: "NoAnswer", reason: reasonOf(error) };
    }
  }

  close(): void {
    this.#connection.close();
  }

  async #ask(method: string, key: string, body: string | null): Promise<HttpReply> {
    const length = body === null ? "" : `Content-Length: ${body.length}\r\n`;
    const head = `${method} /v1/kv/${key} HTTP/1.1\r\nHost: 127.0.0.1:${this.#port}\r\n${length}\r\n`;
    const replying = this.#connection.expect(readHttpReply);
    this.#connection.send(`${head}${body ?? ""}`);
    const reply = await replying;
    if (reply.isLast) this.#connection.close();
    return reply;
  }
}

/** One reply. */
export interface HttpReply {
  readonly status: number;
  readonly body: string;
  /** Whether the server closes the connection after it. */
  readonly isLast: boolean;
}

/** The reply that begins at `start`; undefined while it is not all there. Bodies here always have a stated length. */
export function readHttpReply(
  received: string,
  start = 0,
): { readonly reply: HttpReply; readonly end: number } | undefined {
  const headEnd = received.indexOf("\r\n\r\n", start);
  if (headEnd < 0) return undefined;
  const head = received.slice(start, headEnd);
  const end = headEnd + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  if (received.length < end) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  const reply = { status, body: received.slice(headEnd + 4, end), isLast: /\r\nconnection: *close/i.test(head) };
  return { reply, end };
}

/** What a reply to PUT or DELETE says. */
export function httpWriteReply(reply: HttpReply, isDeletion: boolean): WriteReply {
  const { status } = reply;
  if (isDeletion ? status === 200 : status === 200 || status === 201) {
    return { type: "Done", existed: isDeletion ? true : null };
  }
  const problem = problemOf(reply);
  if (isDeletion && problem === NO_KEY) return { type: "Done", existed: false };
  if (problem === UNKNOWN) return { type: "Unknown", reason: problem };
  return NOT_DONE.has(problem) ? { type: "NotDone", reason: problem } : surprise(reply);
}

/** What a reply to GET says. */
export function httpReadReply(reply: HttpReply): ReadReply {
  if (reply.status === 200) return { type: "Value", value: reply.body };
  const problem = problemOf(reply);
  if (problem === NO_KEY) return { type: "Value", value: null };
  return NOT_DONE.has(problem) ? { type: "NoAnswer", reason: problem } : surprise(reply);
}

/** Status and code of a problem; another body has no code. */
function problemOf({ status, body }: HttpReply): string {
  return `${status} ${/^\{"type":"about:blank",.*?"code":"([a-z_]+)"/.exec(body)?.[1] ?? "without a code"}`;
}

function surprise({ status, body }: HttpReply): Surprise {
  return { type: "Surprise", reply: `${status} ${body}` };
}
