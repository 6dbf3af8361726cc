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
      const server = await Deno.connect({ hostname: "127.0.0.1", port });
      for (const each of [client, server]) this.#open.add(each);
      served.push(this.#pass(client, server), this.#pass(server, client));
    }
    await Promise.all(served);
  }

  /** Until one end is closed; then both are. */
  async #pass(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    try {
      for await (const bytes of from.readable) {
        for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
      }
    } catch {
      // A handshake that the client gave up, or an end that the other side has closed.
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
