/** What a cluster might hold and do, so that its dashboard has something to show. */

import { delay } from "../support/wait.ts";

const STEP_MS = 40;
const REQUEST_MS_MAX = 2_000;

const SAMPLES: readonly (readonly [path: string, value: string])[] = [
  ["config%2ffeatures", '{"search":true,"checkout":"v2","beta":["maps","chat"]}'],
  ["config%2flimits", '{"requests_per_minute":600,"burst":50}'],
  ["cart%3a7f3a", '{"items":3,"total":"41.90"}'],
  ["cart%3a81c2", '{"items":1,"total":"12.00"}'],
  ["feed%3aeurope%3agermany%3aberlin%3aweather%3ahourly%3a2031-04-07T10:00Z%3astation-0042", "sunny, 17 degrees"],
  ["feed%3aeurope%3agermany%3aberlin%3aweather%3ahourly%3a2031-04-07T10:00Z%3astation-0043", "cloudy, 15 degrees"],
  ["hash%3a%de%ad%be%ef%00", "\x00\x01\x02\xfe\xff"],
  ["hash%3a%5cxde%5cxad", "the same in letters"],
  ["leader%3areports", "worker-3"],
  ["queue%3amail%3anext", "1048"],
  ["rate%3a10.0.0.8?ttl=10m", "57"],
  ["session%3a9f2c71?ttl=30m", '{"user":1001,"since":"2031-04-07T09:12:44Z"}'],
  ["session%3ab0417e?ttl=30m", '{"user":1002,"since":"2031-04-07T09:40:02Z"}'],
  ...Array.from({ length: 24 }, (_, at): readonly [string, string] => {
    return [`user%3a${1_001 + at}`, JSON.stringify({ name: `Sample ${at + 1}`, visits: at * 7 })];
  }),
];

/** Reads and writes, to whichever node answers, until it is stopped. */
export class SampleLoad implements AsyncDisposable {
  readonly #bases: readonly string[];
  #stopped = false;
  #running: Promise<void> = Promise.resolve();
  #count = 0;

  constructor(bases: readonly string[]) {
    this.#bases = bases;
  }

  /** Stores the samples. */
  async fill(): Promise<void> {
    for (const [path, value] of SAMPLES) {
      const body = Uint8Array.from(value, (character) => character.charCodeAt(0));
      const response = await fetch(`${this.#bases[0]}/v1/kv/${path}`, { method: "PUT", body });
      await response.body?.cancel();
      if (!response.ok) throw new Error(`Cannot store ${path}: ${response.status}`);
    }
  }

  /** Begins to read and write, more at some times than at others. */
  start(): void {
    this.#running = this.#run();
  }

  /** Ends it. */
  stop(): void {
    this.#stopped = true;
  }

  /** Ends it and waits for the last request. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    await this.#running;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      this.#count += 1;
      const several = 2 + Math.round(1.5 + 1.5 * Math.sin(this.#count / 60));
      await Promise.all(Array.from({ length: several }, (_, at) => this.#request(this.#count + at)));
      await delay(STEP_MS);
    }
  }

  async #request(number: number): Promise<void> {
    const base = this.#bases[number % this.#bases.length];
    const [url, method] = [`${base}/v1/kv/queue%3amail%3anext`, number % 5 < 2 ? "PUT" : "GET"];
    const body = method === "PUT" ? { body: String(number) } : {};
    try {
      const response = await fetch(url, { method, ...body, signal: AbortSignal.timeout(REQUEST_MS_MAX) });
      await response.body?.cancel();
    } catch {
      // Nodes are killed and paused on purpose: the next request goes to another one.
    }
  }
}
