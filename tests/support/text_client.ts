/** A client of the text protocol: sends lines, awaits the replies in order, each with a deadline. */

const DEFAULT_TIMEOUT_MS = 30_000;

/** The connection ended before the reply came: a write has an unknown outcome. */
export class ConnectionLostError extends Error {}

/** No reply within the deadline: a write has an unknown outcome. */
export class ReplyTimeoutError extends Error {}

interface Waiter {
  /** A reply of several lines, ended by an empty one; an error is one line all the same. */
  readonly block: boolean;
  readonly lines: string[];
  readonly timer: ReturnType<typeof setTimeout>;
  resolve(lines: string[]): void;
  reject(error: Error): void;
}

/** One connection. Requests may be sent before the replies to earlier ones have come. */
export class TextClient implements Disposable {
  readonly #connection: Deno.TcpConn;
  readonly #timeoutMs: number;
  readonly #encoder = new TextEncoder();
  readonly #decoder = new TextDecoder();
  readonly #waiters: Waiter[] = [];
  readonly #unclaimed: string[] = [];
  readonly #reading: Promise<void>;
  #tail = "";
  #unsent = "";
  #writing = false;
  #lost: Error | undefined;

  private constructor(connection: Deno.TcpConn, timeoutMs: number) {
    this.#connection = connection;
    this.#timeoutMs = timeoutMs;
    this.#reading = this.#read();
  }

  /** Connects to 127.0.0.1. `timeoutMs` (default 30 000) is the deadline of each reply. */
  static async connect(port: number, options: { readonly timeoutMs?: number } = {}): Promise<TextClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    connection.setNoDelay(true);
    return new TextClient(connection, options.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }

  /** Whether the connection has ended, by either side. */
  get closed(): boolean {
    return this.#lost !== undefined;
  }

  /** Lines that came without being asked for. */
  get unclaimed(): readonly string[] {
    return this.#unclaimed;
  }

  /** Resolves when the connection has ended. */
  get ended(): Promise<void> {
    return this.#reading;
  }

  /** Sends raw text and awaits nothing. */
  send(text: string): void {
    this.#unsent += text;
    if (!this.#writing) void this.#write();
  }

  /** Sends one line; the reply is one line. */
  async ask(line: string): Promise<string> {
    const lines = this.expect(false);
    this.send(`${line}\n`);
    return (await lines)[0] ?? "";
  }

  /** Sends one line; the reply is several lines, without the empty one at its end. */
  askBlock(line: string): Promise<string[]> {
    const lines = this.expect(true);
    this.send(`${line}\n`);
    return lines;
  }

  /** Awaits the next reply without sending anything. */
  expect(block: boolean): Promise<string[]> {
    if (this.#lost !== undefined) return Promise.reject(this.#lost);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#end(new ReplyTimeoutError("No reply within the deadline")), this.#timeoutMs);
      this.#waiters.push({ block, lines: [], timer, resolve, reject });
      for (const line of this.#unclaimed.splice(0)) this.#take(line);
    });
  }

  /** Closes the connection; replies still awaited are rejected. */
  close(): void {
    this.#end(new ConnectionLostError("Closed by the test"));
  }

  /** The same as `close`. */
  [Symbol.dispose](): void {
    this.close();
  }

  async #write(): Promise<void> {
    this.#writing = true;
    try {
      while (this.#unsent !== "" && this.#lost === undefined) {
        const bytes = this.#encoder.encode(this.#unsent);
        this.#unsent = "";
        for (let sent = 0; sent < bytes.length;) sent += await this.#connection.write(bytes.subarray(sent));
      }
    } catch {
      this.#end(new ConnectionLostError("Connection lost while sending"));
    }
    this.#writing = false;
  }

  async #read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        this.#receive(this.#decoder.decode(buffer.subarray(0, count), { stream: true }));
      }
    } catch {
      // Reset by the other side, or closed here: `#end` says which.
    }
    this.#end(new ConnectionLostError("Connection closed by the server"));
  }

  #receive(text: string): void {
    const lines = (this.#tail + text).split("\n");
    this.#tail = lines.pop() ?? "";
    for (const line of lines) this.#take(line.endsWith("\r") ? line.slice(0, -1) : line);
  }

  #take(line: string): void {
    const waiter = this.#waiters[0];
    if (waiter === undefined) {
      this.#unclaimed.push(line);
      return;
    }
    const first = waiter.lines.length === 0;
    if (!waiter.block || line !== "") waiter.lines.push(line);
    if (waiter.block && line !== "" && !(first && line.startsWith("Error: "))) return;
    this.#waiters.shift();
    clearTimeout(waiter.timer);
    waiter.resolve(waiter.lines);
  }

  #end(error: Error): void {
    if (this.#lost !== undefined) return;
    this.#lost = error;
    this.#connection.close();
    for (const waiter of this.#waiters.splice(0)) {
      clearTimeout(waiter.timer);
      waiter.reject(error);
    }
  }
}

/** Asks one question over a connection of its own. */
export async function askOnce(port: number, line: string): Promise<string> {
  using client = await TextClient.connect(port);
  return await client.ask(line);
}

/** Asks for a reply of several lines over a connection of its own. */
export async function askBlockOnce(port: number, line: string): Promise<string[]> {
  using client = await TextClient.connect(port, { timeoutMs: 10_000 });
  return await client.askBlock(line);
}

/** The `Name: value` lines of an admin reply by name; the first of a name counts. Lines are taken without indentation. */
export function fieldsOf(lines: readonly string[]): ReadonlyMap<string, string> {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(": ");
    if (colon < 0) continue;
    const name = line.slice(0, colon).trim();
    if (!fields.has(name)) fields.set(name, line.slice(colon + 2).trim());
  }
  return fields;
}

/** A field as a number: digit separators and what follows the number are dropped. Throws when there is none. */
export function numberOf(fields: ReadonlyMap<string, string>, name: string): number {
  const match = /^-?[\d,_]*\.?\d+/.exec(fields.get(name) ?? "");
  if (match === null) throw new Error(`Cannot read a number from field "${name}": ${fields.get(name) ?? "absent"}`);
  return Number(match[0].replace(/[,_]/g, ""));
}
