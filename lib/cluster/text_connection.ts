/**
 * A connection that speaks the text protocol as a program does: one request line at a time, and the whole of its reply,
 * which is one line, or several lines that end with an empty one.
 */

import { bytesToString, stringToBytes } from "../base/bytes.ts";
import { dial, TlsError, type Trust } from "../base/dial.ts";

/** Longest reply that is taken, in bytes: LOGS of 10 000 entries with long values. */
const REPLY_BYTES_MAX = 268_435_456;
const CHUNK_BYTES = 65_536;

/** Whether the request was certainly not seen by the server, when the connection fails. */
export type Sent = "NotSent" | "MaybeSent";

/** The connection failed, or the reply did not come in time. */
export class ConnectionLostError extends Error {
  override readonly name = "ConnectionLostError";
  constructor(message: string, readonly sent: Sent) {
    super(message);
  }
}

/** What answered does not speak the text protocol; `line` is the first thing that it said, a byte string. */
export class ForeignServerError extends Error {
  override readonly name = "ForeignServerError";
  constructor(readonly line: string) {
    super("The reply is not of a KVStore node");
  }
}

/** What to ask, and how the reply is framed. */
export interface TextRequest {
  /** A byte string without a line end. */
  readonly line: string;
  /** Whether a reply that is not an error goes on to an empty line. */
  readonly multiLine: boolean;
  readonly timeoutMs: number;
  /** Whether a first line can be the reply of a node; where it is not, no more is read. Every line can when left out. */
  readonly accepts?: (line: string) => boolean;
  /** A longer reply ends the connection; `REPLY_BYTES_MAX` when left out. */
  readonly replyBytesMax?: number;
}

/** One connection. Requests are made one after the other; after an error the connection is closed. */
export class TextConnection {
  readonly address: string;
  readonly #conn: Deno.Conn;
  readonly #buffer = new Uint8Array(CHUNK_BYTES);
  #received = "";
  /** Bytes that the reply may still have. */
  #room = 0;
  #ended = false;

  private constructor(address: string, conn: Deno.Conn) {
    this.address = address;
    this.#conn = conn;
  }

  /** With TLS where `trust` is given. Throws `ConnectionLostError` when nobody answers within `timeoutMs`, or `TlsError`. */
  static async open(
    endpoint: { hostname: string; port: number },
    timeoutMs: number,
    { trust }: { readonly trust?: Trust | undefined } = {},
  ): Promise<TextConnection> {
    const address = `${endpoint.hostname}:${endpoint.port}`;
    const attempt = dial(endpoint, { trust });
    try {
      return new TextConnection(address, await withDeadline(attempt, timeoutMs));
    } catch (error) {
      if (error instanceof TlsError) throw error;
      // A connection that comes up after its deadline is nobody's.
      attempt.then((late) => late.close(), () => {});
      throw new ConnectionLostError(`Cannot connect to ${address}: ${describe(error)}`, "NotSent");
    }
  }

  /** The reply as a byte string without its last line end. Throws `ConnectionLostError`, or `ForeignServerError` by `accepts`. */
  async request(request: TextRequest): Promise<string> {
    if (this.#ended) throw new ConnectionLostError(`The connection to ${this.address} is closed`, "NotSent");
    try {
      return await withDeadline(this.#exchange(request), request.timeoutMs);
    } catch (error) {
      this.close();
      if (error instanceof ForeignServerError) throw error;
      throw new ConnectionLostError(`Lost the connection to ${this.address}: ${describe(error)}`, "MaybeSent");
    }
  }

  /** Closing twice is fine. */
  close(): void {
    if (this.#ended) return;
    this.#ended = true;
    try {
      this.#conn.close();
    } catch {
      // The system closed it first.
    }
  }

  async #exchange({ line, multiLine, accepts, replyBytesMax = REPLY_BYTES_MAX }: TextRequest): Promise<string> {
    // What is left of an earlier reply can only be what a server says before it closes.
    this.#received = "";
    this.#room = replyBytesMax;
    let bytes = stringToBytes(`${line}\n`);
    while (bytes.length > 0) bytes = bytes.subarray(await this.#conn.write(bytes));
    const first = await this.#readLine();
    if (accepts?.(first) === false) throw new ForeignServerError(first);
    if (!multiLine || first.startsWith("Error: ")) return first;
    const lines = [first];
    for (let next = await this.#readLine(); next !== ""; next = await this.#readLine()) lines.push(next);
    return lines.join("\n");
  }

  async #readLine(): Promise<string> {
    // Joined once: searched and joined anew with each piece, a long line would take quadratic time.
    const pieces: string[] = [];
    let piece = this.#received;
    let end = piece.indexOf("\n");
    while (end === -1) {
      pieces.push(piece);
      const count = await this.#conn.read(this.#buffer);
      if (count === null) throw new Error("the server closed it");
      this.#room -= count;
      if (this.#room < 0) throw new Error("the reply is too long");
      piece = bytesToString(this.#buffer, 0, count);
      end = piece.indexOf("\n");
    }
    this.#received = piece.slice(end + 1);
    pieces.push(piece.slice(0, end));
    const line = pieces.join("");
    return line.endsWith("\r") ? line.slice(0, -1) : line;
  }
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${Math.round(timeoutMs)} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function describe(error: unknown): string {
  // Of TLS, in words of its own: so a node ends that refuses a client's certificate, or the lack of one.
  if (error instanceof Deno.errors.UnexpectedEof) return "it ended TLS, and its log may say why (--tls-client-cert)";
  return error instanceof Error ? error.message : String(error);
}
