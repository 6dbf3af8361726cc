/** Redis's protocol, as clients under faults speak it: every node takes reads and writes. */

import { type Command, Connection as Client } from "../resp/connection.ts";
import { describeReply, type Reply } from "../resp/reply.ts";
import {
  type Connection,
  type NodePorts,
  type Protocol,
  type ReadReply,
  reasonOf,
  shortened,
  type WriteReply,
} from "./protocol.ts";

/** The errors that docs/redis.md says are certainly not done. */
const NOT_DONE = /^(CLUSTERDOWN|TRYAGAIN|BUSY|MOVED|READONLY) /;
const UNKNOWN = "TIMEOUT outcome unknown";

/** SET, DEL and GET. */
export const RESP_PROTOCOL: Protocol = {
  name: "resp",
  needsLeader: false,
  connect: async ({ clients }: NodePorts, node: number, timeoutMs: number) => {
    return new RespConnection(await Client.open(`127.0.0.1:${clients[node] ?? 0}`), timeoutMs);
  },
};

class RespConnection implements Connection {
  readonly #client: Client;
  readonly #timeoutMs: number;

  constructor(client: Client, timeoutMs: number) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  get closed(): boolean {
    return this.#client.broken !== undefined;
  }

  async write(key: string, value: string | null): Promise<WriteReply> {
    try {
      const words = value === null ? ["DEL", key] : ["SET", key, value];
      return respWriteReply(await this.#ask(words), value === null);
    } catch (error) {
      return { type: "Unknown", reason: reasonOf(error) };
    }
  }

  async read(key: string): Promise<ReadReply> {
    try {
      return respReadReply(await this.#ask(["GET", key]));
    } catch (error) {
      return { type: "NoAnswer", reason: reasonOf(error) };
    }
  }

  close(): void {
    this.#client[Symbol.dispose]();
  }

  async #ask(command: Command): Promise<Reply> {
    return await this.#client.ask(command, this.#timeoutMs);
  }
}

/** What a reply to SET or DEL says. */
export function respWriteReply(reply: Reply, isDeletion: boolean): WriteReply {
  if (!isDeletion && reply.type === "Status" && reply.text === "OK") return { type: "Done", existed: null };
  if (isDeletion && reply.type === "Integer" && (reply.value === 0n || reply.value === 1n)) {
    return { type: "Done", existed: reply.value === 1n };
  }
  if (reply.type !== "Error") return { type: "Surprise", reply: describeReply(reply) };
  if (reply.text === UNKNOWN) return { type: "Unknown", reason: reply.text };
  return NOT_DONE.test(reply.text)
    ? { type: "NotDone", reason: shortened(reply.text) }
    : { type: "Surprise", reply: reply.text };
}

/** What a reply to GET says. */
export function respReadReply(reply: Reply): ReadReply {
  if (reply.type === "Bulk") return { type: "Value", value: reply.text };
  if (reply.type === "Null" && reply.form === "Bulk") return { type: "Value", value: null };
  return reply.type === "Error" && NOT_DONE.test(reply.text)
    ? { type: "NoAnswer", reason: shortened(reply.text) }
    : { type: "Surprise", reply: describeReply(reply) };
}
