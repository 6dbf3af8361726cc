/** A server between clients and the servers of their choice: what passes may be changed, or lost with its connection. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";

/** What becomes of the bytes that arrived together: others, or undefined when they are lost and their connection with them. */
export type Change = (bytes: Uint8Array) => Uint8Array | undefined;

/** What is done to what clients send, and to what servers answer; nothing by default. */
export interface Changes {
  readonly requests?: Change;
  readonly replies?: Change;
}

/** Listens on a free port and passes each connection on to the next one of `targets`, `host:port` each. */
export class ClientProxy implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.TcpConn>();
  readonly #targets: readonly string[];
  readonly #changes: Changes;
  #accepted = 0;

  constructor(targets: readonly string[], changes: Changes) {
    this.#targets = targets;
    this.#changes = changes;
    void this.#accept();
  }

  /** Where clients connect: `host:port`. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#serve(client);
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    const ends = [client];
    this.#open.add(client);
    try {
      const server = await Deno.connect(this.#nextTarget());
      ends.push(server);
      this.#open.add(server);
      // Ends with the first of both directions; the other one then fails on the closed connection.
      await Promise.race([
        pass({ from: client, to: server }, this.#changes.requests),
        pass({ from: server, to: client }, this.#changes.replies),
      ]);
    } catch {
      // The server cannot be reached: so is the connection lost.
    } finally {
      for (const end of ends) {
        this.#open.delete(end);
        close(end);
      }
    }
  }

  #nextTarget(): { readonly hostname: string; readonly port: number } {
    const [hostname = "", port = ""] = this.#targets[this.#accepted % this.#targets.length]?.split(":") ?? [];
    this.#accepted += 1;
    return { hostname, port: Number(port) };
  }
}

/** Every occurrence of the first text becomes the second one, both of them byte strings. */
export function replaceAll(from: string, to: string): Change {
  return (bytes) => stringToBytes(bytesToString(bytes).replaceAll(from, to));
}

async function pass(
  { from, to }: { readonly from: Deno.TcpConn; readonly to: Deno.TcpConn },
  change: Change = (bytes) => bytes,
): Promise<void> {
  const buffer = new Uint8Array(65_536);
  try {
    for (let count = await from.read(buffer); count !== null; count = await from.read(buffer)) {
      const bytes = change(buffer.subarray(0, count));
      if (bytes === undefined) return;
      for (let sent = 0; sent < bytes.length;) sent += await to.write(bytes.subarray(sent));
    }
  } catch {
    // One of the two is gone.
  }
}

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
