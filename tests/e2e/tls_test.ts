/** TLS for clients, as redis-cli, curl and openssl speak it; certificates that change; and clients that do not fit. */

import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { Authority, makeAuthority, type Pair } from "../../lib/tls/authority.ts";
import { CURL, type Need, OPENSSL, REDIS_CLI, testWith } from "../support/needs.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { assertRefused, newAuthority, run, validity, whyNotHere, writePair } from "./support/tls_node.ts";

const DAY_MS = 86_400_000;
/** More than the handshakes that are kept at the same time. */
const HALF_OPEN = 2_000;
/** So many connect at once: fewer than the system keeps that were not accepted yet. */
const WAVE = 200;
const RELOADS = 10;
/** More than what a turn of the event loop writes. */
const IDLE_CLIENTS = 400;
/** What a reply waits for that Nagle's algorithm holds back is 40 ms. */
const FIRST_REPLY_MS_MAX = 25;

/** A node with TLS on both kinds of ports, beside the plain ones. */
interface Stage {
  readonly cluster: ProcessCluster;
  readonly authority: Authority;
  /** The CA's certificate: the file, and its text. */
  readonly ca: string;
  readonly caText: string;
  readonly tlsPort: number;
  readonly httpTlsPort: number;
  /** Replaces the certificate of the node. */
  write(pair: Pair): void;
}

/** Runs `body` on a node with a certificate; a runtime that cannot is to say so instead. */
async function withTls(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const { authority, caText } = newAuthority();
  const ca = `${root}/ca.pem`;
  await Deno.writeTextFile(ca, caText);
  const write = (pair: Pair) => writePair(root, pair);
  const files = write(authority.issueNode(0, ["localhost", "127.0.0.1"], validity()));
  const [tlsPort = 0, httpTlsPort = 0] = findFreePorts(2);
  const ports = ["--tls-port", String(tlsPort), "--http-tls-port", String(httpTlsPort)];
  const flags = [...files, ...ports];
  try {
    const why = await whyNotHere();
    if (why !== undefined) return await assertRefused(flags, why);
    await withCluster(
      { nodes: 1, flags, root },
      (cluster) => body({ cluster, authority, ca, caText, tlsPort, httpTlsPort, write }),
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function tlsTest(needs: readonly Need[], name: string, body: (stage: Stage) => Promise<void>): void {
  testWith(needs, name, () => withTls(body));
}

async function connect({ caText }: Stage, port: number, name = "localhost"): Promise<Deno.TlsConn> {
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port });
  tcp.setNoDelay(true);
  const tls = await Deno.startTls(tcp, { hostname: name, caCerts: [caText] });
  await tls.handshake();
  return tls;
}

async function askOn(client: Deno.Conn, line: string): Promise<string> {
  await client.write(new TextEncoder().encode(`${line}\n`));
  const buffer = new Uint8Array(4_096);
  return new TextDecoder().decode(buffer.subarray(0, await client.read(buffer) ?? 0));
}

tlsTest([REDIS_CLI, CURL, OPENSSL], "redis-cli, curl and openssl speak TLS 1.2 and 1.3 with a node", async (stage) => {
  const { ca, tlsPort, httpTlsPort } = stage;
  const redis = ["--tls", "--cacert", ca, "-p", String(tlsPort)];
  assertEquals(await run("redis-cli", [...redis, "SET", "a", "b"]), "OK\n");
  const long = "x".repeat(300_000);
  assertEquals(await run("redis-cli", [...redis, "-x", "SET", "long"], long), "OK\n");
  assertEquals(await run("redis-cli", [...redis, "GET", "long"]), `${long}\n`);
  const url = `https://localhost:${httpTlsPort}/v1/kv/a`;
  for (const max of ["1.2", "1.3"]) {
    assertEquals(await run("curl", ["-sS", "--cacert", ca, "--tls-max", max, url]), "b");
  }
  const session = ["s_client", "-quiet", "-verify_return_error", "-connect", `127.0.0.1:${tlsPort}`, "-CAfile", ca];
  for (const version of ["-tls1_2", "-tls1_3"]) {
    assertStringIncludes(await run("openssl", [...session, version], "GET a\nQUIT\n"), "value of a: b\n");
  }
});

tlsTest(
  [OPENSSL, CURL],
  "TLS 1.1, another CA and another name are refused",
  async ({ tlsPort, httpTlsPort, cluster, ca }) => {
    const old = ["s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", `127.0.0.1:${tlsPort}`];
    assertMatch(await run("openssl", old), /Cipher is \(NONE\)/);
    assertMatch(
      await cluster.node(0).process?.line("this port speaks TLS 1.2 and 1.3") ?? "",
      /WARN.* TLS with 127.* failed: /,
    );
    const other = `${cluster.root}/other.pem`;
    await Deno.writeTextFile(other, makeAuthority("test", validity()).certificate);
    assertMatch(await run("curl", ["-sS", "--cacert", other, `https://localhost:${httpTlsPort}/livez`]), /certificate/);
    const named = [
      "-sS",
      "--cacert",
      ca,
      "--resolve",
      `db:${httpTlsPort}:127.0.0.1`,
      `https://db:${httpTlsPort}/livez`,
    ];
    assertMatch(await run("curl", named), /does not match|no alternative certificate subject name/);
  },
);

tlsTest(
  [REDIS_CLI, CURL],
  "without TLS where it is spoken, and with it where it is not: an answer, and a line in the log",
  async (stage) => {
    const { tlsPort, httpTlsPort, cluster, ca } = stage;
    const { clientPort, httpPort, process } = cluster.node(0);
    assertMatch(
      await run("redis-cli", ["-p", String(tlsPort), "GET", "a"]),
      /ERR this port speaks TLS: connect with TLS/,
    );
    using plain = await TextClient.connect(tlsPort);
    assertEquals(await plain.ask("GET a"), "Error: This port speaks TLS: connect with TLS, as openssl s_client does.");
    assertMatch(
      await run("curl", ["-sS", `http://localhost:${httpTlsPort}/`]),
      /"status":400.*This port speaks TLS: use https/,
    );
    await process?.line("it speaks no TLS, and this port speaks nothing else");
    assertMatch(
      await run("redis-cli", ["--tls", "--cacert", ca, "-p", String(clientPort), "PING"]),
      /alert handshake failure/,
    );
    assertMatch(
      await run("curl", ["-sS", "--cacert", ca, `https://localhost:${httpPort}/`]),
      /alert handshake failure/,
    );
    // One line a second of what clients can cause: the one of before may have been in its way.
    await waitFor(async () => {
      await run("redis-cli", ["--tls", "--cacert", ca, "-p", String(clientPort), "PING"]);
      return process?.lines.find((line) => line.includes("it speaks TLS, and this port does not"));
    }, { what: "the log says that TLS is spoken on a plain port" });
  },
);

tlsTest([], "a reply does not wait for the client's acknowledgement of what came before", async (stage) => {
  const took: number[] = [];
  for (let each = 0; each < 5; each++) {
    using client = await connect(stage, stage.tlsPort);
    const begun = performance.now();
    assertMatch(await askOn(client, "PING"), /PONG/);
    took.push(performance.now() - begun);
  }
  assertLess(Math.min(...took), FIRST_REPLY_MS_MAX, `${took}`);
});

tlsTest(
  [],
  "certificates change under load: no request fails, open connections go on, and newcomers see the new one",
  async (stage) => {
    const { cluster, authority, write, tlsPort } = stage;
    using held = await connect(stage, tlsPort);
    let stop = false;
    let served = 0;
    const load = async () => {
      while (!stop) {
        using client = await connect(stage, tlsPort);
        for (let each = 0; each < 5; each++) assertMatch(await askOn(client, `PUT k${each} v`), /successfully/);
        served++;
      }
    };
    const loads = Promise.all(Array.from({ length: 4 }, load));
    for (let each = 1; each <= RELOADS; each++) {
      write(authority.issueNode(0, ["localhost", `name-${each}`], validity()));
      // Without a terminal SIGHUP asks to look at once; a second later they are looked at anyway.
      if (each % 2 === 0) cluster.signal(0, "SIGHUP");
      await cluster.node(0).process?.line(
        `names localhost, name-${each}, node-0.test.kvstore.internal, nodes.test.kvstore.internal, kvstore://test/0`,
      );
      using newcomer = await connect(stage, tlsPort, `name-${each}`);
      assertMatch(await askOn(newcomer, "PING"), /PONG/);
    }
    const bad = authority.issueClient("alice", validity());
    write(bad);
    await cluster.node(0).process?.line("The certificate for clients stays the one of before: Cannot use");
    stop = true;
    await loads;
    assert(served > RELOADS, `${served} connections`);
    assertMatch(await askOn(held, "GET k0"), /value of k0: v/);
    using last = await connect(stage, tlsPort, `name-${RELOADS}`);
    assertMatch(await askOn(last, "PING"), /PONG/);
    assertEquals(cluster.node(0).process?.alive, true);
  },
);

tlsTest([], "2 000 half-open handshakes leave others served, and are ended", async (stage) => {
  const { tlsPort, cluster } = stage;
  using before = await connect(stage, tlsPort);
  const opened: Deno.TcpConn[] = [];
  while (opened.length < HALF_OPEN) {
    const wave = Array.from({ length: WAVE }, async (_, each) => {
      const client = await Deno.connect({ hostname: "127.0.0.1", port: tlsPort });
      // Half of them say nothing at all, the others the first bytes of a handshake.
      if (each % 2 === 0) await client.write(Uint8Array.of(0x16, 3, 1));
      return client;
    });
    opened.push(...await Promise.all(wave));
    // Accepted after all of them: so none is lost by a queue of the system that overflows.
    using newcomer = await connect(stage, tlsPort);
    assertMatch(await askOn(newcomer, "PUT k v"), /successfully/);
  }
  assertMatch(await askOn(before, "GET k"), /value of k: v/);
  await Promise.all(opened.map(async (client) => {
    // The end of the connection, or its reset: whatever comes, something does.
    const read = async () => {
      while (await client.read(new Uint8Array(4_096)) !== null);
    };
    await read().catch((error) => assert(error instanceof Deno.errors.ConnectionReset, String(error)));
    client.close();
  }));
  await waitFor(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${cluster.node(0).httpPort}/metrics`)).text();
    return /^kvstore_server_client_connections 1$/m.test(metrics) ? true : undefined;
  }, { what: "only the first client is connected" });
});

tlsTest([], "clients of a node that stops each see that this is the end", async (stage) => {
  const clients: Deno.TlsConn[] = [];
  while (clients.length < IDLE_CLIENTS) {
    const client = await connect(stage, stage.tlsPort);
    assertMatch(await askOn(client, "PING"), /PONG/);
    clients.push(client);
  }
  const ending = stage.cluster.kill(0, "SIGTERM");
  // Cut off, a client of TLS gets an error.
  const ends = await Promise.allSettled(clients.map((client) => client.read(new Uint8Array(1))));
  for (const client of clients) client.close();
  const cut = ends.filter((end) => end.status === "rejected" || end.value !== null);
  assertEquals([cut.length, (await ending).code], [0, 0]);
});

testWith([REDIS_CLI, CURL], "a port for TLS that is the plain one speaks TLS only", async () => {
  const root = await Deno.makeTempDir();
  const { authority, caText } = newAuthority();
  await Deno.writeTextFile(`${root}/ca.pem`, caText);
  const files = writePair(root, authority.issueNode(0, ["localhost"], validity()));
  const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const plain = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort];
  const args = [...plain, "--tls-port", port, "--http-tls-port", httpPort, "--data-dir", `${root}/data`].map(String);
  const why = await whyNotHere();
  if (why !== undefined) {
    await assertRefused([...files, "--tls-port", "1"], why);
  } else {
    const node = new ServerProcess(programLine(["node", ...args, ...files]));
    await node.line("is ready");
    const redis = ["--tls", "--cacert", `${root}/ca.pem`, "-p", String(port)];
    assertEquals(await run("redis-cli", [...redis, "SET", "a", "b"]), "OK\n");
    const url = `localhost:${httpPort}/v1/kv/a`;
    assertEquals(await run("curl", ["-sS", "--cacert", `${root}/ca.pem`, `https://${url}`]), "b");
    assertMatch(await run("redis-cli", ["-p", String(port), "GET", "a"]), /ERR this port speaks TLS/);
    assertMatch(await run("curl", ["-sS", `http://${url}`]), /This port speaks TLS: use https/);
    assertEquals((await node.end("SIGTERM")).code, 0);
  }
  await Deno.remove(root, { recursive: true });
});

Deno.test("a certificate that cannot be used ends the start in one line, and nothing is made", async () => {
  const directory = await Deno.makeTempDir();
  const authority = new Authority(makeAuthority("test", { days: 9, now: Date.now() - 5 * DAY_MS }));
  const node = authority.issueNode(0, ["localhost"], { days: 2, now: Date.now() - 4 * DAY_MS });
  const files = writePair(directory, node);
  const [port = 0, peerPort = 0, httpPort = 0, tlsPort = 0] = findFreePorts(4);
  const ports = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort, "--tls-port", tlsPort].map(String);
  const { code, stderr } = await runProgram(["node", ...ports, ...files, "--data-dir", `${directory}/data`]);
  const expected = await whyNotHere() ??
    `Cannot use ${directory}/node.pem: it is expired (subject CN=node-0, issuer CN=KVStore CA of test`;
  assertEquals([code, stderr.trim().split("\n").length], [1, 1], stderr);
  assertStringIncludes(stderr, expected);
  assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name).sort(), ["node.key", "node.pem"]);
  await Deno.remove(directory, { recursive: true });
});
