/** The clients of a running cluster come to TLS by rolling restarts, and those that repeat their requests see none fail. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import type { Access } from "../support/repeating_clients.ts";
import { Load } from "./support/load.ts";
import { basesOf, reload, rollOver, serversOf } from "./support/rolling.ts";
import { assertRefused, newAuthority, validity, whyNotHere, writePair } from "./support/tls_node.ts";

const NODES = 3;

/** What a client shows, and whom it trusts. */
interface Identity {
  readonly caCerts: string[];
  readonly cert: string;
  readonly key: string;
}

/** What a server of TLS answers to PING on one more connection; "" where it lets nobody in. */
async function pingOnce(port: number, identity: Identity): Promise<string> {
  try {
    using connection = await Deno.connectTls({ hostname: "localhost", port, ...identity });
    return await ping(connection);
  } catch {
    return ""; // The server, or this side, has ended it.
  }
}

async function ping(connection: Deno.Conn): Promise<string> {
  await connection.write(new TextEncoder().encode("PING\r\n"));
  const buffer = new Uint8Array(100);
  return new TextDecoder().decode(buffer.subarray(0, await connection.read(buffer) ?? 0));
}

/** Two CAs, the files of the nodes, their ports for TLS, and clients for those. */
class Stage implements Disposable {
  readonly root = Deno.makeTempDirSync({ prefix: "kvstore-e2e-" });
  readonly old = newAuthority();
  readonly next = newAuthority();
  readonly tlsPorts: readonly number[];
  readonly httpsPorts: readonly number[];

  constructor() {
    const ports = findFreePorts(2 * NODES);
    [this.tlsPorts, this.httpsPorts] = [ports.slice(0, NODES), ports.slice(NODES)];
    this.trustClients(this.old);
    this.certify(this.old);
  }

  get servers(): readonly string[] {
    return this.tlsPorts.map((port) => `127.0.0.1:${port}`);
  }

  get bases(): readonly string[] {
    return this.httpsPorts.map((port) => `https://127.0.0.1:${port}`);
  }

  flagsOf(id: number): readonly string[] {
    return [
      ...["--tls-cert", `${this.root}/node.pem`, "--tls-key", `${this.root}/node.key`],
      ...["--tls-port", String(this.tlsPorts[id]), "--http-tls-port", String(this.httpsPorts[id])],
      ...["--tls-client-ca", `${this.root}/clients.pem`],
    ];
  }

  /** The nodes let in clients of these CAs. */
  trustClients(...authorities: readonly ReturnType<typeof newAuthority>[]): void {
    Deno.writeTextFileSync(`${this.root}/new.pem`, authorities.map(({ caText }) => caText).join(""));
    Deno.renameSync(`${this.root}/new.pem`, `${this.root}/clients.pem`);
  }

  /** The nodes have a certificate of this CA. */
  certify({ authority }: ReturnType<typeof newAuthority>): void {
    writePair(this.root, authority.issueNode(0, ["localhost", "127.0.0.1"], validity()));
  }

  /** A client whom this CA has certified, and who trusts both. */
  identityOf({ authority }: ReturnType<typeof newAuthority>): Identity {
    const { certificate, key } = authority.issueClient("app", validity());
    return { caCerts: [this.old.caText, this.next.caText], cert: certificate, key };
  }

  load(prefix: string, identity: Identity, client: Deno.HttpClient): Load {
    return new Load(prefix, this.servers, { bases: this.bases, client, access: accessOf(identity) });
  }

  [Symbol.dispose](): void {
    Deno.removeSync(this.root, { recursive: true });
  }
}

function accessOf({ caCerts, cert, key }: Identity): Access {
  return { tls: { caCert: caCerts.join(""), cert, key } };
}

/** Starts the nodes with ports for TLS alone. Returns the ports that they had. */
async function closePlainPorts(
  cluster: ProcessCluster,
  stage: Stage,
  client: Deno.HttpClient,
): Promise<readonly number[]> {
  const plainPorts = cluster.nodes.flatMap(({ clientPort, httpPort }) => [clientPort, httpPort]);
  const closed = new Set<number>();
  await rollOver(cluster, {
    flagsOf: (id) => stage.flagsOf(id),
    asking: (id) => closed.has(id) ? { client } : {},
    stopped: (id) => {
      closed.add(id);
      Object.assign(cluster.node(id), { clientPort: stage.tlsPorts[id], httpPort: stage.httpsPorts[id] });
    },
  });
  return plainPorts;
}

Deno.test(
  "clients get TLS beside the plain ports, other certificates and CAs on open connections, and the plain ports are closed",
  async () => {
    using stage = new Stage();
    const { old, next, bases, servers, tlsPorts: [port = 0] } = stage;
    const why = await whyNotHere();
    if (why !== undefined) return await assertRefused(stage.flagsOf(0), why);
    const [before, after] = [stage.identityOf(old), stage.identityOf(next)];
    using oldClient = Deno.createHttpClient(before);
    using client = Deno.createHttpClient(after);
    await withCluster({ nodes: NODES, root: `${stage.root}/cluster` }, async (cluster) => {
      const plain = new Load("plain", serversOf(cluster), { bases: basesOf(cluster), follows: true });
      await rollOver(cluster, { flagsOf: (id) => stage.flagsOf(id) });
      const first = stage.load("first", before, oldClient);
      await Promise.all([plain.clients.goOn(), first.clients.goOn()]);
      await plain.stop();

      using open = await Deno.connectTls({ hostname: "localhost", port, ...before });
      assertEquals(await ping(open), "+PONG\r\n");
      const line = "A new certificate for clients";
      await reload(cluster, { line, change: () => stage.trustClients(old, next) });
      await reload(cluster, { line, change: () => stage.certify(next) });
      const second = stage.load("second", after, client);
      await Promise.all([first.clients.goOn(), second.clients.goOn()]);
      await first.stop();
      await reload(cluster, { line, change: () => stage.trustClients(next) });
      assertEquals(await ping(open), "+PONG\r\n", "what is open stays open");

      const plainPorts = await closePlainPorts(cluster, stage, client);
      await second.clients.goOn();
      await second.stop();
      for (const load of [plain, first, second]) {
        await load.assertKept(servers, { bases, client, access: accessOf(after) });
      }
      for (const each of plainPorts) {
        await assertRejects(() => Deno.connect({ hostname: "127.0.0.1", port: each }), Deno.errors.ConnectionRefused);
      }
      assertStringIncludes(await cluster.ask(0, "GET k"), "This port speaks TLS");
      assertEquals(await pingOnce(port, after), "+PONG\r\n");
      for (const refused of [before, { ...after, caCerts: [old.caText] }]) {
        assertEquals(await pingOnce(port, refused), "");
      }
    });
  },
);
