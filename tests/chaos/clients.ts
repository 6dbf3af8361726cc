/**
 * Clients of every protocol: one operation at a time, all of it recorded. Those of the text protocol write to the leader and
 * read from any node; those of the others write and read through all nodes in turn.
 */

import { unreachable } from "../../lib/base/assert.ts";
import type { Random } from "../../lib/base/random.ts";
import { delay } from "../support/wait.ts";
import { CLIENTS_PER_KEY_MAX, type KeySpace, type LiveKey } from "./keys.ts";
import { HTTP_PROTOCOL } from "./protocols/http_protocol.ts";
import type { Connection, NodePorts, Protocol } from "./protocols/protocol.ts";
import { RESP_PROTOCOL } from "./protocols/resp_protocol.ts";
import { TEXT_PROTOCOL } from "./protocols/text_protocol.ts";
import { nowNs, type Recorder, type SentWrite } from "./recorder.ts";

/** What clients work with. */
export interface WorkloadOptions {
  readonly ports: NodePorts;
  readonly recorder: Recorder;
  readonly random: Random;
  /** The keys of each group of clients. */
  readonly keySpaces: readonly KeySpace[];
  /** Longest pause of a client between two operations. */
  readonly pauseMsMax: number;
}

/** The members of each group of clients speak these in turn, the next group beginning with the next of them. */
const PROTOCOLS: readonly Protocol[] = [TEXT_PROTOCOL, RESP_PROTOCOL, HTTP_PROTOCOL];
const RETRY_PAUSE_MS = 20;
const DELETE_SHARE = 0.08;
const PUT_SHARE = 0.45;
/** Of the writes, those to a key that is written once: what was acknowledged must then be there for ever. */
const SINGLE_SHARE = 0.15;
/** Clients of each group that read from the leader only: a node that does not answer shall not stop all writes. */
const LEADER_READERS = 3;
const PADDING_BYTES_MAX = 200;
/** Some values are long, so that the log grows and a disk without room is noticed. */
const LONG_SHARE = 0.15;
const LONG_PADDING_BYTES_MAX = 2_000;

/** All clients at work. */
export class Workload {
  readonly #done: Promise<unknown>;
  #stopping = false;

  /** Starts them. */
  constructor(options: WorkloadOptions) {
    const running: Promise<void>[] = [];
    for (const protocol of PROTOCOLS) {
      for (const node of options.ports.http.keys()) options.recorder.expectRoute(routeOf(protocol, node));
    }
    for (const [group, keys] of options.keySpaces.entries()) {
      for (let member = 0; member < CLIENTS_PER_KEY_MAX; member++) {
        const number = group * CLIENTS_PER_KEY_MAX + member;
        const protocol = PROTOCOLS[(group + member) % PROTOCOLS.length] ?? TEXT_PROTOCOL;
        const client = new Client(options, { number, member, keys, protocol, random: options.random.fork() });
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
  readonly protocol: Protocol;
  readonly random: Random;
}

/** The way that a write takes: which node leads does not make another way of it. */
function routeOf({ name, needsLeader }: Protocol, node: number): string {
  return needsLeader ? `${name} through the leader` : `${name} through node ${node}`;
}

class Client {
  readonly #options: WorkloadOptions;
  readonly #parts: ClientParts;
  readonly #connections = new Map<number, Connection>();
  /** The node that writes go to, if only the leader takes them. */
  #leader: number;
  /** A client whose operation has an open end is another one from then on: a client does one thing at a time. */
  #life = 0;
  #values = 0;

  constructor(options: WorkloadOptions, parts: ClientParts) {
    this.#options = options;
    this.#parts = parts;
    this.#leader = parts.number % this.#nodes;
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

  get #nodes(): number {
    return this.#options.ports.http.length;
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
    const { protocol, random } = this.#parts;
    const node = protocol.needsLeader ? this.#leader : random.below(this.#nodes);
    const connection = await this.#connect(node);
    if (connection === undefined) return this.#tryNext(node);
    const write: SentWrite = { client: this.#id, key: key.name, value, call: nowNs(), route: routeOf(protocol, node) };
    const reply = await connection.write(key.name, value);
    switch (reply.type) {
      case "Done":
        return recorder.done(write, reply.existed);
      case "Unknown":
        this.#life += 1;
        key.unknown += 1;
        if (connection.closed) this.#tryNext(node);
        return recorder.leftOpen(write, `${protocol.name}, outcome unknown: ${reply.reason}`);
      case "NotDone":
        recorder.refuse(write, `${protocol.name}: ${reply.reason}`);
        return await this.#follow(node, reply.leader);
      case "Surprise":
        recorder.surprises.push(`${protocol.name}, write of ${key.name}: ${reply.reply}`);
        return await this.#follow(node, undefined);
      default:
        return unreachable(reply);
    }
  }

  async #read(key: LiveKey): Promise<void> {
    const { recorder } = this.#options;
    const { protocol, random, member } = this.#parts;
    const toLeader = protocol.needsLeader && member < LEADER_READERS;
    const node = toLeader ? this.#leader : random.below(this.#nodes);
    const connection = await this.#connect(node);
    if (connection === undefined) return this.#tryNext(node);
    const call = nowNs();
    const reply = await connection.read(key.name);
    if (connection.closed) this.#tryNext(node);
    switch (reply.type) {
      case "Value":
        return recorder.read({ client: this.#id, key: key.name, value: reply.value, call, return: nowNs() });
      case "NoAnswer":
        return recorder.readFailed(`${protocol.name}: ${reply.reason}`);
      case "Surprise":
        recorder.surprises.push(`${protocol.name}, read of ${key.name}: ${reply.reply}`);
        return;
      default:
        return unreachable(reply);
    }
  }

  async #connect(node: number): Promise<Connection | undefined> {
    const known = this.#connections.get(node);
    if (known !== undefined && !known.closed) return known;
    try {
      const connection = await this.#parts.protocol.connect(this.#options.ports, node);
      this.#connections.set(node, connection);
      return connection;
    } catch {
      // Nothing was sent. Without a pause, clients of a dead cluster would take the processor from it.
      await delay(RETRY_PAUSE_MS);
      return undefined;
    }
  }

  async #follow(node: number, leader: number | undefined): Promise<void> {
    if (leader !== undefined && leader !== this.#leader) {
      this.#leader = leader;
      return;
    }
    this.#tryNext(node);
    await delay(RETRY_PAUSE_MS);
  }

  /** After a node that was taken for the leader and is not, or does not answer. */
  #tryNext(node: number): void {
    if (node === this.#leader) this.#leader = (node + 1) % this.#nodes;
  }
}
