/** TLS for runtimes that cannot put it on an accepted socket: what goes through, and what ends with what. */

import { assertEquals, assertRejects } from "@std/assert";
import { BridgedTls } from "../../../lib/tls/bridged_tls.ts";
import { days, newAuthority } from "./support.ts";

const CA = newAuthority(days(10, Date.now()));
const PAIR = CA.authority.issueNode(0, ["localhost"], days(5, Date.now()));
/** More than any buffer on the way holds. */
const LARGE_BYTES = 20_000_000;

/** A raw client, and the server's side of its connection. */
async function connect(): Promise<{ readonly client: Deno.TcpConn; readonly server: BridgedTls }> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  return { client, server: await BridgedTls.over(await listener.accept(), PAIR) };
}

function secure(client: Deno.TcpConn): Promise<Deno.TlsConn> {
  return Deno.startTls(client, { hostname: "localhost", caCerts: [CA.pair.certificate] });
}

async function writeAll(to: Pick<Deno.Conn, "write">, bytes: Uint8Array): Promise<void> {
  for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await to.write(rest));
}

async function readAll(from: Pick<Deno.Conn, "read">, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length;) {
    const count = await from.read(bytes.subarray(at));
    if (count === null) return bytes.subarray(0, at);
    at += count;
  }
  return bytes;
}

Deno.test("what one side writes the other reads, and the end comes behind the last byte", async () => {
  const { client, server } = await connect();
  const handshake = server.handshake();
  using tls = await secure(client);
  await tls.handshake();
  await handshake;
  const bytes = crypto.getRandomValues(new Uint8Array(65_536));
  const large = new Uint8Array(LARGE_BYTES);
  for (let at = 0; at < large.length; at += bytes.length) large.set(bytes.subarray(0, large.length - at), at);
  const [there] = await Promise.all([readAll(server, large.length), writeAll(tls, large)]);
  assertEquals(there.length === large.length && there.every((byte, at) => byte === large[at]), true);
  const back = readAll(tls, large.length + 1);
  await writeAll(server, large);
  server.close();
  assertEquals((await back).length, large.length);
});

Deno.test("a handshake that is not done ends with its connection, by either side", async () => {
  for (const first of [new Uint8Array(), Uint8Array.of(0x16, 3, 1)]) {
    const { client, server } = await connect();
    if (first.length > 0) await client.write(first);
    const failed = assertRejects(() => server.handshake());
    server.close();
    await failed;
    // The end of the connection, or its reset.
    const end = await client.read(new Uint8Array(999)).catch((error) => error instanceof Deno.errors.ConnectionReset);
    assertEquals(end === null || end === true, true);
    client.close();
  }
  const { client, server } = await connect();
  const failed = assertRejects(() => server.handshake());
  client.close();
  await failed;
  server.close();
});

Deno.test("a client that is gone ends what is read, and a second close does nothing", async () => {
  const { client, server } = await connect();
  const handshake = server.handshake();
  const tls = await secure(client);
  await tls.handshake();
  await handshake;
  tls.close();
  assertEquals(await server.read(new Uint8Array(9)), null);
  server.close();
  server.close();
});
