/** A server between client and server that changes what passes: to show that a difference is noticed. */

import { bytesToString, stringToBytes } from "../../lib/base/bytes.ts";

/** Every occurrence of the first text becomes the second one. */
export type Alteration = readonly [from: string, to: string];

/** What is changed in each direction. */
export interface Alterations {
  readonly requests?: Alteration;
  readonly replies?: Alteration;
}

/** Listens on a free port and passes everything on to `target` (`host:port`), altered. */
export class AlteringProxy implements Disposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #open = new Set<Deno.Conn>();
  readonly #target: string;
  readonly #alterations: Alterations;

  constructor(target: string, alterations: Alterations) {
    this.#target = target;
    this.#alterations = alterations;
    void this.#accept();
  }

  /** Where clients connect. */
  get address(): string {
    return `127.0.0.1:${this.#listener.addr.port}`;
  }

  [Symbol.dispose](): void {
    this.#listener.close();
    for (const connection of this.#open) close(connection);
  }

  async #accept(): Promise<void> {
    for await (const client of this.#listener) void this.#serve(client).catch(() => {});
  }

  async #serve(client: Deno.TcpConn): Promise<void> {
    this.#open.add(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port: Number(this.#target.split(":")[1]) });
    this.#open.add(server);
    const { requests, replies } = this.#alterations;
    await Promise.race([pass({ from: client, to: server }, requests), pass({ from: server, to: client }, replies)]);
    for (const connection of [client, server]) {
      this.#open.delete(connection);
      close(connection);
    }
  }
}

/** Ends with the first of both directions; the other one then fails on the closed socket. */
async function pass(
  { from, to }: { readonly from: Deno.Conn; readonly to: Deno.Conn },
  alteration: Alteration | undefined,
): Promise<void> {
  const chunk = new Uint8Array(65_536);
  try {
    for (let count = await from.read(chunk); count !== null; count = await from.read(chunk)) {
      const text = bytesToString(chunk, 0, count);
      const bytes = stringToBytes(alteration === undefined ? text : text.replaceAll(...alteration));
      for (let at = 0; at < bytes.length;) at += await to.write(bytes.subarray(at));
    }
  } catch {
    // One side is gone.
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It is closed already.
  }
}
