/** Measures how long a server lets others wait, by PINGs on a connection of its own. */

import { LatencyHistogram } from "../../../lib/load/histogram.ts";
import { ConnectionLostError } from "../../../tests/support/byte_connection.ts";
import { Connection } from "../../../tests/support/resp/connection.ts";
import { delay } from "../../../tests/support/wait.ts";

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
      using connection = await Connection.open(address);
      while (this.#running) {
        const sentAt = performance.now();
        const { type } = await connection.ask(["PING"], REPLY_TIMEOUT_MS);
        if (type === "Broken") throw new Error(`${address} answers PING with what is no reply`);
        latencies.record(performance.now() - sentAt);
        await delay(PAUSE_MS);
      }
    } catch (error) {
      if (!isConnectionEnd(error)) throw error;
      this.#serverEnded = true;
    }
    return latencies;
  }
}

function isConnectionEnd(error: unknown): boolean {
  const { ConnectionRefused, ConnectionReset } = Deno.errors;
  return [ConnectionLostError, ConnectionRefused, ConnectionReset].some((end) => error instanceof end);
}
