/** A client of the tests' own: it sends commands as they are and gives back the replies as they came. */

import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { type ReadReply, readReply, type Reply, ReplySyntaxError } from "./reply.ts";
import { encodeRequest } from "./encode.ts";

/** The words of a command, each a byte string. */
export type Command = readonly string[];

const CHUNK_BYTES = 65_536;
const EXCHANGE_TIMEOUT_MS = 30_000;

/** One connection. Once a reply is `Broken`, so are all that follow. */
export class Connection implements Disposable {
  readonly #socket: Deno.TcpConn;
  readonly #chunk = new Uint8Array(CHUNK_BYTES);
  #unread = "";
  #broken: string | undefined;

  private constructor(socket: Deno.TcpConn) {
    this.#socket = socket;
  }

  /** Connects to `host:port`. Rejects with the system's error. */
  static async open(address: string): Promise<Connection> {
    const at = address.lastIndexOf(":");
    const socket = await Deno.connect({ hostname: address.slice(0, at), port: Number(address.slice(at + 1)) });
    socket.setNoDelay(true);
    return new Connection(socket);
  }

  /** Why nothing can be read any more; undefined as long as all is well. */
  get broken(): string | undefined {
    return this.#broken;
  }

  /** Sends the commands together and waits for as many replies. Never rejects: what went wrong is in the replies. */
  async exchange(commands: readonly Command[], timeoutMs = EXCHANGE_TIMEOUT_MS): Promise<readonly Reply[]> {
    const replies: Reply[] = [];
    if (this.#unread !== "") this.#fail(`bytes that nobody asked for: ${JSON.stringify(this.#unread.slice(0, 100))}`);
    const timer = setTimeout(() => this.#fail(`no reply within ${timeoutMs} ms`), timeoutMs);
    try {
      const sent = this.#send(commands.map((command) => encodeRequest(...command)).join(""));
      while (this.#broken === undefined && replies.length < commands.length) replies.push(await this.#next());
      await sent;
    } catch (error) {
      this.#fail(error instanceof ReplySyntaxError ? error.message : `connection lost: ${error}`);
    } finally {
      clearTimeout(timer);
    }
    while (replies.length < commands.length) replies.push({ type: "Broken", text: this.#broken ?? "" });
    return replies;
  }

  /** Whether the other side ends the connection, as it must after QUIT, without sending more. */
  async endsNow(timeoutMs = EXCHANGE_TIMEOUT_MS): Promise<boolean> {
    const timer = setTimeout(() => this.#fail(`not closed within ${timeoutMs} ms`), timeoutMs);
    try {
      return this.#broken === undefined && this.#unread === "" && await this.#socket.read(this.#chunk) === null;
    } catch {
      return false;
    } finally {
      clearTimeout(timer);
      this.#fail("closed");
    }
  }

  [Symbol.dispose](): void {
    this.#fail("closed");
  }

  async #send(request: string): Promise<void> {
    const bytes = stringToBytes(request);
    for (let at = 0; at < bytes.length;) at += await this.#socket.write(bytes.subarray(at));
  }

  async #next(): Promise<Reply> {
    let read: ReadReply | undefined;
    while ((read = readReply(this.#unread)) === undefined) {
      const count = await this.#socket.read(this.#chunk);
      if (count === null) throw new Error("the server closed the connection");
      this.#unread += bytesToString(this.#chunk, 0, count);
    }
    this.#unread = this.#unread.slice(read.end);
    return read.reply;
  }

  #fail(reason: string): void {
    if (this.#broken !== undefined) return;
    this.#broken = reason;
    try {
      this.#socket.close();
    } catch {
      // It is closed already.
    }
  }
}
