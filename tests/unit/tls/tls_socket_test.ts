/** TLS on accepted sockets: what is read and written through it, and clients that break it. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import type { TlsServerSocket } from "../../../lib/tls/tls_socket.ts";
import { contextOf } from "../../../lib/tls/pair_files.ts";
import { TlsTerminator, whyNoTls } from "../../../lib/tls/terminator.ts";
import { SERVER_TLS, testWith } from "../../support/needs.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { waitFor } from "../../support/wait.ts";
import { ca, EchoPort, exchange, pairOf } from "./echo_port.ts";

const encoder = new TextEncoder();
/** More than what the system and both sides of TLS keep of what nobody reads. */
const UNREAD_BYTES_MAX = 16_777_216;
/** More than the handshakes that are kept at the same time. */
const IDLE_CLIENTS = 300;

testWith(
  [SERVER_TLS],
  "bytes go both ways unchanged, few and many, and a client that has said all still hears the rest",
  async () => {
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
  },
);

testWith([SERVER_TLS], "a new certificate is for connections from now on; those that are open go on", async () => {
  await using port = new EchoPort();
  using before = await port.connect("node-0");
  port.terminator.use({ context: contextOf(pairOf(1)) });
  using after = await port.connect("node-1");
  await assertRejects(() => port.connect("node-0"), Deno.errors.InvalidData);
  for (const client of [before, after]) {
    assertEquals(await exchange(client, encoder.encode("hello")), encoder.encode("hello"));
    await client.closeWrite();
  }
});

testWith([SERVER_TLS], "a client without TLS is answered plainly, and named in a warning", async () => {
  await using port = new EchoPort();
  using client = await Deno.connect({ hostname: "127.0.0.1", port: port.port });
  await client.write(encoder.encode("GET / HTTP/1.1\r\n\r\n"));
  const answer = new Uint8Array(100);
  assertEquals(new TextDecoder().decode(answer.subarray(0, await client.read(answer) ?? 0)), "plainly\n");
  assertEquals(await client.read(answer), null);
  assertMatch(port.warnings.join(), /^Refused 127\.0\.0\.1:\d+: it speaks no TLS, and this port speaks nothing else$/);
});

testWith(
  [SERVER_TLS],
  "beginnings of TLS that are cut, changed or made up end their own connection and nothing else",
  async () => {
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
  },
);

/** A connection on which nothing is read or written yet but one byte, which the client has sent. */
async function connectOnce(use: (server: TlsServerSocket, client: Deno.TlsConn) => Promise<void>): Promise<void> {
  const terminator = new TlsTerminator({ context: contextOf(pairOf(0)) }, new SystemClock());
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const server = terminator.upgrade(await listener.accept(), { warn: () => {}, reply: () => new Uint8Array() });
  const client = await Deno.startTls(tcp, { hostname: "node-0", caCerts: [ca.certificate] });
  const reading = server.read(new Uint8Array(1));
  await client.write(Uint8Array.of(1));
  assertEquals(await reading, 1);
  await use(server, client);
  server.close();
  await waitFor(() => terminator.underWay === 0 ? true : undefined, { what: "nothing is under way" });
}

testWith(
  [SERVER_TLS],
  "nothing is taken from a client while nobody reads, and all of it afterwards",
  () =>
    connectOnce(async (server, client) => {
      let [sent, progress, full] = [0, -1, false];
      const writing = (async () => {
        const chunk = new Uint8Array(65_536);
        while (!full && sent <= UNREAD_BYTES_MAX) sent += await client.write(chunk);
      })();
      // Full when a second has brought nothing: what the system keeps for both sides is a few megabytes.
      await waitFor(() => {
        full = progress === sent;
        progress = sent;
        return full || sent > UNREAD_BYTES_MAX ? true : undefined;
      }, { what: "the client can send no more", everyMs: 1_000 });
      assert(sent <= UNREAD_BYTES_MAX, `${sent} bytes were taken`);
      let read = 0;
      const buffer = new Uint8Array(65_536);
      const end = writing.then(() => client.closeWrite());
      for (let count: number | null; (count = await server.read(buffer)) !== null;) read += count;
      await end;
      client.close();
      assertEquals(read, sent);
    }),
);

testWith([SERVER_TLS], "a write to a client that is gone fails", () =>
  connectOnce(async (server, client) => {
    const piece = new Uint8Array(65_536);
    await server.write(piece);
    // What it has not read makes a reset of its end.
    client.close();
    await assertRejects(async () => {
      for (let written = 0; written <= 4 * UNREAD_BYTES_MAX;) written += await server.write(piece);
    }, Deno.errors.ConnectionAborted);
    await assertRejects(() => server.write(piece), Deno.errors.ConnectionAborted);
  }));

testWith([SERVER_TLS], "clients that are closed together each see that this is the end", async () => {
  await using port = new EchoPort();
  const clients: Deno.TlsConn[] = [];
  while (clients.length < IDLE_CLIENTS) clients.push(await port.connect("node-0"));
  for (const client of clients) await exchange(client, Uint8Array.of(1));
  for (const socket of port.sockets) socket.close();
  // Cut off, a client of TLS gets an error.
  const ends = await Promise.allSettled(clients.map((client) => client.read(new Uint8Array(1))));
  for (const client of clients) client.close();
  const cut = ends.filter((end) => end.status === "rejected" || end.value !== null);
  assertEquals(cut.length, 0, `${cut.length} were cut off`);
});

testWith([SERVER_TLS], "connections that both sides have ended leave nothing that a server must wait for", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  // Its time stands still: what is not over by itself stays under way.
  const terminator = new TlsTerminator({ context: contextOf(pairOf(0)) }, new VirtualClock());
  for (let each = 0; each < 20; each++) {
    const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    const dialled = Deno.startTls(tcp, { hostname: "node-0", caCerts: [ca.certificate] });
    const server = terminator.upgrade(await listener.accept(), { warn: () => {}, reply: () => new Uint8Array() });
    const buffer = new Uint8Array(10);
    const client = await dialled;
    const heard = server.read(buffer);
    await client.write(Uint8Array.of(1));
    assertEquals(await heard, 1);
    await server.write(Uint8Array.of(2));
    // As a server of HTTP does whose client wants no further reply on this connection.
    const told = server.closeWrite();
    assertEquals([await client.read(buffer), await client.read(buffer)], [1, null]);
    client.close();
    await told;
    assertEquals(await server.read(buffer), null);
    server.close();
  }
  await waitFor(() => terminator.underWay === 0 ? true : undefined, { what: "nothing is under way" });
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
