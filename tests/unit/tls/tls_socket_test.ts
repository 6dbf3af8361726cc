/** TLS on accepted sockets: what is read and written through it, and clients that break it. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import type { TlsServerSocket } from "../../../lib/tls/tls_socket.ts";
import { TlsTerminator, whyNoTls } from "../../../lib/tls/terminator.ts";
import { waitFor } from "../../support/wait.ts";
import { days, newAuthority } from "./support.ts";

const { authority, pair: ca } = newAuthority(days(10, Date.now()));
const encoder = new TextEncoder();

function pairOf(id: number): Pair {
  return authority.issueNode(id, [`node-${id}`, "127.0.0.1"], days(5, Date.now()));
}

/** A port that sends back what comes, and how each of its connections has ended. */
class EchoPort implements AsyncDisposable {
  readonly terminator: TlsTerminator = new TlsTerminator(pairOf(0), new SystemClock());
  readonly ends: string[] = [];
  readonly warnings: string[] = [];
  readonly port: number;
  accepted = 0;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;

  constructor() {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.port = this.#listener.addr.port;
    this.#accepting = this.#accept();
  }

  async #accept(): Promise<void> {
    for await (const socket of this.#listener) {
      this.accepted++;
      const warn = (message: string) => this.warnings.push(message);
      const upgraded = this.terminator.upgrade(socket, { warn, reply: () => encoder.encode("plainly\n") });
      void echo(upgraded).then(() => "end", (error) => error.name).then((end) => {
        upgraded.close();
        this.ends.push(end);
      });
    }
  }

  async connect(name: string): Promise<Deno.TlsConn> {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: this.port });
    const tls = await Deno.startTls(tcp, { hostname: name, caCerts: [ca.certificate] });
    await tls.handshake();
    return tls;
  }

  async allEnded(): Promise<void> {
    await waitFor(() => this.ends.length === this.accepted ? true : undefined, { what: "all connections have ended" });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#accepting;
    await this.allEnded();
    await waitFor(() => this.terminator.handshakes === 0 ? true : undefined, { what: "nothing is under way" });
  }
}

async function echo(socket: TlsServerSocket): Promise<void> {
  const buffer = new Uint8Array(10_000);
  for (;;) {
    const count = await socket.read(buffer);
    if (count === null) return;
    for (let rest = buffer.subarray(0, count); rest.length > 0;) rest = rest.subarray(await socket.write(rest));
  }
}

async function exchange(client: Deno.TlsConn, sent: Uint8Array): Promise<Uint8Array> {
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

Deno.test("bytes go both ways unchanged, few and many, and a client that has said all still hears the rest", async () => {
  await using port = new EchoPort();
  using client = await port.connect("node-0");
  for (const length of [1, 5_000, 300_000]) {
    const sent = crypto.getRandomValues(new Uint8Array(Math.min(length, 65_536)));
    const long = new Uint8Array(length).map((_, at) => sent[at % sent.length] ?? 0);
    assertEquals(await exchange(client, long), long);
  }
  await client.write(encoder.encode("last"));
  await client.closeWrite();
  const rest = new Uint8Array(10);
  assertEquals(await client.read(rest), 4);
  // Told by TLS, not by the end of the connection, which anybody on the way could have brought about.
  assertEquals(await client.read(rest), null);
});

Deno.test("a new certificate is for connections from now on; those that are open go on", async () => {
  await using port = new EchoPort();
  using before = await port.connect("node-0");
  port.terminator.use(pairOf(1));
  using after = await port.connect("node-1");
  await assertRejects(() => port.connect("node-0"), Deno.errors.InvalidData);
  for (const client of [before, after]) {
    assertEquals(await exchange(client, encoder.encode("hello")), encoder.encode("hello"));
    await client.closeWrite();
  }
});

Deno.test("a client without TLS is answered plainly, and named in a warning", async () => {
  await using port = new EchoPort();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: port.port });
  await client.write(encoder.encode("GET / HTTP/1.1\r\n\r\n"));
  const answer = new Uint8Array(100);
  assertEquals(new TextDecoder().decode(answer.subarray(0, await client.read(answer) ?? 0)), "plainly\n");
  assertEquals(await client.read(answer), null);
  assertMatch(port.warnings.join(), /^Refused 127\.0\.0\.1:\d+: it speaks no TLS, and this port speaks nothing else$/);
});

Deno.test("beginnings of TLS that are cut, changed or made up end their own connection and nothing else", async () => {
  await using port = new EchoPort();
  const hello = await captureHello();
  const attacks: Uint8Array[] = [];
  for (let at = 1; at < hello.length; at += 3) {
    attacks.push(hello.slice(0, at));
    attacks.push(hello.map((byte, index) => index === at ? byte ^ 0xff : byte));
  }
  attacks.push(hello, Uint8Array.of(0x16), new Uint8Array(3_000).fill(0x16), Uint8Array.from([...hello, ...hello]));
  await Promise.all(attacks.map(async (bytes, at) => {
    using client = await Deno.connect({ hostname: "127.0.0.1", port: port.port });
    await client.write(bytes);
    if (at % 2 === 0) return;
    await client.closeWrite();
    // Ends, by whatever.
    const read = async () => {
      while (await client.read(new Uint8Array(4_096)) !== null);
    };
    await read().catch((error) => assert(error instanceof Deno.errors.ConnectionReset, String(error)));
  }));
  await port.allEnded();
  assert(port.ends.length === attacks.length, `${port.ends.length} of ${attacks.length}`);
  using client = await port.connect("node-0");
  assertEquals(await exchange(client, encoder.encode("hello")), encoder.encode("hello"));
});

/** What a client of TLS sends first. */
async function captureHello(): Promise<Uint8Array> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const tls = await Deno.startTls(tcp, { hostname: "node-0", caCerts: [ca.certificate] });
  const failing = assertRejects(() => tls.handshake());
  const buffer = new Uint8Array(4_096);
  const accepted = await listener.accept();
  const count = await accepted.read(buffer) ?? 0;
  accepted.close();
  await failing;
  tls.close();
  return buffer.slice(0, count);
}

Deno.test("a runtime whose TLS cannot be used says so", () => {
  for (const version of ["2.8.0", "2.9.6", "2.10.0", "3.0.1"]) assertEquals(whyNoTls(version), undefined, version);
  for (const version of ["2.4.2", "2.7.14", "1.46.3"]) {
    assertEquals(whyNoTls(version), `TLS for clients needs a runtime of Deno 2.8 or later, and this is ${version}`);
  }
});
