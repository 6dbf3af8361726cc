/** TLS with servers: whose certificate is believed, and what is said of all others. */

import { assertEquals, assertRejects } from "@std/assert";
import { dial, speaksTls, TlsError, type TlsProblem, type Trust } from "../../../lib/base/dial.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { DEADLINE_MS } from "../../support/wait.ts";
import { DAY, days, newAuthority } from "../tls/support.ts";

const NOW = Date.now();
const OLD = { days: 100, now: NOW - 50 * DAY };
const { authority, pair: ca } = newAuthority(OLD);
const { pair: otherCa } = newAuthority(OLD);
const GOOD = authority.issueNode(0, ["localhost", "127.0.0.1"], days(5, NOW));
/** As a plain port of ours answers the beginning of a handshake. */
const ALERT = Uint8Array.of(0x15, 3, 1, 0, 2, 2, 40);

function trusting(pair: Pair, serverName?: string): Trust {
  return { caCerts: [pair.certificate], serverName };
}

/** A server that echoes. */
class EchoServer implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #serving: Promise<void>;

  constructor(listener: Deno.Listener) {
    this.#listener = listener;
    this.#serving = this.#serve();
  }

  static withTls({ certificate, key }: Pair): EchoServer {
    return new EchoServer(Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: certificate, key }));
  }

  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  async #serve(): Promise<void> {
    const served: Promise<void>[] = [];
    // Accepting ends with an error when the listener is closed.
    for (;;) {
      const connection = await this.#listener.accept().catch(() => undefined);
      if (connection === undefined) break;
      served.push(this.#echo(connection));
    }
    await Promise.all(served);
  }

  async #echo(connection: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64);
    // A handshake that the client gives up is an error of the first read.
    const read = () => connection.read(buffer).catch(() => null);
    for (let count = await read(); count !== null; count = await read()) {
      await connection.write(buffer.subarray(0, count));
    }
    connection.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#serving;
  }
}

async function refusal(port: number, trust: Trust, hostname = "127.0.0.1"): Promise<TlsError> {
  return await assertRejects(async () => (await dial({ hostname, port }, { trust })).close(), TlsError);
}

Deno.test("a certificate of the CA that is given, for the host or the name that is asked for, is believed", async () => {
  await using server = EchoServer.withTls(GOOD);
  for (const [hostname, name] of [["127.0.0.1"], ["localhost"], ["127.0.0.1", "localhost"]] as const) {
    using client = await dial({ hostname, port: server.port }, { trust: trusting(ca, name) });
    await client.write(Uint8Array.of(1, 2, 3));
    const buffer = new Uint8Array(3);
    assertEquals([await client.read(buffer), ...buffer], [3, 1, 2, 3]);
  }
});

Deno.test("every other certificate is refused, and the reason said in words", async () => {
  const cases: readonly [what: Pair, trust: Trust, problem: TlsProblem, words: string][] = [
    [GOOD, trusting(otherCa), "UnknownIssuer", "its certificate is signed by no CA that is trusted here"],
    [
      GOOD,
      { caCerts: [], serverName: undefined },
      "UnknownIssuer",
      "its certificate is signed by no CA that is trusted here",
    ],
    [
      authority.issueNode(0, ["127.0.0.1"], days(1, NOW - 3 * DAY)),
      trusting(ca),
      "Expired",
      "its certificate has expired",
    ],
    [
      authority.issueNode(0, ["127.0.0.1"], days(5, NOW + 3 * DAY)),
      trusting(ca),
      "NotYetValid",
      "its certificate is not valid yet",
    ],
    [
      authority.issueNode(0, ["db.example.com", "10.0.0.1"], days(5, NOW)),
      trusting(ca),
      "WrongName",
      "its certificate has other names than 127.0.0.1: db.example.com, 10.0.0.1",
    ],
    [
      GOOD,
      trusting(ca, "db"),
      "WrongName",
      "its certificate has other names than db: localhost, 127.0.0.1",
    ],
  ];
  for (const [pair, trust, problem, words] of cases) {
    await using server = EchoServer.withTls(pair);
    const error = await refusal(server.port, trust);
    assertEquals([error.problem, error.message], [problem, `No TLS with 127.0.0.1:${server.port}: ${words}`]);
  }
});

Deno.test("a server without TLS, whatever it speaks, is told from one whose certificate is no good", async () => {
  for (const answer of [new TextEncoder().encode("-ERR what?\r\n"), ALERT]) {
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      using connection = await listener.accept();
      await connection.write(answer);
      while (await connection.read(new Uint8Array(1_024)).catch(() => null) !== null);
    })();
    const { problem, message } = await refusal(listener.addr.port, trusting(ca));
    assertEquals([problem, message], ["NoTls", `No TLS with 127.0.0.1:${listener.addr.port}: it speaks no TLS there`]);
    await served;
  }
});

Deno.test("who speaks TLS is told, whatever its certificate, from who does not", async () => {
  await using server = EchoServer.withTls(GOOD);
  assertEquals(await speaksTls({ hostname: "127.0.0.1", port: server.port }, DEADLINE_MS), true);
  await using plain = new EchoServer(Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  assertEquals(await speaksTls({ hostname: "127.0.0.1", port: plain.port }, DEADLINE_MS), false);
  const gone = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = gone.addr;
  gone.close();
  using mute = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assertEquals(await speaksTls({ hostname: "127.0.0.1", port: mute.addr.port }, 1), false);
  (await mute.accept()).close();
  assertEquals(await speaksTls({ hostname: "127.0.0.1", port }, DEADLINE_MS), false);
});
