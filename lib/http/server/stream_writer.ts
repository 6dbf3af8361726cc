/** Sends a body that is made piece by piece, with the chunked coding or, to HTTP/1.0, as it is. */

import type { SocketOutput } from "../../net/socket_output.ts";
import type { BodySink } from "../http.ts";

/** A piece up to this length goes with its frame in one string; a longer one is not copied for that. */
const SHORT_BYTES_MAX = 4_096;

/** What a stream is written to, and who hears of its end. */
export interface StreamWriterOptions {
  readonly output: SocketOutput;
  readonly chunked: boolean;
  /** The body is complete, or cannot be completed. Called once. */
  ended(complete: boolean): void;
}

/** The sink of one stream. */
export class StreamWriter implements BodySink {
  readonly #options: StreamWriterOptions;
  #over = false;

  constructor(options: StreamWriterOptions) {
    this.#options = options;
  }

  /** See `BodySink`. */
  get unsentBytes(): number {
    return this.#options.output.unsentBytes;
  }

  /** See `BodySink`. */
  send(bytes: string): void {
    // An empty chunk would be the end of the body.
    if (this.#over || bytes === "") return;
    const { output, chunked } = this.#options;
    if (!chunked) return output.send(bytes);
    const size = bytes.length.toString(16);
    if (bytes.length <= SHORT_BYTES_MAX) return output.send(`${size}\r\n${bytes}\r\n`);
    output.send(`${size}\r\n`);
    output.send(bytes);
    output.send("\r\n");
  }

  /** See `BodySink`. */
  finish(): void {
    if (this.#over) return;
    if (this.#options.chunked) this.#options.output.send("0\r\n\r\n");
    this.#end(true);
  }

  /** See `BodySink`. */
  abort(): void {
    if (!this.#over) this.#end(false);
  }

  /** The connection has ended: calls have no effect from now on. */
  cut(): void {
    this.#over = true;
  }

  #end(complete: boolean): void {
    this.#over = true;
    this.#options.ended(complete);
  }
}
