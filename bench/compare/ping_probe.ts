/** Measures how long a server stands still, by PINGs on a connection of its own. */

import { ConnectionClosedError, RespConnection } from "./resp_connection.ts";

const PAUSE_MS = 2;
const REPLY_TIMEOUT_MS = 120_000;

/** Asks PING again and again until it is stopped or its server ends. A server that stands still answers none of them. */
export class PingProbe {
  readonly #work: Promise<number>;
  #running = true;

  constructor(address: string) {
    this.#work = this.#run(address);
  }

  /** Ends it; resolves to the longest time between two replies, in milliseconds. */
  async stop(): Promise<number> {
    this.#running = false;
    return await this.#work;
  }

  /** A server that is restarted ends the probe: it has seen what there was to see. */
  async #run(address: string): Promise<number> {
    let longest = 0;
    try {
      using connection = await RespConnection.open(address);
      let last: number | undefined;
      while (this.#running) {
        await connection.ask(["PING"], REPLY_TIMEOUT_MS);
        const now = performance.now();
        if (last !== undefined) longest = Math.max(longest, now - last);
        last = now;
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (!isConnectionEnd(error)) throw error;
    }
    return longest;
  }
}

function isConnectionEnd(error: unknown): boolean {
  const { ConnectionRefused, ConnectionReset, ConnectionAborted, BrokenPipe, UnexpectedEof } = Deno.errors;
  const ends = [
    ConnectionRefused,
    ConnectionReset,
    ConnectionAborted,
    BrokenPipe,
    UnexpectedEof,
    ConnectionClosedError,
  ];
  return ends.some((end) => error instanceof end);
}
