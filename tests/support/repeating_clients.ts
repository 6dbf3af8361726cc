/** Clients that repeat their requests in a session until they are done: none may fail while a cluster changes. */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/client/client.ts";

/** How long a request is repeated. */
const TIMEOUT_MS = 60_000;
/** Each client uses its keys again. */
const KEYS = 50;

/** Clients that write and read their own keys without end. */
export class RepeatingClients {
  /** Requests that failed in the end, with the reason. */
  readonly failures: string[] = [];
  /** What was acknowledged, by key. */
  readonly written = new Map<string, string>();
  readonly #count: number;
  readonly #done: Promise<unknown>;
  #stopping = false;

  /** Starts `count` of them; `servers` are all `host:port` that may serve at some time. */
  constructor(servers: readonly string[], count: number) {
    this.#count = count;
    this.#done = Promise.all(Array.from({ length: count }, (_, at) => this.#run(servers, at)));
  }

  /** Lets each finish its request and ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** What was acknowledged is there, and no request failed. */
  async assertKept(servers: readonly string[]): Promise<void> {
    assertEquals(this.failures, []);
    assert(this.written.size > this.#count, `only ${this.written.size} keys were written`);
    await using client = await connect({ servers });
    for (const [key, value] of this.written) assertEquals((await client.get(key))?.text(), value, key);
  }

  async #run(servers: readonly string[], at: number): Promise<void> {
    await using client = await connect({ servers, session: true, timeoutMs: TIMEOUT_MS });
    for (let round = 0; !this.#stopping; round++) {
      const [key, value] = [`client-${at}-${round % KEYS}`, `value-${round}`];
      try {
        await client.put(key, value);
        this.written.set(key, value);
        assertEquals((await client.get(key))?.text(), value);
      } catch (error) {
        this.failures.push(`${key} in round ${round}: ${error}`);
      }
    }
  }
}
