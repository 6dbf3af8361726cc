/**
 * Readers that do not wait: they ask every node again and again, whether it has answered or not. So a node that was
 * paused, or cut off, has reads waiting that were sent after others had written: these are the ones that go stale.
 */

import type { Random } from "../../lib/base/random.ts";
import { TextClient } from "../support/text_client.ts";
import { delay } from "../support/wait.ts";
import { reasonOf } from "../support/protocols/protocol.ts";
import { textReadReply } from "../support/protocols/text_protocol.ts";
import type { KeySpace } from "./keys.ts";
import { nowNs, type Recorder } from "./recorder.ts";

/** What patrols work with. */
export interface PatrolOptions {
  /** Client ports by node id. */
  readonly ports: readonly number[];
  readonly recorder: Recorder;
  readonly random: Random;
  readonly keySpaces: readonly KeySpace[];
  /** Between two reads of one node. */
  readonly everyMs: number;
}

/** Longer than any pause. */
const REPLY_TIMEOUT_MS = 6_000;
/** Reads of one node that wait for their answer. */
const OPEN_MAX = 60;
/** Each read has a number of its own, above those of the clients. */
const PATROL_ID = 500_000_000;

/** All patrols at work. */
export class Patrols {
  readonly #options: PatrolOptions;
  readonly #done: Promise<unknown>;
  #stopping = false;
  #reads = 0;

  /** Starts one for each node. */
  constructor(options: PatrolOptions) {
    this.#options = options;
    this.#done = Promise.all(options.ports.map((port) => this.#run(port, options.random.fork())));
  }

  /** Ends them; the nodes run, so what is open is answered soon or never. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#done;
  }

  async #run(port: number, random: Random): Promise<void> {
    const { everyMs, keySpaces } = this.#options;
    const open = new Set<Promise<void>>();
    let connection: TextClient | undefined;
    while (!this.#stopping) {
      await delay(random.below(2 * everyMs + 1));
      if (connection === undefined || connection.closed) connection = await connect(port);
      if (connection === undefined || open.size >= OPEN_MAX) continue;
      const reading: Promise<void> = this.#read(connection, random.pick(keySpaces).pick(random).name).then(() => {
        open.delete(reading);
      });
      open.add(reading);
    }
    await Promise.all(open);
    connection?.close();
  }

  async #read(connection: TextClient, key: string): Promise<void> {
    const { recorder } = this.#options;
    this.#reads += 1;
    const client = PATROL_ID + this.#reads;
    const call = nowNs();
    try {
      const reply = textReadReply(await connection.ask(`GET ${key}`), key);
      if (reply.type === "Value") recorder.read({ client, key, value: reply.value, call, return: nowNs() });
      else if (reply.type === "NoAnswer") recorder.readFailed(`patrol: ${reply.reason}`);
      else recorder.surprises.push(`read of ${key}: ${reply.reply}`);
    } catch (error) {
      recorder.readFailed(`patrol: ${reasonOf(error)}`);
    }
  }
}

async function connect(port: number): Promise<TextClient | undefined> {
  try {
    return await TextClient.connect(port, { timeoutMs: REPLY_TIMEOUT_MS });
  } catch {
    // The node is down: the next round tries again.
    return undefined;
  }
}
