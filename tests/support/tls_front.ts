/** TLS before a plain port of this machine, for tests of clients on runtimes that cannot be such a server themselves. */

import type { Pair } from "../../lib/tls/authority.ts";

/** Passes on what comes on each connection, and back. */
export class TlsFront implements AsyncDisposable {
  readonly #listener: Deno.TlsListener;
  readonly #serving: Promise<void>;
  readonly #open = new Set<Deno.Conn>();

  /** Listens at once. */
  constructor({ certificate, key }: Pair, port: number) {
    this.#listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certificate, key });
    this.#serving = this.#serve(port);
  }

  /** `host:port` for clients. */
  get address(): string {
    return `127.0.0.1:${(this.#listener.addr as Deno.NetAddr).port}`;
  }

  async #serve(port: number): Promise<void> {
    const served: Promise<void>[] = [];
    for (;;) {
      // Ends with an error when the listener is closed.
      const client = await this.#listener.accept().catch(() => undefined);
      if (client === undefined) break;
      served.push(this.#forward(client, port));
    }
    await Promise.all(served);
  }

  /** A client that gives the handshake up is not seen behind this. */
  async #forward(client: Deno.TlsConn, port: number): Promise<void> {
    this.#open.add(client);
    const isSecure = await client.handshake().then(() => true, () => false);
    if (!isSecure) return this.#close(client);
    const server = await Deno.connect({ hostname: "127.0.0.1", port });
    this.#open.add(server);
    await Promise.all([this.#pass(client, server), this.#pass(server, client)]);
  }

  /** Until one end is closed; then both are. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    try {
      for await (const bytes of from.readable) {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
      }
    } catch {
      // The other side has closed it.
    }
    for (const each of [from, to]) this.#close(each);
  }

  #close(connection: Deno.Conn): void {
    if (!this.#open.delete(connection)) return;
    try {
      connection.close();
    } catch {
      // Its stream has closed it.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    for (const each of [...this.#open]) this.#close(each);
    await this.#serving;
  }
}
