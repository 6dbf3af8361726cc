/** The client over TLS, with the sockets of both runtimes. */

import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { type Client, connectBy } from "../../../lib/client/client.ts";
import { connectByDeno } from "../../../lib/client/deno_socket.ts";
import { NotDoneError } from "../../../lib/client/errors.ts";
import { connectByNode } from "../../../lib/client/node_socket.ts";
import { type ClientTls, trustOf } from "../../../lib/client/options.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { TlsFront } from "../../support/tls_front.ts";
import { DAY, days, newAuthority } from "../tls/support.ts";
import { serverOf } from "./support/clients.ts";
import { FakeStore } from "./support/fake_store.ts";

const NOW = Date.now();
const { authority, pair: ca } = newAuthority({ days: 100, now: NOW - 50 * DAY });
const { pair: otherCa } = newAuthority();
const GOOD = authority.issueNode(0, ["127.0.0.1", "db.example.com"], days(5, NOW));
/** Long enough for a few attempts, each of which says why it failed. */
const REFUSAL_MS = 1_000;
const SOCKETS = { Deno: connectByDeno, Node: connectByNode };

async function withClient(
  { pair, tls, sockets, timeoutMs = 10_000 }: {
    readonly pair: Pair;
    readonly tls: ClientTls;
    readonly sockets: keyof typeof SOCKETS;
    readonly timeoutMs?: number;
  },
  use: (client: Client) => Promise<void>,
): Promise<void> {
  await using server = serverOf(new FakeStore());
  await using front = new TlsFront(pair, server.port);
  const trust = trustOf(tls);
  const connector: typeof connectByDeno = (address, options) => SOCKETS[sockets](address, { ...options, trust });
  await using client = await connectBy(connector, { servers: [front.address], timeoutMs });
  await use(client);
}

for (const sockets of ["Deno", "Node"] as const) {
  Deno.test(`with sockets of ${sockets} the client speaks TLS with servers of the CA that it is given`, async () => {
    for (const tls of [{ caCert: ca.certificate }, { caCert: ca.certificate, serverName: "db.example.com" }]) {
      await withClient({ pair: GOOD, tls, sockets }, async (client) => {
        await client.put("key", "x".repeat(300_000));
        assertEquals((await client.get("key"))?.text().length, 300_000);
      });
    }
  });
}

Deno.test("whom the client cannot trust it does not speak to, and says why", async () => {
  const expired = authority.issueNode(0, ["127.0.0.1"], days(1, NOW - 3 * DAY));
  const cases: readonly [pair: Pair, tls: ClientTls, words: string][] = [
    [GOOD, { caCert: otherCa.certificate }, "its certificate is signed by no CA that is trusted here"],
    [GOOD, {}, "its certificate is signed by no CA that is trusted here"],
    [GOOD, { caCert: ca.certificate, serverName: "db" }, "its certificate has other names than db: "],
    [expired, { caCert: ca.certificate }, "its certificate has expired"],
  ];
  for (const [pair, tls, words] of cases) {
    const refused = () => withClient({ pair, tls, sockets: "Deno", timeoutMs: REFUSAL_MS }, () => Promise.resolve());
    const { code, message } = await assertRejects(refused, NotDoneError);
    assertEquals(code, "UNREACHABLE");
    assertStringIncludes(message, words);
  }
});

Deno.test("what cannot be meant is refused before anything is connected to", () => {
  const cases: readonly [tls: ClientTls, words: string][] = [
    [{ caCert: "certs/ca.pem" }, "tls.caCert: it is no certificate in PEM (its text, not the name of its file)"],
    [{ cert: "certs/alice.pem", key: GOOD.key }, "tls.cert: it is no certificate in PEM"],
    [{ cert: GOOD.certificate }, "cert and key go together"],
    [{ key: GOOD.key }, "cert and key go together"],
    [{ cert: GOOD.certificate, key: GOOD.key, serverName: "db" }, "connect by a name that the certificates have"],
  ];
  for (const [tls, words] of cases) assertThrows(() => trustOf(tls, { onDeno: true }), TypeError, words);
  const both = { cert: GOOD.certificate, key: GOOD.key };
  assertEquals(trustOf({ ...both, serverName: "db" }, { onDeno: false }), {
    caCerts: [],
    serverName: "db",
    identity: both,
  });
});
