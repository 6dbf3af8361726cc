/** A node as administrators reach it: a client port that tells where HTTP is, and an HTTP port that answers as a test says. */

/** What was asked over HTTP. */
export interface AskedRequest {
  readonly line: string;
  readonly body: string;
  readonly headers: Headers;
}

/** What is answered: a JSON body, of which only so many characters come where it is cut. */
interface Said {
  readonly status: number;
  readonly json: unknown;
  readonly cutAt?: number;
}

/** Answers with a JSON body, or breaks the connection. */
export type AnswerOver = (request: AskedRequest) => Said | "Break";

/** Two ports of a node that is none. Dispose it. */
export class FakeNodePorts implements AsyncDisposable {
  /** `METHOD /path body`, in the order they came. */
  readonly asked: string[] = [];
  readonly #clients = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #http = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #serving: Promise<unknown>;

  constructor(answer: AnswerOver) {
    this.#serving = Promise.all([
      this.#serve(this.#clients, (request) => request.endsWith("raft\r\n") ? this.#info() : undefined),
      this.#serve(this.#http, (request) => this.#reply(request, answer)),
    ]);
  }

  get clientAddress(): string {
    return `127.0.0.1:${this.#clients.addr.port}`;
  }

  get httpAddress(): string {
    return `127.0.0.1:${this.#http.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#clients.close();
    this.#http.close();
    for (const connection of this.#open) connection.close();
    await this.#serving;
  }

  #info(): string {
    const text = `# Raft\r\nraft_role:follower\r\nraft_http_address:${this.httpAddress}\r\n`;
    return `$${text.length}\r\n${text}\r\n`;
  }

  /** Undefined while the request is not whole. */
  #reply(request: string, answer: AnswerOver): string | "Break" | undefined {
    const end = request.indexOf("\r\n\r\n");
    const body = request.slice(end + 4);
    if (end === -1 || body.length < Number(/^content-length: (\d+)$/im.exec(request)?.[1] ?? 0)) return undefined;
    const [first = "", ...lines] = request.slice(0, end).split("\r\n");
    const line = first.replace(/ HTTP\/1\.[01]$/, "");
    this.asked.push(`${line} ${body}`.trimEnd());
    const headers = new Headers(lines.map((header) => header.split(": ", 2) as [string, string]));
    const said = answer({ line, body, headers });
    if (said === "Break") return said;
    const text = JSON.stringify(said.json);
    return `HTTP/1.1 ${said.status} Said\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${
      text.slice(0, said.cutAt)
    }`;
  }

  async #serve(listener: Deno.TcpListener, reply: (request: string) => string | undefined): Promise<void> {
    const served: Promise<void>[] = [];
    for await (const connection of listener) {
      this.#open.add(connection);
      served.push(this.#converse(connection, reply));
    }
    await Promise.all(served);
  }

  async #converse(connection: Deno.Conn, reply: (request: string) => string | undefined): Promise<void> {
    const buffer = new Uint8Array(65_536);
    let received = "";
    try {
      for (let count = await connection.read(buffer); count !== null; count = await connection.read(buffer)) {
        received += new TextDecoder().decode(buffer.subarray(0, count));
        const said = reply(received);
        if (said === undefined) continue;
        if (said === "Break") break;
        await connection.write(new TextEncoder().encode(said));
        // Its end is that of the answer.
        if (received.includes(" HTTP/1.0\r\n")) break;
        received = "";
      }
    } catch (error) {
      // The other side, or the end of the test, closed it.
      const isEnd = error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted ||
        error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe;
      if (!isEnd) throw error;
    }
    if (this.#open.delete(connection)) closeQuietly(connection);
  }
}

function closeQuietly(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch (error) {
    if (!(error instanceof Deno.errors.BadResource)) throw error;
  }
}

/** The body of `GET /v1/cluster` of three nodes; `more` replaces fields. */
export function clusterJson(more: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> {
  const members = [0, 1, 2].map((id) => ({
    id,
    client_address: `127.0.0.1:${5_000 + id}`,
    http_address: "",
    voter: true,
    reachable: true,
    role: id === 0 ? "Leader" : "Follower",
    match_index: 40,
  }));
  const quorum = { reachable: 3, total: 3, needed: 2 };
  return { node: 1, leader: 0, term: 4, level: 7, commit_index: 40, applied_index: 40, quorum, members, ...more };
}
