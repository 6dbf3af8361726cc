/** Nodes whose clients have to show a certificate, as redis-cli, curl and openssl do. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Pair } from "../../lib/tls/authority.ts";
import { CURL, OPENSSL, REDIS_CLI, SERVER_TLS, testWith } from "../support/needs.ts";
import { findFreePorts } from "../support/ports.ts";
import { withCluster } from "../support/process_cluster.ts";
import { runProgram } from "../support/program.ts";
import { TextClient } from "../support/text_client.ts";
import { waitFor } from "../support/wait.ts";
import { withTlsCluster } from "./support/tls_cluster.ts";
import { assertRefused, newAuthority, run, validity, whyNotHere, writePair } from "./support/tls_node.ts";

testWith(
  [OPENSSL, CURL, REDIS_CLI],
  "clients without a certificate of --tls-client-ca are refused on both ports, each with its cause in the log; the file may change",
  async () => {
    const root = await Deno.makeTempDir();
    const [{ authority, caText }, other] = [newAuthority(), newAuthority()];
    const file = (name: string, text: string) => {
      Deno.writeTextFileSync(`${root}/${name}`, text, { mode: 0o600 });
      return `${root}/${name}`;
    };
    const client = (name: string, { certificate, key }: Pair) => ({
      cert: file(`${name}.pem`, certificate),
      key: file(`${name}.key`, key),
    });
    const [ca, clients] = [file("ca.pem", caText), file("clients.pem", caText)];
    const node = authority.issueNode(0, ["localhost", "127.0.0.1"], validity());
    const [tlsPort = 0, httpTlsPort = 0] = findFreePorts(2);
    const ports = ["--tls-port", String(tlsPort), "--http-tls-port", String(httpTlsPort)];
    const flags = [...writePair(root, node), ...ports, "--tls-client-ca", clients];
    const why = await whyNotHere();
    if (why !== undefined) {
      await assertRefused(flags, why);
      return await Deno.remove(root, { recursive: true });
    }
    const alice = client("alice", authority.issueClient("alice", validity()));
    const eve = client("eve", other.authority.issueClient("eve", validity()));
    const own = client("own", node);
    await withCluster({ nodes: 1, flags, root: `${root}/cluster` }, async (cluster) => {
      const { process } = cluster.node(0);
      await process?.line("--tls-client-ca holds for TLS alone: on port");
      const redis = (who: string[]) =>
        run("redis-cli", ["--tls", "--cacert", ca, ...who, "-p", String(tlsPort), "SET", "a", "b"]);
      const curl = (who: string[]) =>
        run("curl", ["-sS", "--cacert", ca, ...who, `https://localhost:${httpTlsPort}/v1/kv/a`]);
      for (const { cert, key } of [alice, own]) {
        assertEquals(await redis(["--cert", cert, "--key", key]), "OK\n");
        assertEquals(await curl(["--cert", cert, "--key", key]), "b");
      }
      /** Of both ports; one line a second of what clients can cause, so that one may be in the way of another. */
      const refused = async (who: string[], line: string) => {
        await waitFor(async () => {
          assert(!(await redis(who)).includes("OK"));
          assertMatch(await curl(who), /^curl: /);
          return process?.lines.some((each) => each.includes(line)) ? true : undefined;
        }, { what: `the log has: ${line}` });
      };
      await refused([], ": it has sent no certificate, and --tls-client-ca asks for one");
      const eves = ["--cert", eve.cert, "--key", eve.key];
      await refused(
        eves,
        `(subject CN=eve, issuer ${other.authority.certificate.subject}, names kvstore://test/client/eve, valid `,
      );
      const session = ["s_client", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0", "-connect", `127.0.0.1:${tlsPort}`];
      await waitFor(async () => {
        assertMatch(await run("openssl", [...session, "-cert", alice.cert, "-key", alice.key]), /Cipher is \(NONE\)/);
        const line = "this port speaks TLS 1.2 and 1.3, and asks for a certificate and its key";
        return process?.lines.some((each) => each.includes(line)) ? true : undefined;
      }, { what: "the log says which versions are spoken" });
      using plain = await TextClient.connect(tlsPort);
      assertMatch(await plain.ask("GET a"), /This port speaks TLS/);

      // Another CA beside the first one, while both have clients.
      file("clients.new", caText + other.caText);
      Deno.renameSync(`${root}/clients.new`, clients);
      cluster.signal(0, "SIGHUP");
      await process?.line("A new certificate for clients, for connections from now on: ");
      for (const { cert, key } of [alice, eve]) assertEquals(await redis(["--cert", cert, "--key", key]), "OK\n");
    });
    await Deno.remove(root, { recursive: true });
  },
);

Deno.test("CAs of clients that cannot be used end the start in one line", async () => {
  const directory = await Deno.makeTempDir();
  const { authority } = newAuthority();
  const files = writePair(directory, authority.issueNode(0, ["localhost"], validity()));
  const clients = `${directory}/node.pem`;
  const why = await whyNotHere() ?? `Cannot use ${clients}: a certificate in it is not of a CA (subject CN=node-0)`;
  await assertRefused([...files, "--tls-port", String(findFreePorts(1)[0]), "--tls-client-ca", clients], why);
  await Deno.remove(directory, { recursive: true });
});

testWith(
  [SERVER_TLS],
  "where every port asks for a certificate the tools show theirs, and nodes that pass requests on show their own",
  () =>
    withTlsCluster({ membersTrust: "Own", asksClients: true }, async ({ cluster, ca, client, tlsPorts }) => {
      const leader = await cluster.waitForLeader();
      const [follower = 0, next = 0] = cluster.others(leader);
      const tls = ["--connect", `127.0.0.1:${tlsPorts[follower]}`, "--tls-ca", ca];
      const own = [...tls, "--tls-client-cert", client.cert, "--tls-client-key", client.key];
      const done = async (command: string, ...args: readonly string[]) => {
        const { code, stdout, stderr } = await runProgram([command, ...own, ...args]);
        assertEquals([code, stderr], [0, ""]);
        return stdout;
      };
      assertEquals(await done("cli", "PUT", "a", "with a certificate"), "a added successfully.\n");
      assertEquals(await done("cli", "GET", "a"), "value of a: with a certificate\n");
      assertMatch(await done("leader", "transfer", String(next)), new RegExp(`^Node ${next} .* leads now`));
      await cluster.waitForLeader();
      assertMatch(await done("member", "list"), /\b2\b.*127\.0\.0\.1/s);
      const { result } = JSON.parse(await done("bench", "--requests=200", "--connections=4", "--json"));
      assertEquals([result.requests, result.errors], [200, 0]);
      // Over the text protocol the follower asks the leader over HTTPS, with its own certificate.
      assertEquals(await done("cli", "MEMBER", "DRAIN", String(follower)), `Member ${follower} is drained.\n`);
      const environment = { KVSTORE_TLS_CLIENT_CERT: client.cert, KVSTORE_TLS_CLIENT_KEY: client.key };
      assertEquals((await runProgram(["cli", ...tls, "PING"], { environment })).code, 0);
      const refused = await runProgram(["cli", ...tls, "GET", "a"]);
      const line = `Lost the connection to 127.0.0.1:${
        tlsPorts[follower]
      }: it ended TLS, and its log may say why (--tls-client-cert); is the node running?`;
      assertEquals([refused.code, refused.stderr], [1, `kvstore: ${line}\n`]);
      await cluster.node(follower).process?.line(": it has sent no certificate, and --tls-client-ca asks for one");
      for (const args of [["leader"], ["bench", "--requests=1"]]) {
        assertEquals((await runProgram([args[0] ?? "", ...tls, ...args.slice(1)])).code, 1);
      }
    }),
);
