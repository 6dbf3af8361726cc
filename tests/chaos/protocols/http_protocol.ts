/** HTTP, as clients of a chaos run speak it: every node takes reads and writes. */

import { ByteConnection } from "./byte_connection.ts";
import {
  type Connection,
  type NodePorts,
  type Protocol,
  type ReadReply,
  reasonOf,
  REPLY_TIMEOUT_MS,
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
  connect: async ({ http }: NodePorts, node: number) => {
    const port = http[node] ?? 0;
    return new HttpConnection(await ByteConnection.connect(port, REPLY_TIMEOUT_MS), port);
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
    const reply = await this.#connection.exchange(`${head}${body ?? ""}`, parseHttpReply);
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

/** The reply that `received` is; undefined when it is not yet all of it. Bodies here always have a stated length. */
export function parseHttpReply(received: string): HttpReply | undefined {
  const end = received.indexOf("\r\n\r\n");
  if (end < 0) return undefined;
  const head = received.slice(0, end);
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
  const body = received.slice(end + 4);
  if (body.length < length) return undefined;
  const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1]);
  return { status, body, isLast: /\r\nconnection: *close/i.test(head) };
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
