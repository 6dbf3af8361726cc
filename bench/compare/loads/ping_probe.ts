/** Measures how long a server lets others wait, by PINGs on a connection of its own. */

import { LatencyHistogram } from "../../../lib/load/histogram.ts";
import { RespConnection } from "../resp_connection.ts";

const PAUSE_MS = 2;
const REPLY_TIMEOUT_MS = 120_000;

/** Asks PING again and again until it is stopped. */
export class PingProbe {
  readonly #work: Promise<LatencyHistogram>;
  #running = true;

  constructor(address: string) {
    this.#work = this.#run(address);
    // Heard of where it is stopped.
    this.#work.catch(() => {});
  }

  /** Ends it; resolves to how long the replies took, in milliseconds. Rejects when the server ended before. */
  async stop(): Promise<LatencyHistogram> {
    this.#running = false;
    return await this.#work;
  }

  async #run(address: string): Promise<LatencyHistogram> {
    const latencies = new LatencyHistogram();
    using connection = await RespConnection.open(address);
    while (this.#running) {
      const sentAt = performance.now();
      await connection.ask(["PING"], REPLY_TIMEOUT_MS);
      latencies.record(performance.now() - sentAt);
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return latencies;
  }
}
