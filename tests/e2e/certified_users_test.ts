/** Clients whose certificates name users, over real TLS: Redis and text clients, and HTTPS. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Pair } from "../../lib/tls/authority.ts";
import { findFreePorts } from "../support/ports.ts";
import { withCluster } from "../support/process_cluster.ts";
import { waitFor } from "../support/wait.ts";
import { assertRefused, newAuthority, validity, whyNotHere, writePair } from "./support/tls_node.ts";

const PASSWORD = "correct-horse";
const READ_BYTES = 4_096;

/** A connection with TLS, on which lines go one way and bytes the other. */
class Line {
  readonly #tls: Deno.TlsConn;

  constructor(tls: Deno.TlsConn) {
    this.#tls = tls;
  }

  /** What comes first for a line; "" for the end. */
  async ask(line: string): Promise<string> {
    await this.#tls.write(new TextEncoder().encode(`${line}\r\n`));
    return await this.read();
  }

  async read(): Promise<string> {
    const buffer = new Uint8Array(READ_BYTES);
    const count = await this.#tls.read(buffer).catch(() => null);
    return new TextDecoder().decode(buffer.subarray(0, count ?? 0));
  }

  [Symbol.dispose](): void {
    this.#tls.close();
  }
}

Deno.test("a certificate is its user in every protocol, as long as there is one of that name; of nodes and strangers it is nobody's", async () => {
  const root = await Deno.makeTempDir();
  const { authority, caText } = newAuthority();
  const ca = `${root}/ca.pem`;
  Deno.writeTextFileSync(ca, caText);
  const node = authority.issueNode(0, ["localhost", "127.0.0.1"], validity());
  const [tlsPort = 0, httpsPort = 0] = findFreePorts(2);
  const ports = ["--tls-port", String(tlsPort), "--http-tls-port", String(httpsPort)];
  const flags = [...writePair(root, node), ...ports, "--tls-client-ca", ca, "--tls-client-user", "cn"];
  const why = await whyNotHere();
  if (why !== undefined) {
    await assertRefused(flags, why);
    return await Deno.remove(root, { recursive: true });
  }
  const alice = authority.issueClient("alice", validity());
  const credentials = ({ certificate: cert, key }: Pair) => ({ cert, key, caCerts: [caText] });
  const connect = async (pair: Pair) =>
    new Line(await Deno.connectTls({ hostname: "localhost", port: tlsPort, ...credentials(pair) }));
  const https = async (pair: Pair, path: string) => {
    using client = Deno.createHttpClient(credentials(pair));
    const response = await fetch(`https://localhost:${httpsPort}${path}`, { client });
    await response.body?.cancel();
    return response.status;
  };
  await withCluster({ nodes: 1, flags, root: `${root}/cluster` }, async (cluster) => {
    const plain = `http://127.0.0.1:${cluster.node(0).httpPort}/v1/users`;
    const administer = async (method: string, name: string, body?: unknown) => {
      const headers = { authorization: `Basic ${btoa(`root:${PASSWORD}`)}`, "content-type": "application/json" };
      const init = { method, headers, ...body === undefined ? {} : { body: JSON.stringify(body) } };
      // A node that has just started learns in a moment that all members know of users.
      await waitFor(async () => {
        const response = await fetch(`${plain}/${name}`, init);
        const told = await response.text();
        assert(response.ok || response.status === 503, `${method} ${name}: ${response.status} ${told}`);
        return response.ok ? true : undefined;
      }, { what: `${method} ${name} is done` });
    };
    for (const name of ["root", "node-0"]) await administer("PUT", name, { password: PASSWORD });
    {
      using early = await connect(alice);
      assertMatch(await early.ask("GET a:1"), /^(-NOAUTH|Error: Authentication required)/);
      assertEquals(await https(alice, "/v1/kv/a:1"), 401);
    }
    const grants = [{ prefix: "a:", read: true, write: true }];
    await administer("PUT", "alice", { password: PASSWORD, grants });
    using redis = await connect(alice);
    assertEquals(await redis.ask("*2\r\n$3\r\nACL\r\n$6\r\nWHOAMI"), "$5\r\nalice\r\n");
    using text = await connect(alice);
    assertEquals(await text.ask("PUT a:1 v"), "a:1 added successfully.\n");
    assertMatch(await text.ask("PUT b:1 v"), /^Error: Not permitted/);
    assertEquals([await https(alice, "/v1/kv/a:1"), await https(alice, "/v1/kv/b:1")], [200, 403]);

    using other = await connect(authority.issueClient("stranger", validity()));
    assertMatch(await other.ask("GET a:1"), /Authentication required/);
    using member = await connect(node);
    assertMatch(await member.ask("GET a:1"), /Authentication required/);
    assertEquals(await https(node, "/v1/kv/a:1"), 401, "whose common name a user has");

    await administer("DELETE", "alice");
    for (const gone of [redis, text]) {
      await waitFor(async () => await gone.read() === "" ? true : undefined, { what: "the connection ends" });
    }
    assertEquals(await https(alice, "/v1/kv/a:1"), 401);
    await administer("PUT", "alice", { password: PASSWORD });
    using again = await connect(alice);
    assertMatch(await again.ask("GET a:1"), /^Error: Not permitted/);
  });
  await Deno.remove(root, { recursive: true });
});
