/** The tools over TLS: they do what they do without it, believe only whom they are told to, and say in one line what is wrong. */

import { assertEquals, assertMatch } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { Authority, makeAuthority } from "../../lib/tls/authority.ts";
import { SERVER_TLS, testWith } from "../support/needs.ts";
import { findFreePorts } from "../support/ports.ts";
import { type ProcessCluster, withCluster } from "../support/process_cluster.ts";
import { type CommandLine, runProgram } from "../support/program.ts";
import { DEADLINE_MS } from "../support/wait.ts";

const DAYS = 5;
const NODES = 3;

/** Three nodes with TLS beside their plain ports. */
interface Stage {
  readonly cluster: ProcessCluster;
  /** Files of the CA of the nodes, and of another. */
  readonly ca: string;
  readonly otherCa: string;
  /** By node. */
  readonly tlsPorts: readonly number[];
}

async function withTlsCluster(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const validity = { days: DAYS, now: Date.now() };
  const [pair, other] = [makeAuthority("test", validity), makeAuthority("test", validity)];
  const [ca, otherCa] = [`${root}/ca.pem`, `${root}/other.pem`];
  await Deno.writeTextFile(ca, pair.certificate);
  await Deno.writeTextFile(otherCa, other.certificate);
  const { certificate, key } = new Authority(pair).issueNode(0, ["localhost", "127.0.0.1"], validity);
  await Deno.writeTextFile(`${root}/node.pem`, certificate);
  await Deno.writeTextFile(`${root}/node.key`, key, { mode: 0o600 });
  const ports = findFreePorts(2 * NODES);
  const wrap = (line: CommandLine) => {
    const id = Number(line[line.indexOf("--node-id") + 1]);
    return [...line, "--tls-port", String(ports[id]), "--http-tls-port", String(ports[NODES + id])];
  };
  const flags = ["--tls-cert", `${root}/node.pem`, "--tls-key", `${root}/node.key`];
  try {
    await withCluster(
      { nodes: NODES, flags, wrap, root },
      (cluster) => body({ cluster, ca, otherCa, tlsPorts: ports.slice(0, NODES) }),
    );
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

testWith(
  [SERVER_TLS],
  "cli, leader, member and bench over TLS beside plain ports",
  () =>
    withTlsCluster(async ({ cluster, ca, tlsPorts }) => {
      const leader = await cluster.waitForLeader();
      // The followers first: the leader is among those that are named, though the others know its plain port alone.
      const list = [...cluster.others(leader), leader].map((id) => `localhost:${tlsPorts[id]}`).join(",");
      const tls = ["--connect", list, "--tls-ca", ca];
      const done = async (command: string, ...args: readonly string[]) => {
        const { code, stdout, stderr } = await runProgram([command, ...tls, ...args]);
        assertEquals([code, stderr], [0, ""]);
        return stdout;
      };
      assertEquals(await done("cli", "PUT", "a", "over tls"), "a added successfully.\n");
      assertEquals(await done("cli", "GET", "a"), "value of a: over tls\n");
      assertMatch(await done("leader"), new RegExp(`^Node ${leader} \\(127`));
      const next = cluster.others(leader)[0];
      assertMatch(await done("leader", "transfer", String(next)), new RegExp(`^Node ${next} .* leads now`));
      assertMatch(await done("member", "list"), /\b2\b.*127\.0\.0\.1/s);
      const { result } = JSON.parse(await done("bench", "--requests=200", "--connections=4", "--json"));
      assertEquals([result.requests, result.errors], [200, 0]);
      const environment = { KVSTORE_CONNECT: list, KVSTORE_TLS_CA: ca };
      assertEquals((await runProgram(["cli", "GET", "a"], { environment })).stdout, "value of a: over tls\n");
    }),
);

testWith(
  [SERVER_TLS],
  "the TypeScript client over TLS beside plain ports: through every node, and when the leader is gone",
  () =>
    withTlsCluster(async ({ cluster, ca, tlsPorts }) => {
      const servers = tlsPorts.map((port) => `localhost:${port}`);
      const tls = { caCert: await Deno.readTextFile(ca) };
      for (const server of servers) {
        await using client = await connect({ servers: [server], session: true, timeoutMs: DEADLINE_MS, tls });
        assertEquals(await client.put(server, "v"), true);
      }
      await using client = await connect({ servers, session: true, timeoutMs: DEADLINE_MS, tls });
      await cluster.kill(await cluster.waitForLeader());
      for (const server of servers) assertEquals((await client.get(server))?.text(), "v");
      assertEquals(await client.increment("n"), 1);
    }),
);

testWith(
  [SERVER_TLS],
  "without the right CA, name or port each tool ends with one line that says what to do",
  () =>
    withTlsCluster(async ({ cluster, ca, otherCa, tlsPorts: [port = 0] }) => {
      const plainPort = cluster.node(0).clientPort;
      const cases: readonly [flags: readonly string[], line: string][] = [
        [
          ["--connect", String(port), "--tls-ca", otherCa],
          `No TLS with 127.0.0.1:${port}: its certificate is signed by no CA that is trusted here; --tls-ca FILE names the CA that signed it`,
        ],
        [
          ["--connect", String(port), "--tls-ca", ca, "--tls-server-name", "db"],
          `No TLS with 127.0.0.1:${port}: its certificate has other names than db: localhost, 127.0.0.1; ` +
          "connect by one of its names, or give that one as --tls-server-name",
        ],
        [
          ["--connect", String(plainPort), "--tls-ca", ca],
          `No TLS with 127.0.0.1:${plainPort}: it speaks no TLS there; give the port that --tls-port of the node names, or leave TLS out`,
        ],
      ];
      for (const [command = "", ...args] of [["cli", "GET", "a"], ["leader"], ["bench", "--requests=1"]]) {
        for (const [flags, line] of cases) {
          const { code, stdout, stderr } = await runProgram([command, ...flags, ...args]);
          assertEquals([code, stdout, stderr], [1, "", `kvstore: ${line}\n`]);
        }
      }
      for (const [command = "", ...args] of [["cli", "GET", "a"], ["leader"]]) {
        const { code, stderr } = await runProgram([command, "--connect", String(port), "--timeout-ms=500", ...args]);
        const line = `kvstore: 127.0.0.1:${port} speaks TLS: give --tls-ca FILE with the CA of its certificate, ` +
          "or --tls for one of the system's CAs\n";
        assertEquals([code, stderr], [1, line]);
      }
      // The environment says which CAs the system has, and that they are to be used: nodes of one of them are trusted with --tls alone.
      const environment = { SSL_CERT_FILE: ca, DENO_TLS_CA_STORE: "system" };
      const asked = ["cli", "--connect", String(port)];
      assertEquals((await runProgram([...asked, "--tls", "PING"], { environment })).code, 0);
      const other = await runProgram([...asked, "--tls-ca", otherCa, "PING"], { environment });
      assertMatch(other.stderr, /signed by no CA that is trusted here/);
    }),
);
