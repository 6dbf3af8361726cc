/** Clusters whose nodes have certificates: they form, grow, change their certificates, and take nobody else. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import type { PeerPaths } from "../../lib/tls/peer_identity.ts";
import { PeerFiles } from "../support/peer_files.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { askOnce } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";

const NODES = 3;
/** Longer than a link may be silent, and a handshake may take. */
const PAUSE_MS = 6_000;

function flagsOf({ certificate, key, authorities }: PeerPaths): readonly string[] {
  return ["--peer-tls-cert", certificate, "--peer-tls-key", key, "--peer-tls-ca", authorities];
}

/** Runs `body` on three nodes with certificates and no secret of their own. */
async function withCertified(body: (cluster: ProcessCluster, files: PeerFiles) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const files = new PeerFiles(root, { cluster: "shop" });
  for (let id = 0; id < NODES; id++) files.write(`node-${id}`, files.issue(id));
  const authorities = files.trust();
  const pathsOf = (id: string | undefined) => ({
    certificate: `${root}/node-${id}.pem`,
    key: `${root}/node-${id}.key`,
    authorities,
  });
  const wrap = (line: readonly string[]) => [...line, ...flagsOf(pathsOf(line[line.indexOf("--node-id") + 1]))];
  try {
    await withCluster({ nodes: NODES, root, wrap }, (cluster) => body(cluster, files));
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

function seedOf(cluster: ProcessCluster, id: number): string {
  const { clientPort, peerPort } = cluster.node(id);
  return `127.0.0.1:${clientPort}@${peerPort}`;
}

/** Starts a node of its own and returns what it prints before it ends. */
async function startAlone(flags: readonly string[]): Promise<{ readonly code: number; readonly stderr: string }> {
  const directory = await Deno.makeTempDir();
  const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
  const own = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort, "--data-dir", `${directory}/data`];
  const { code, stderr } = await runProgram(["node", ...own.map(String), ...flags]);
  assertEquals([...Deno.readDirSync(directory)], [], "nothing is made");
  await Deno.remove(directory, { recursive: true });
  return { code, stderr };
}

Deno.test("three nodes with certificates form a cluster, a fourth joins as the node of its certificate", () =>
  withCertified(async (cluster, files) => {
    assertEquals(await cluster.ask(0, "PUT a b"), "a added successfully.");
    assertEquals(await cluster.ask(2, "GET a"), "value of a: b");
    await cluster.node(1).process?.line("TLS with other nodes: subject CN=node-1, issuer CN=KVStore CA of shop");
    const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    const paths = files.write("node-7", files.issue(7));
    const own = [
      "--port",
      port,
      "--peer-port",
      peerPort,
      "--http-port",
      httpPort,
      "--data-dir",
      `${cluster.root}/node-7`,
    ];
    const args = ["node", "--join", seedOf(cluster, 0), ...own.map(String), ...flagsOf(paths)];
    const joiner = new ServerProcess(programLine(args));
    try {
      await joiner.line("kvstore node 7 is ready");
      await waitFor(async () => await askOnce(port, "GET a") === "value of a: b" || undefined, {
        what: "it has joined",
      });
    } finally {
      await joiner.end("SIGTERM");
    }
  }));

Deno.test("who is not of the cluster is told why, and changes nothing", () =>
  withCertified(async (cluster, files) => {
    const before = (await cluster.status(await cluster.waitForLeader())).get("Term");
    const foreign = new PeerFiles(cluster.root, { cluster: "shop", name: "foreign" });
    const stranger = await startAlone([
      "--join",
      seedOf(cluster, 0),
      ...flagsOf(foreign.write("stranger", foreign.issue(5))),
    ]);
    assertEquals([stranger.code, stranger.stderr.trim().split("\n").length], [1, 1], stranger.stderr);
    assertStringIncludes(stranger.stderr, "no CA of --peer-tls-ca has signed its certificate (CN=KVStore CA of shop");
    const plain = await startAlone(["--join", seedOf(cluster, 1)]);
    assertEquals(plain.code, 1, plain.stderr);
    assertStringIncludes(plain.stderr, "this node speaks TLS with its peers; give --peer-tls-cert, --peer-tls-key and");
    await cluster.node(1).process?.line("it speaks none with its peers; give it --peer-tls-cert");
    const impostor = await startAlone(["--node-id", "1", ...flagsOf(files.write("other", files.issue(2)))]);
    assertEquals(impostor.code, 1, impostor.stderr);
    assertMatch(
      impostor.stderr,
      /other\.pem: it is of node 2, and this is node 1 \(subject CN=node-2, issuer .* expires in/,
    );
    assertEquals((await cluster.status(await cluster.waitForLeader())).get("Term"), before);
  }));

Deno.test("other certificates and another CA are taken without a break, after SIGHUP at once", () =>
  withCertified(async (cluster, files) => {
    const leader = await cluster.waitForLeader();
    const term = (await cluster.status(leader)).get("Term");
    const next = new PeerFiles(cluster.root, { cluster: "shop", name: "next" });
    const both = () => files.trust(next);
    for (const pairOf of [(id: number) => files.issue(id), (id: number) => next.issue(id)]) {
      const told = Array.from({ length: NODES }, (_, id) => cluster.node(id).process?.lines.length ?? 0);
      for (let id = 0; id < NODES; id++) {
        files.write(`node-${id}`, pairOf(id), both());
        cluster.signal(id, "SIGHUP");
      }
      for (let id = 0; id < NODES; id++) {
        const isTold = () =>
          cluster.node(id).process?.lines.slice(told[id]).some((line) =>
            line.includes("A new certificate or CA for peers")
          );
        await waitFor(() => isTold() || undefined, { what: `node ${id} has the new certificate` });
      }
      assertEquals(await cluster.ask(leader, `PUT ${told[0]} v`), `${told[0]} added successfully.`);
    }
    assertEquals((await cluster.status(leader)).get("Term"), term);
    // Links that are made now are made with the certificates of now.
    const [follower = 0] = cluster.others(leader);
    await cluster.kill(follower);
    await cluster.restart(follower);
    await cluster.waitUntilEqual();
    assert(cluster.node(follower).process?.lines.some((line) => line.includes("Connected to node")));
  }));

Deno.test("a running cluster is brought to TLS node by node, with no write lost or refused for long", async () => {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const files = new PeerFiles(root, { cluster: "shop" });
  const authorities = files.trust();
  const flags = Array.from(
    { length: NODES },
    (_, id) => flagsOf(files.write(`node-${id}`, files.issue(id), authorities)),
  );
  try {
    await withCluster({ nodes: NODES, root }, async (cluster) => {
      await cluster.waitForLeader();
      for (const more of [["--peer-tls", "allow"], []]) {
        for (let id = 0; id < NODES; id++) {
          await cluster.kill(id, "SIGTERM");
          const others = cluster.others(id);
          await cluster.waitForLeader({ among: others });
          const key = `k${id}${more.length}`;
          const write = async () => await cluster.ask(await cluster.waitForLeader({ among: others }), `PUT ${key} v`);
          assertEquals(await write(), `${key} added successfully.`);
          await cluster.restart(id, [...flags[id] ?? [], ...more]);
          await cluster.waitUntilEqual();
        }
      }
      for (let id = 0; id < NODES; id++) {
        assertEquals(await cluster.ask(id, "GET k02"), "value of k02: v");
        assertEquals(cluster.node(id).process?.lines.some((line) => line.includes("speaks no TLS yet")), false);
      }
      const plain = await startAlone(["--join", seedOf(cluster, 1)]);
      assertStringIncludes(plain.stderr, "this node speaks TLS with its peers; give --peer-tls-cert");
    });
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("a node that stands still for a while is back when it goes on", () =>
  withCertified(async (cluster) => {
    const leader = await cluster.waitForLeader();
    const [still = 0] = cluster.others(leader);
    cluster.signal(still, "SIGSTOP");
    const end = performance.now() + PAUSE_MS;
    await waitFor(async () => {
      await cluster.ask(leader, "PUT k v");
      return performance.now() > end || undefined;
    }, { what: "the others go on" });
    cluster.signal(still, "SIGCONT");
    await cluster.waitUntilEqual();
  }));
