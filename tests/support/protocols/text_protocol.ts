/** The text protocol, as clients under faults speak it: writes go to the leader. */

import { TextClient } from "../text_client.ts";
import {
  type Connection,
  type NodePorts,
  type Protocol,
  type ReadReply,
  reasonOf,
  shortened,
  type WriteReply,
} from "./protocol.ts";

const NOT_LEADER = /^Error: Not leader\. Current leader is Node (\d+)/;
/** Certainly not done, and likely to go better soon. */
const NOT_DONE = /^Error: (No leader|Not leader|Stopping|Overloaded|Too many connections|No space|Timeout)\b/;
const UNKNOWN = "Error: Outcome unknown.";

/** Lines. */
export const TEXT_PROTOCOL: Protocol = {
  name: "text",
  needsLeader: true,
  connect: async ({ clients }: NodePorts, node: number, timeoutMs: number) => {
    return new TextConnection(await TextClient.connect(clients[node] ?? 0, { timeoutMs }));
  },
};

class TextConnection implements Connection {
  readonly #client: TextClient;

  constructor(client: TextClient) {
    this.#client = client;
  }

  get closed(): boolean {
    return this.#client.closed;
  }

  async write(key: string, value: string | null): Promise<WriteReply> {
    try {
      const line = value === null ? `DELETE ${key}` : `PUT ${key} ${value}`;
      return textWriteReply(await this.#client.ask(line), { key, isDeletion: value === null });
    } catch (error) {
      return { type: "Unknown", reason: reasonOf(error) };
    }
  }

  async read(key: string): Promise<ReadReply> {
    try {
      return textReadReply(await this.#client.ask(`GET ${key}`), key);
    } catch (error) {
      return { type: "NoAnswer", reason: reasonOf(error) };
    }
  }

  close(): void {
    this.#client.close();
  }
}

/** What a reply to PUT or DELETE says. */
export function textWriteReply(
  reply: string,
  { key, isDeletion }: { readonly key: string; readonly isDeletion: boolean },
): WriteReply {
  if (!isDeletion && reply === `${key} added successfully.`) return { type: "Done", existed: null };
  if (isDeletion && reply === `${key} deleted successfully.`) return { type: "Done", existed: true };
  if (isDeletion && reply === `Error: ${key} does not exist.`) return { type: "Done", existed: false };
  if (reply.startsWith(UNKNOWN)) return { type: "Unknown", reason: shortened(reply) };
  if (!NOT_DONE.test(reply)) return { type: "Surprise", reply };
  const leader = NOT_LEADER.exec(reply)?.[1];
  return { type: "NotDone", reason: shortened(reply), ...leader === undefined ? {} : { leader: Number(leader) } };
}

/** What a reply to GET says. */
export function textReadReply(reply: string, key: string): ReadReply {
  const begin = `value of ${key}: `;
  if (reply.startsWith(begin)) return { type: "Value", value: reply.slice(begin.length) };
  if (reply === `Error: ${key} does not exist.`) return { type: "Value", value: null };
  return NOT_DONE.test(reply) ? { type: "NoAnswer", reason: shortened(reply) } : { type: "Surprise", reply };
}
