/** A client of Redis's protocol: it sends commands as they are and gives back the replies as they came. */

import { ByteConnection } from "../byte_connection.ts";
import { encodeRequest } from "./encode.ts";
import { quote, readReply, type Reply, ReplySyntaxError } from "./reply.ts";

/** The words of a command, each a byte string. */
export type Command = readonly string[];

const REPLY_TIMEOUT_MS = 30_000;

/** One connection. Once a reply is `Broken`, so are all that follow. */
export class Connection implements Disposable {
  readonly #connection: ByteConnection;

  private constructor(connection: ByteConnection) {
    this.#connection = connection;
  }

  /** Connects to `host:port`. Rejects with the system's error. */
  static async open(address: string): Promise<Connection> {
    return new Connection(await ByteConnection.connect(address));
  }

  /** Why nothing can be read any more; undefined as long as all is well. */
  get broken(): string | undefined {
    return this.#connection.lost?.message;
  }

  /** Sends a command. Rejects when the connection ends before the reply; what cannot be read is a `Broken` reply. */
  async ask(command: Command, timeoutMs = REPLY_TIMEOUT_MS): Promise<Reply> {
    const [reply] = this.#send([command], timeoutMs);
    try {
      return await reply ?? brokenBy("no request");
    } catch (error) {
      if (error instanceof ReplySyntaxError) return brokenBy(error);
      throw error;
    }
  }

  /** Sends the commands together and waits for as many replies. Never rejects: what went wrong is in the replies. */
  async exchange(commands: readonly Command[], timeoutMs = REPLY_TIMEOUT_MS): Promise<readonly Reply[]> {
    return await Promise.all(this.#send(commands, timeoutMs).map((reply) => reply.catch(brokenBy)));
  }

  /** Whether the other side ends the connection, as it must after QUIT, without sending more. */
  async endsNow(timeoutMs = REPLY_TIMEOUT_MS): Promise<boolean> {
    const timer = setTimeout(() => this.#connection.close(), timeoutMs);
    try {
      return await this.#connection.ended && this.#connection.unread === "";
    } finally {
      clearTimeout(timer);
    }
  }

  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #send(commands: readonly Command[], timeoutMs: number): Promise<Reply>[] {
    const { unread } = this.#connection;
    if (unread !== "") {
      this.#connection.close(new ReplySyntaxError(`bytes that nobody asked for: ${quote(unread.slice(0, 100))}`));
    }
    const replies = commands.map(() => this.#connection.expect(readReply, timeoutMs));
    this.#connection.send(commands.map((command) => encodeRequest(...command)).join(""));
    return replies;
  }
}

function brokenBy(why: unknown): Reply {
  return { type: "Broken", text: why instanceof Error ? why.message : String(why) };
}
