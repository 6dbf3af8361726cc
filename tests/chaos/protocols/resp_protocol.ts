/** Redis's protocol, as clients of a chaos run speak it: every node takes reads and writes. */

import { encodeRequest } from "../../support/resp_request.ts";
import { ByteConnection } from "./byte_connection.ts";
import {
  type Connection,
  type NodePorts,
  type Protocol,
  type ReadReply,
  reasonOf,
  REPLY_TIMEOUT_MS,
  shortened,
  type WriteReply,
} from "./protocol.ts";

/** The errors that docs/redis.md says are certainly not done. */
const NOT_DONE = /^-(CLUSTERDOWN|TRYAGAIN|BUSY|MOVED|READONLY) /;
const UNKNOWN = "-TIMEOUT outcome unknown";

/** SET, DEL and GET. */
export const RESP_PROTOCOL: Protocol = {
  name: "resp",
  needsLeader: false,
  connect: async ({ clients }: NodePorts, node: number) => {
    return new RespConnection(await ByteConnection.connect(clients[node] ?? 0, REPLY_TIMEOUT_MS));
  },
};

class RespConnection implements Connection {
  readonly #connection: ByteConnection;

  constructor(connection: ByteConnection) {
    this.#connection = connection;
  }

  get closed(): boolean {
    return this.#connection.closed;
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
    this.#connection.close();
  }

  async #ask(words: readonly string[]): Promise<RespReply> {
    return await this.#connection.exchange(encodeRequest(...words), parseRespReply);
  }
}

/** One reply: its first line without the end, and of a bulk string the bytes. */
export interface RespReply {
  readonly line: string;
  readonly bulk?: string;
}

/** The reply that `received` is; undefined when it is not yet all of it. */
export function parseRespReply(received: string): RespReply | undefined {
  const end = received.indexOf("\r\n");
  if (end < 0) return undefined;
  const line = received.slice(0, end);
  const length = /^\$(\d+)$/.exec(line)?.[1];
  if (length === undefined) return { line };
  const bulk = received.slice(end + 2, end + 2 + Number(length));
  return received.length < end + 2 + Number(length) + 2 ? undefined : { line, bulk };
}

/** What a reply to SET or DEL says. */
export function respWriteReply({ line }: RespReply, isDeletion: boolean): WriteReply {
  if (!isDeletion && line === "+OK") return { type: "Done", existed: null };
  if (isDeletion && (line === ":0" || line === ":1")) return { type: "Done", existed: line === ":1" };
  if (line === UNKNOWN) return { type: "Unknown", reason: line };
  return NOT_DONE.test(line) ? { type: "NotDone", reason: shortened(line) } : { type: "Surprise", reply: line };
}

/** What a reply to GET says. */
export function respReadReply({ line, bulk }: RespReply): ReadReply {
  if (bulk !== undefined) return { type: "Value", value: bulk };
  if (line === "$-1") return { type: "Value", value: null };
  return NOT_DONE.test(line) ? { type: "NoAnswer", reason: shortened(line) } : { type: "Surprise", reply: line };
}
