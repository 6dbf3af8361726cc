/** Clients that repeat their requests in a session until they are done: none may fail while a cluster changes. */

import { assert, assertEquals } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import type { ConnectOptions } from "../../lib/client/options.ts";
import { waitFor } from "./wait.ts";

/** How long a request is repeated. */
const TIMEOUT_MS = 60_000;
/** Each client uses its keys again. */
const KEYS = 50;

/** How clients connect, beside the servers. */
export type Access = Pick<ConnectOptions, "username" | "password" | "tls">;

/** Clients that write and read their own keys without end. */
export class RepeatingClients {
  /** Requests that failed in the end, with the reason. */
  readonly failures: string[] = [];
  /** What was acknowledged, by key. */
  readonly written = new Map<string, string>();
  readonly #count: number;
  readonly #access: Access;
  readonly #prefix: string;
  /** Rounds begun, by client. */
  readonly #rounds: number[];
  readonly #done: Promise<unknown>;
  #stopping = false;

  /** Starts `count` of them; `servers` are all `host:port` that may serve at some time. Their keys begin with `prefix`. */
  constructor(
    servers: readonly string[],
    count: number,
    { prefix = "client", ...access }: Access & { readonly prefix?: string } = {},
  ) {
    this.#count = count;
    this.#access = access;
    this.#prefix = prefix;
    this.#rounds = Array.from({ length: count }, () => 0);
    this.#done = Promise.all(Array.from({ length: count }, (_, at) => this.#run(servers, at)));
  }

  /** Lets each finish its request and ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** Resolves once every client has written again. */
  async goOn(): Promise<void> {
    const before = this.#rounds.slice();
    const isOn = () => before.every((rounds, at) => (this.#rounds[at] ?? 0) > rounds + 1) || undefined;
    await waitFor(isOn, { what: "every client writes again" });
  }

  /** What was acknowledged is there, and no request failed; looked at with `access`, by default that of the clients. */
  async assertKept(servers: readonly string[], access: Access = this.#access): Promise<void> {
    assertEquals(this.failures, []);
    assert(this.written.size > this.#count, `only ${this.written.size} keys were written`);
    await using client = await connect({ servers, ...access });
    for (const [key, value] of this.written) assertEquals((await client.get(key))?.text(), value, key);
  }

  async #run(servers: readonly string[], at: number): Promise<void> {
    await using client = await connect({ servers, session: true, timeoutMs: TIMEOUT_MS, ...this.#access });
    for (let round = 0; !this.#stopping; round++) {
      const [key, value] = [`${this.#prefix}-${at}-${round % KEYS}`, `value-${round}`];
      this.#rounds[at] = round;
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
