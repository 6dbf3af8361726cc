/**
 * Clients of every protocol: one operation at a time, all of it recorded. Those of the text protocol write to the leader and
 * read from any node; those of the others write and read through all nodes in turn.
 */

import { unreachable } from "../../lib/base/assert.ts";
import type { Random } from "../../lib/base/random.ts";
import { LeaderFollower } from "../support/leader_follower.ts";
import { HTTP_PROTOCOL } from "../support/protocols/http_protocol.ts";
import type { NodePorts, Protocol } from "../support/protocols/protocol.ts";
import { RESP_PROTOCOL } from "../support/protocols/resp_protocol.ts";
import { TEXT_PROTOCOL } from "../support/protocols/text_protocol.ts";
import { delay } from "../support/wait.ts";
import { CLIENTS_PER_KEY_MAX, type KeySpace, type LiveKey } from "./keys.ts";
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
/** A bit more than a node takes to give up. */
const REPLY_TIMEOUT_MS = 1_200;
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
  readonly #follower: LeaderFollower;
  /** A client whose operation has an open end is another one from then on: a client does one thing at a time. */
  #life = 0;
  #values = 0;

  constructor(options: WorkloadOptions, parts: ClientParts) {
    this.#options = options;
    this.#parts = parts;
    const { protocol, number } = parts;
    this.#follower = new LeaderFollower({
      protocol,
      ports: options.ports,
      first: number,
      replyTimeoutMs: REPLY_TIMEOUT_MS,
    });
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
    this.#follower.close();
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
    const node = protocol.needsLeader ? this.#follower.leader : random.below(this.#nodes);
    const connection = await this.#follower.connect(node);
    if (connection === undefined) return;
    const write: SentWrite = { client: this.#id, key: key.name, value, call: nowNs(), route: routeOf(protocol, node) };
    const reply = await connection.write(key.name, value);
    switch (reply.type) {
      case "Done":
        recorder.done(write, reply.existed);
        break;
      case "Unknown":
        this.#life += 1;
        key.unknown += 1;
        recorder.leftOpen(write, `${protocol.name}, outcome unknown: ${reply.reason}`);
        break;
      case "NotDone":
        recorder.refuse(write, `${protocol.name}: ${reply.reason}`);
        break;
      case "Surprise":
        recorder.surprises.push(`${protocol.name}, write of ${key.name}: ${reply.reply}`);
        break;
      default:
        return unreachable(reply);
    }
    await this.#follower.heed(node, reply);
  }

  async #read(key: LiveKey): Promise<void> {
    const { recorder } = this.#options;
    const { protocol, random, member } = this.#parts;
    const toLeader = protocol.needsLeader && member < LEADER_READERS;
    const node = toLeader ? this.#follower.leader : random.below(this.#nodes);
    const connection = await this.#follower.connect(node);
    if (connection === undefined) return;
    const call = nowNs();
    const reply = await connection.read(key.name);
    switch (reply.type) {
      case "Value":
        recorder.read({ client: this.#id, key: key.name, value: reply.value, call, return: nowNs() });
        break;
      case "NoAnswer":
        recorder.readFailed(`${protocol.name}: ${reply.reason}`);
        break;
      case "Surprise":
        recorder.surprises.push(`${protocol.name}, read of ${key.name}: ${reply.reply}`);
        break;
      default:
        return unreachable(reply);
    }
    await this.#follower.heed(node, reply);
  }
}
