/** Clients of the text protocol: one operation at a time, writes to the leader, reads from any node, all of it recorded. */

import type { Random } from "../../lib/base/random.ts";
import { TextClient } from "../support/text_client.ts";
import { delay } from "../support/wait.ts";
import { CLIENTS_PER_KEY_MAX, type KeySpace, type LiveKey } from "./keys.ts";
import { nowNs, type Recorder, type SentWrite } from "./recorder.ts";

/** What clients work with. */
export interface WorkloadOptions {
  /** Client ports by node id. */
  readonly ports: readonly number[];
  readonly recorder: Recorder;
  readonly random: Random;
  /** The keys of each group of clients. */
  readonly keySpaces: readonly KeySpace[];
  /** Longest pause of a client between two operations. */
  readonly pauseMsMax: number;
}

/** A bit more than a node takes to give up. */
const REPLY_TIMEOUT_MS = 1_200;
const RETRY_PAUSE_MS = 20;
const DELETE_SHARE = 0.08;
const PUT_SHARE = 0.45;
/** Of the writes, those to a key that is written once: what was acknowledged must then be there for ever. */
const SINGLE_SHARE = 0.15;
/** So many clients of each group read from the leader only: a node that does not answer shall not stop all writes. */
const LEADER_READERS = 3;
const PADDING_BYTES_MAX = 200;
/** Some values are long, so that the log grows and a disk without room is noticed. */
const LONG_SHARE = 0.15;
const LONG_PADDING_BYTES_MAX = 2_000;
const NOT_LEADER = /^Error: Not leader\. Current leader is Node (\d+)/;
/** Certainly not done, and likely to go better soon. */
export const NOT_DONE = /^Error: (No leader|Not leader|Stopping|Overloaded|Too many connections|No space|Timeout)\b/;
const UNKNOWN = "Error: Outcome unknown.";

/** All clients at work. */
export class Workload {
  readonly #done: Promise<unknown>;
  #stopping = false;

  /** Starts them. */
  constructor(options: WorkloadOptions) {
    const running: Promise<void>[] = [];
    for (const [group, keys] of options.keySpaces.entries()) {
      for (let member = 0; member < CLIENTS_PER_KEY_MAX; member++) {
        const number = group * CLIENTS_PER_KEY_MAX + member;
        const client = new Client(options, { number, member, keys, random: options.random.fork() });
        running.push(client.run(() => this.#stopping));
      }
    }
    this.#done = Promise.all(running);
  }

  /** Lets each client finish its operation. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }
}

interface ClientParts {
  readonly number: number;
  /** Its place in its group. */
  readonly member: number;
  readonly keys: KeySpace;
  readonly random: Random;
}

class Client {
  readonly #options: WorkloadOptions;
  readonly #parts: ClientParts;
  readonly #connections = new Map<number, TextClient>();
  /** The node that writes go to. */
  #leader: number;
  /** A client whose operation has an open end is another one from then on: a client does one thing at a time. */
  #life = 0;
  #values = 0;

  constructor(options: WorkloadOptions, parts: ClientParts) {
    this.#options = options;
    this.#parts = parts;
    this.#leader = parts.number % options.ports.length;
  }

  async run(stopping: () => boolean): Promise<void> {
    const { random, keys, member } = this.#parts;
    while (!stopping()) {
      const kind = random.fraction();
      if (kind < PUT_SHARE) {
        const key = random.chance(SINGLE_SHARE) ? keys.single() : keys.pick(random);
        await this.#write(key, this.#newValue());
      } else {
        const key = keys.pick(random);
        if (kind < PUT_SHARE + DELETE_SHARE && key.owner === member) await this.#write(key, null);
        else await this.#read(key);
      }
      await delay(random.below(this.#options.pauseMsMax + 1));
    }
    for (const connection of this.#connections.values()) connection.close();
  }

  /** Clients in several lives have different numbers, and no two of them ever the same. */
  get #id(): number {
    return this.#parts.number + this.#life * 1_000;
  }

  #newValue(): string {
    this.#values += 1;
    // The part before the full stop is unique, and short enough to be seen whole in LOGS.
    const { random } = this.#parts;
    const padding = "x".repeat(random.below(random.chance(LONG_SHARE) ? LONG_PADDING_BYTES_MAX : PADDING_BYTES_MAX));
    return `u${this.#parts.number}-${this.#values}.${padding}`;
  }

  async #write(key: LiveKey, value: string | null): Promise<void> {
    const { recorder } = this.#options;
    const connection = await this.#connect(this.#leader);
    if (connection === undefined) return this.#tryNext();
    const write: SentWrite = { client: this.#id, key: key.name, value, call: nowNs() };
    let reply: string;
    try {
      reply = await connection.ask(value === null ? `DELETE ${key.name}` : `PUT ${key.name} ${value}`);
    } catch (error) {
      reply = `${UNKNOWN} ${error instanceof Error ? error.message : error}`;
      this.#tryNext();
    }
    if (value !== null && reply === `${key.name} added successfully.`) return recorder.done(write, null);
    if (value === null && reply === `${key.name} deleted successfully.`) return recorder.done(write, true);
    if (value === null && reply === `Error: ${key.name} does not exist.`) return recorder.done(write, false);
    if (reply.startsWith(UNKNOWN)) {
      this.#life += 1;
      key.unknown += 1;
      return recorder.leftOpen(write, reply);
    }
    if (NOT_DONE.test(reply)) recorder.refuse(write, shortened(reply));
    else recorder.surprises.push(`write of ${key.name}: ${reply}`);
    await this.#follow(reply);
  }

  async #read(key: LiveKey): Promise<void> {
    const { recorder, ports } = this.#options;
    const { random, member } = this.#parts;
    const node = member < LEADER_READERS ? this.#leader : random.below(ports.length);
    const connection = await this.#connect(node);
    if (connection === undefined) return node === this.#leader ? this.#tryNext() : undefined;
    const call = nowNs();
    let reply: string;
    try {
      reply = await connection.ask(`GET ${key.name}`);
    } catch (error) {
      if (node === this.#leader) this.#tryNext();
      return recorder.readFailed(error instanceof Error ? error.message : String(error));
    }
    const value = valueIn(reply, key.name);
    if (value !== undefined) recorder.read({ client: this.#id, key: key.name, value, call, return: nowNs() });
    else if (NOT_DONE.test(reply)) recorder.readFailed(shortened(reply));
    else recorder.surprises.push(`read of ${key.name}: ${reply}`);
  }

  async #connect(node: number): Promise<TextClient | undefined> {
    const known = this.#connections.get(node);
    if (known !== undefined && !known.closed) return known;
    try {
      const connection = await TextClient.connect(this.#options.ports[node] ?? 0, { timeoutMs: REPLY_TIMEOUT_MS });
      this.#connections.set(node, connection);
      return connection;
    } catch {
      // Nothing was sent. Without a pause, clients of a dead cluster would take the processor from it.
      await delay(RETRY_PAUSE_MS);
      return undefined;
    }
  }

  async #follow(reply: string): Promise<void> {
    const leader = NOT_LEADER.exec(reply);
    if (leader !== null && Number(leader[1]) !== this.#leader) {
      this.#leader = Number(leader[1]);
      return;
    }
    this.#tryNext();
    await delay(RETRY_PAUSE_MS);
  }

  #tryNext(): void {
    this.#leader = (this.#leader + 1) % this.#options.ports.length;
  }
}

/** The value in a reply to GET, null for no value, undefined when it is no answer. */
export function valueIn(reply: string, key: string): string | null | undefined {
  const begin = `value of ${key}: `;
  if (reply.startsWith(begin)) return reply.slice(begin.length);
  return reply === `Error: ${key} does not exist.` ? null : undefined;
}

/** Without the numbers, which would make each reason one of its own. */
export function shortened(reply: string): string {
  return reply.replace(/\d+/g, "N");
}
