/** A client of change streams over the network: raw HTTP, so that nothing is buffered and every end is seen. */

import { EventParser, type ServerEvent } from "./event_parser.ts";
import { waitFor } from "./wait.ts";

/** Where and what to watch. */
export interface EventClientOptions {
  readonly port: number;
  /** Behind the "?"; "" for none. */
  readonly query?: string;
  readonly lastEventId?: string;
}

/** How a stream came to its end: the last chunk was there, or the connection broke. */
export type StreamEnd = "Complete" | "Broken";

/** One connection and what came over it. */
export class EventClient implements Disposable {
  readonly parser = new EventParser();
  readonly events: ServerEvent[] = [];
  /** Resolves when nothing more comes. */
  readonly ended: Promise<StreamEnd>;
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  /** Bytes of the present chunk that are still to come; its line end included. */
  #chunkLeft = 0;
  #rest = new Uint8Array(0);

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
    this.ended = this.#read();
  }

  /** Connects and asks; rejects when there is no connection or the reply is no stream. */
  static async open({ port, query = "", lastEventId }: EventClientOptions): Promise<EventClient> {
    const connection = await Deno.connect({ hostname: "127.0.0.1", port });
    const resume = lastEventId === undefined ? "" : `Last-Event-ID: ${lastEventId}\r\n`;
    const target = query === "" ? "/v1/events" : `/v1/events?${query}`;
    const head = `GET ${target} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${resume}\r\n`;
    try {
      await connection.write(new TextEncoder().encode(head));
      const client = new EventClient(connection);
      await client.#opened.promise;
      return client;
    } catch (error) {
      closeQuietly(connection);
      throw error;
    }
  }

  readonly #opened = Promise.withResolvers<void>();

  /** The changes among the events: puts, deletes and expiries. */
  get changes(): readonly ServerEvent[] {
    return this.events.filter(({ type }) => type === "put" || type === "delete" || type === "expire");
  }

  /** Waits for an event of a type. */
  async waitFor(type: string): Promise<ServerEvent> {
    return await waitFor(() => this.events.find((event) => event.type === type), {
      what: `an event of type ${type}`,
    });
  }

  /** Closes the connection. */
  [Symbol.dispose](): void {
    closeQuietly(this.#connection);
  }

  async #read(): Promise<StreamEnd> {
    const buffer = new Uint8Array(65_536);
    let head = "";
    try {
      for (;;) {
        const count = await this.#connection.read(buffer);
        if (count === null) break;
        let bytes = buffer.slice(0, count);
        if (head !== "open") {
          head += new TextDecoder("latin1").decode(bytes);
          const end = head.indexOf("\r\n\r\n");
          if (end < 0) continue;
          if (!head.startsWith("HTTP/1.1 200")) throw new Error(`No stream: ${head}`);
          bytes = Uint8Array.from(head.slice(end + 4), (character) => character.charCodeAt(0));
          head = "open";
          this.#opened.resolve();
        }
        if (this.#takeChunks(bytes)) return "Complete";
      }
    } catch (error) {
      this.#opened.reject(error);
      return "Broken";
    }
    this.#opened.reject(new Error("The connection was closed before the reply"));
    return "Broken";
  }

  /** Whether the last chunk was among them. */
  #takeChunks(bytes: Uint8Array): boolean {
    let left = new Uint8Array(this.#rest.length + bytes.length);
    left.set(this.#rest);
    left.set(bytes, this.#rest.length);
    for (;;) {
      if (this.#chunkLeft === 0) {
        const lineEnd = left.indexOf(10);
        if (lineEnd < 0) break;
        const size = parseInt(new TextDecoder().decode(left.subarray(0, lineEnd)), 16);
        if (size === 0) return true;
        this.#chunkLeft = size + 2;
        left = left.slice(lineEnd + 1);
      }
      // The line end behind a chunk is waited for, so that it is never cut.
      const take = this.#chunkLeft - left.length <= 0 ? this.#chunkLeft : Math.min(left.length, this.#chunkLeft - 2);
      if (take <= 0) break;
      const data = left.subarray(0, take === this.#chunkLeft ? take - 2 : take);
      this.events.push(...this.parser.push(this.#decoder.decode(data, { stream: true })));
      this.#chunkLeft -= take;
      left = left.slice(take);
    }
    this.#rest = left;
    return false;
  }
}

function closeQuietly(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // The server was faster.
  }
}
