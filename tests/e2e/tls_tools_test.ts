/** The tools over TLS: they do what they do without it, believe only whom they are told to, and say in one line what is wrong. */

import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { connect, connectBy } from "../../lib/client/client.ts";
import { NotDoneError } from "../../lib/client/errors.ts";
import { connectByNode } from "../../lib/client/node_socket.ts";
import { trustOf } from "../../lib/client/options.ts";
import type { Connector } from "../../lib/client/socket.ts";
import { SERVER_TLS, testWith } from "../support/needs.ts";
import { runProgram } from "../support/program.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";
import { type TlsStage, withTlsCluster } from "./support/tls_cluster.ts";

testWith(
  [SERVER_TLS],
  "cli, leader, member, backup, export, import and bench over TLS beside plain ports",
  () =>
    withTlsCluster({}, async ({ cluster, ca, tlsPorts }) => {
      const leader = await cluster.waitForLeader();
      // The followers first: the leader is among those that are named, though the others know its plain port alone.
      const list = [...cluster.others(leader), leader].map((id) => `localhost:${tlsPorts[id]}`).join(",");
      const tls = ["--connect", list, "--tls-ca", ca];
      const done = async (command: string, ...args: readonly string[]) => {
        const own = args.some((arg) => arg.startsWith("--connect=")) ? tls.slice(2) : tls;
        const { code, stdout, stderr } = await runProgram([command, ...own, ...args]);
        assertEquals([code, stderr], [0, ""]);
        return stdout;
      };
      assertEquals(await done("cli", "PUT", "a", "over tls"), "a added successfully.\n");
      assertEquals(await done("cli", "GET", "a"), "value of a: over tls\n");
      const backup = `${cluster.root}/backup.snap`;
      assertMatch(
        await done("backup", backup),
        /^Backed up to .*: cluster [0-9a-f]{32} at revision \d+ .* 1 key of 9 bytes, /,
      );
      const lines = `${cluster.root}/export.ndjson`;
      assertMatch(await done("export", lines), /^Exported to .*: cluster [0-9a-f]{32} at revision \d+, 1 key, /);
      assertEquals(await done("import", lines), `Imported 0 keys of ${lines}; 1 key that was there stays\n`);
      assertMatch(await done("restore", backup, "--prefix", "a"), /, 1 the same\nNothing was changed\n$/);
      assertMatch(await done("leader"), new RegExp(`^Node ${leader} \\(127`));
      const next = cluster.others(leader)[0] ?? 0;
      assertMatch(
        await done("leader", "transfer", String(next), `--connect=localhost:${tlsPorts[next]}`),
        new RegExp(`^Node ${next} .* leads now`),
      );
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
    withTlsCluster({}, async ({ cluster, ca, tlsPorts }) => {
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
    withTlsCluster({}, async ({ cluster, ca, otherCa, tlsPorts: [port = 0] }) => {
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
      for (
        const [command = "", ...args] of [["cli", "GET", "a"], ["leader"], ["bench", "--requests=1"], [
          "import",
          "--timeout-ms=500",
        ]]
      ) {
        for (const [flags, line] of cases) {
          const { code, stdout, stderr } = await runProgram([command, ...flags, ...args]);
          assertEquals([code, stdout, stderr], [1, "", `kvstore: ${line}\n`]);
        }
      }
      for (
        const [command = "", ...args] of [
          ["cli", "--timeout-ms=500", "GET", "a"],
          ["leader", "--timeout-ms=500"],
          ["bench", "--requests=9"],
          ["import", "--timeout-ms=500"],
        ]
      ) {
        const { code, stderr } = await runProgram([command, "--connect", String(port), ...args]);
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

/** A request to a node's HTTPS, and what it answers. */
async function request(
  { ca }: TlsStage,
  { port = 0, path, method = "POST", body = "" }: {
    readonly port: number | undefined;
    readonly path: string;
    readonly method?: string;
    readonly body?: string;
  },
): Promise<Response> {
  using client = Deno.createHttpClient({ caCerts: [await Deno.readTextFile(ca)] });
  const url = `https://127.0.0.1:${port}${path}`;
  const options = { method, redirect: "manual", client, ...body === "" ? {} : { body } } as const;
  const response = await fetch(url, { ...options, headers: { "Content-Type": "application/json" } });
  return new Response(await response.text(), response);
}

testWith(
  [SERVER_TLS],
  "nodes that tell each other of their HTTPS pass requests on over it, and send clients there",
  () =>
    withTlsCluster({ membersTrust: "Own" }, async (stage) => {
      const { cluster, ca, httpsPorts, tlsPorts } = stage;
      const leader = await cluster.waitForLeader();
      const [follower = 0, next = 0] = cluster.others(leader);
      const port = httpsPorts[follower];
      const moved = await request(stage, { port, path: "/v1/kv/a?redirect", method: "PUT", body: "x" });
      assertEquals(moved.headers.get("location"), `https://127.0.0.1:${httpsPorts[leader]}/v1/kv/a?redirect`);
      const reply = await request(stage, { port, path: "/v1/cluster/leader", body: JSON.stringify({ node: next }) });
      assertEquals([reply.status, (await reply.json()).leader], [200, next]);
      await cluster.waitForLeader();
      // Over the text protocol a follower asks the leader in the same way.
      const list = ["--connect", String(tlsPorts[cluster.others(next)[0] ?? 0]), "--tls-ca", ca];
      // Refused for a moment while the cluster is young: another change is under way, or not all members are known to be able to.
      await waitFor(async () => {
        const { code, stdout, stderr } = await runProgram(["cli", ...list, "MEMBER", "DRAIN", String(next)]);
        if (code === 0) return true;
        assertMatch(stdout + stderr, /ask again in a moment/);
        return undefined;
      }, { what: "a member is drained", timeoutMs: DEADLINE_MS });
      const written = await runProgram(["cli", ...list, "PUT", "a", "b"]);
      assertEquals(written.stdout, "a added successfully.\n");
    }),
);

testWith(
  [SERVER_TLS],
  "a leader whose certificate a node does not believe is not asked by it, and nothing is done",
  () =>
    withTlsCluster({ membersTrust: "Other" }, async (stage) => {
      const { cluster, httpsPorts } = stage;
      const leader = await cluster.waitForLeader();
      const [follower = 0, next = 0] = cluster.others(leader);
      const body = JSON.stringify({ node: next });
      const reply = await request(stage, { port: httpsPorts[follower], path: "/v1/cluster/leader", body });
      const { code, detail } = await reply.json();
      assertEquals([reply.status, code], [503, "no_leader"]);
      assertMatch(detail, /^The leader cannot be asked over HTTPS.*nothing was done/);
      await cluster.node(follower).process?.line(
        "its certificate is signed by no CA that is trusted here; --tls-ca names the CA of its certificate",
      );
      assertEquals(await cluster.leader(), leader);
    }),
);

testWith(
  [SERVER_TLS],
  "the TypeScript client shows a certificate to nodes that ask for one, with the sockets of both runtimes",
  () =>
    withTlsCluster({ asksClients: true }, async ({ ca, client, tlsPorts }) => {
      const tls = { caCert: await Deno.readTextFile(ca) };
      const own = { ...tls, cert: await Deno.readTextFile(client.cert), key: await Deno.readTextFile(client.key) };
      const servers = tlsPorts.map((port) => `localhost:${port}`);
      await using shown = await connect({ servers, timeoutMs: DEADLINE_MS, tls: own });
      assertEquals(await shown.put("a", "b"), true);
      const byNode: Connector = (address, options) => connectByNode(address, { ...options, trust: trustOf(own) });
      await using nodes = await connectBy(byNode, { servers, timeoutMs: DEADLINE_MS });
      assertEquals((await nodes.get("a"))?.text(), "b");
      const refused = await assertRejects(() => connect({ servers, timeoutMs: 1_000, tls }), NotDoneError);
      assertEquals(refused.code, "UNREACHABLE");
    }),
);
