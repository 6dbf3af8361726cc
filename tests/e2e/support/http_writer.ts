/** A client over HTTP that writes without end, follows the leader, and repeats each request until it is done. */

import { assert, assertEquals } from "@std/assert";
import { delay } from "../../support/wait.ts";

/** How long a request is repeated. */
const TIMEOUT_MS = 60_000;
const PAUSE_MS = 20;
/** Keys are used again. */
const KEYS = 50;

/** Whom it asks, and how. */
export interface HttpWriterOptions {
  /** `http://host:port` of each node. */
  readonly bases: readonly string[];
  readonly prefix?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Whom to trust, for HTTPS. */
  readonly client?: Deno.HttpClient;
  /** Whether followers are to say who leads instead of passing on. */
  readonly follows?: boolean;
}

/** A client at work. */
export class HttpWriter {
  /** Answers that repeating does not mend, and requests whose time was over. */
  readonly failures: string[] = [];
  readonly #options: HttpWriterOptions;
  readonly #written = new Map<string, string>();
  readonly #done: Promise<void>;
  #at = 0;
  #stopping = false;

  /** Starts it. */
  constructor(options: HttpWriterOptions) {
    this.#options = options;
    this.#done = this.#run();
  }

  /** Lets it finish its request and ends. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  /** No request failed, and what was acknowledged is there by way of every node of `bases`. */
  async assertKept(how: Pick<HttpWriterOptions, "bases" | "headers" | "client"> = this.#options): Promise<void> {
    assertEquals(this.failures, []);
    assert(this.#written.size > 1, `only ${this.#written.size} keys were written over HTTP`);
    for (const [key, value] of this.#written) {
      const reply = await fetch(`${how.bases[0]}/v1/kv/${key}`, withClient(how, {}));
      assertEquals([reply.status, await reply.text()], [200, value], key);
    }
  }

  async #run(): Promise<void> {
    const { prefix = "http" } = this.#options;
    for (let round = 0; !this.#stopping; round++) {
      const [key, value] = [`${prefix}-${round % KEYS}`, `value-${round}`];
      const end = performance.now() + TIMEOUT_MS;
      let failure = await this.#put(key, value);
      while (failure !== undefined && failure.passes && performance.now() < end) {
        this.#at += 1;
        await delay(PAUSE_MS);
        failure = await this.#put(key, value);
      }
      if (failure === undefined) this.#written.set(key, value);
      else this.failures.push(`${key} in round ${round}: ${failure.what}`);
    }
  }

  /** Undefined once it is done. */
  async #put(key: string, value: string): Promise<{ readonly what: string; readonly passes: boolean } | undefined> {
    const { bases, follows = false } = this.#options;
    const url = `${bases[this.#at % bases.length]}/v1/kv/${key}${follows ? "?redirect" : ""}`;
    // Followed here: `fetch` does not take a password along.
    const put = (to: string) =>
      fetch(to, withClient(this.#options, { method: "PUT", body: value, redirect: "manual" }));
    try {
      const first = await put(url);
      const leader = first.headers.get("location");
      if (leader !== null) await first.body?.cancel();
      const reply = leader === null ? first : await put(leader);
      const text = await reply.text();
      if (reply.ok) return undefined;
      return { what: `${reply.status} ${text}`, passes: reply.status >= 500 || reply.status === 307 };
    } catch (error) {
      return { what: String(error), passes: true };
    }
  }
}

function withClient(
  { headers, client }: Pick<HttpWriterOptions, "headers" | "client">,
  init: RequestInit,
): RequestInit & { readonly client?: Deno.HttpClient } {
  return { ...init, ...(headers === undefined ? {} : { headers }), ...(client === undefined ? {} : { client }) };
}
