/** Measures how long a server lets others wait, by PINGs on a connection of its own. */

import { LatencyHistogram } from "../../../lib/load/histogram.ts";
import { ConnectionClosedError, RespConnection } from "../resp_connection.ts";

const PAUSE_MS = 2;
const REPLY_TIMEOUT_MS = 120_000;

/** Asks PING again and again until it is stopped or its server ends. */
export class PingProbe {
  readonly #work: Promise<LatencyHistogram>;
  #running = true;
  #serverEnded = false;

  constructor(address: string) {
    this.#work = this.#run(address);
    // Heard of where it is stopped.
    this.#work.catch(() => {});
  }

  /** Whether its server ended before it was stopped. */
  get serverEnded(): boolean {
    return this.#serverEnded;
  }

  /** Ends it; resolves to how long the replies took, in milliseconds. */
  async stop(): Promise<LatencyHistogram> {
    this.#running = false;
    return await this.#work;
  }

  /** A server that ends or is restarted ends the probe: it has seen what there was to see. */
  async #run(address: string): Promise<LatencyHistogram> {
    const latencies = new LatencyHistogram();
    try {
      using connection = await RespConnection.open(address);
      while (this.#running) {
        const sentAt = performance.now();
        await connection.ask(["PING"], REPLY_TIMEOUT_MS);
        latencies.record(performance.now() - sentAt);
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    } catch (error) {
      if (!isConnectionEnd(error)) throw error;
      this.#serverEnded = true;
    }
    return latencies;
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
