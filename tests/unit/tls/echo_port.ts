/** A port that speaks TLS and sends back what comes, and clients of it. */

import { assert } from "@std/assert";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { contextOf } from "../../../lib/tls/pair_files.ts";
import { TlsTerminator } from "../../../lib/tls/terminator.ts";
import type { Serving, TlsServerSocket } from "../../../lib/tls/tls_socket.ts";
import { waitFor } from "../../support/wait.ts";
import { days, newAuthority } from "./support.ts";

/** The CA of the ports, whose certificates hold now. */
export const { authority, pair: ca } = newAuthority(days(10, Date.now()));

/** A pair of node `id`. */
export function pairOf(id: number): Pair {
  return authority.issueNode(id, [`node-${id}`, "127.0.0.1"], days(5, Date.now()));
}

/** A port that sends back what comes, and how each of its connections has ended. */
export class EchoPort implements AsyncDisposable {
  readonly terminator: TlsTerminator;
  readonly ends: string[] = [];
  readonly warnings: string[] = [];
  readonly sockets: TlsServerSocket[] = [];
  readonly port: number;
  accepted = 0;
  /** Bytes that clients have said. */
  heard = 0;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;

  /** With the pair of node 0. */
  constructor(more: Pick<Serving, "objectionTo"> = {}) {
    this.terminator = new TlsTerminator({ context: contextOf(pairOf(0)), ...more }, new SystemClock());
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const socket of this.#listener) {
      this.accepted++;
      const warn = (message: string) => this.warnings.push(message);
      const upgraded = this.terminator.upgrade(socket, { warn, reply: () => new TextEncoder().encode("plainly\n") });
      this.sockets.push(upgraded);
      void echo(upgraded, (count) => this.heard += count).then(() => "end", (error) => error.name).then((end) => {
        upgraded.close();
        this.ends.push(end);
      });
    }
  }

  /** A client that has found it to be node `name`. */
  async connect(name: string): Promise<Deno.TlsConn> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const tls = await Deno.startTls(tcp, { hostname: name, caCerts: [ca.certificate] });
    await tls.handshake();
    return tls;
  }

  /** A client with a certificate of its own. */
  connectAs({ certificate: cert, key }: Pair): Promise<Deno.TlsConn> {
    return Deno.connectTls({ hostname: "127.0.0.1", port: this.port, caCerts: [ca.certificate], cert, key });
  }

  /** Resolves when no connection is open any more. */
  async allEnded(): Promise<void> {
    await waitFor(() => this.ends.length === this.accepted ? true : undefined, { what: "all connections have ended" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await this.allEnded();
    await waitFor(() => this.terminator.underWay === 0 ? true : undefined, { what: "nothing is under way" });
  }
}

async function echo(socket: TlsServerSocket, hear: (count: number) => void): Promise<void> {
  const buffer = new Uint8Array(10_000);
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) return;
    hear(count);
    for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await socket.write(rest));
  }
}

/** What comes back of what is sent. */
export async function exchange(client: Deno.Conn, sent: Uint8Array): Promise<Uint8Array> {
  const got = new Uint8Array(sent.length);
  const writing = (async () => {
    for (let rest = sent; rest.length > 0;) rest = rest.subarray(await client.write(rest));
  })();
  for (let at = 0; at < got.length;) {
    const count = await client.read(got.subarray(at));
    assert(count !== null, `ended after ${at} bytes`);
    at += count;
  }
  await writing;
  return got;
}
