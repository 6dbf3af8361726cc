/** A server between clients and the servers of their choice: what passes may be changed, or lost with its connection. */

import { bytesToString, stringToBytes } from "../../../lib/base/bytes.ts";
import { type Pass, TcpProxy, writeAll } from "./tcp_proxy.ts";

/** What becomes of the bytes that arrived together: others, or undefined when they are lost and their connection with them. */
export type Change = (bytes: Uint8Array) => Uint8Array | undefined;

/** What is done to what clients send, and to what servers answer; nothing by default. */
export interface Changes {
  readonly requests?: Change;
  readonly replies?: Change;
}

/** Listens on a free port and passes each connection on to the next one of `targets`, `host:port` each. */
export class ClientProxy implements AsyncDisposable {
  readonly #proxy = new TcpProxy();
  readonly #port: number;
  #accepted = 0;

  constructor(targets: readonly string[], { requests, replies }: Changes) {
    this.#port = this.#proxy.open({
      port: 0,
      target: () => {
        const [hostname = "", port = ""] = targets[this.#accepted % targets.length]?.split(":") ?? [];
        this.#accepted += 1;
        return { hostname, port: Number(port) };
      },
      join: () => Promise.resolve({ toServer: changing(requests), toClient: changing(replies) }),
    });
  }

  /** Where clients connect: `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#port}`;
  }

  /** Closes everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#proxy[Symbol.asyncDispose]();
  }
}

/** Every occurrence of the first text becomes the second one, both of them byte strings. */
export function replaceAll(from: string, to: string): Change {
  return (bytes) => stringToBytes(bytesToString(bytes).replaceAll(from, to));
}

function changing(change: Change = (bytes) => bytes): Pass {
  return async (to, bytes) => {
    const changed = bytes === undefined ? undefined : change(bytes);
    if (changed !== undefined) await writeAll(to, changed);
    return changed !== undefined;
  };
}
