/** `kvstore cluster --tls`: one command, and everything that speaks with the cluster does so over TLS. */

import { assert, assertEquals, assertMatch, assertNotEquals, assertStringIncludes } from "@std/assert";
import { connect } from "../../lib/client/client.ts";
import { CURL, OPENSSL, REDIS_CLI, SERVER_TLS, testWith } from "../support/needs.ts";
import { findFreeRun } from "../support/ports.ts";
import { programLine, runProgram } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { DEADLINE_MS, waitFor } from "../support/wait.ts";
import { whyNotHere } from "./support/tls_node.ts";

/** Four, for one that is added. */
const OFFSETS = [0, 3_000, 10_000].flatMap((offset) => [0, 1, 2, 3].map((id) => offset + id));
const TRIES = 3;

interface Stage {
  readonly port: number;
  readonly directory: string;
  readonly ca: string;
  /** Starts the launcher, and waits until its cluster is ready. */
  launch(): Promise<ServerProcess>;
}

/** A program that cannot speak TLS is to say so instead. */
async function withTlsLauncher(body: (stage: Stage) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir({ prefix: "kvstore-e2e-" });
  const directory = `${root}/my data`;
  const port = findFreeRun(OFFSETS);
  const started: ServerProcess[] = [];
  const args = ["cluster", "--tls", "--port", String(port), "--data-dir", directory];
  const launch = async () => {
    const process = new ServerProcess(programLine(args), { stdin: "piped" });
    started.push(process);
    await process.line("Ctrl-C");
    return process;
  };
  try {
    const why = await whyNotHere();
    if (why !== undefined) {
      const { code, stderr } = await runProgram(args);
      return assertEquals([code, stderr], [1, `kvstore: ${why}\n`]);
    }
    await body({ port, directory, ca: `${directory}/tls/ca.pem`, launch });
  } catch (error) {
    const lines = started.flatMap((process) => process.lines.slice(-30)).join("\n");
    throw new Error(`${error instanceof Error ? error.message : error}\n${lines}`, { cause: error });
  } finally {
    for (const process of started) if (process.alive) await process.end("SIGTERM");
    await Deno.remove(root, { recursive: true });
  }
}

/** What the shell prints when a line is pasted to it. */
async function paste(line: string): Promise<string> {
  const { stdout } = await new Deno.Command("sh", { args: ["-c", line], stdin: "null" }).output();
  return new TextDecoder().decode(stdout);
}

testWith(
  [SERVER_TLS, OPENSSL, REDIS_CLI, CURL],
  "cluster --tls prints lines that work when they are pasted",
  () =>
    withTlsLauncher(async ({ launch, port, ca, directory }) => {
      const launcher = await launch();
      const begin = launcher.lines.indexOf("Try:");
      const [text = "", redis = "", http = ""] = launcher.lines.slice(begin + 1, begin + 1 + TRIES);
      assertEquals(await paste(text), "hello added successfully.\nvalue of hello: world\nGoodbye.\n");
      assertEquals(await paste(redis), "world\n");
      assertEquals(await paste(http), "");
      const shell = launcher.lines.find((line) => line.startsWith("Shell:")) ?? "";
      assertStringIncludes(shell, `cli --tls-ca '${ca}'`);
      const url = /https:\S+/.exec(launcher.lines.find((line) => line.startsWith("Dashboard:")) ?? "")?.[0];
      assertMatch(await paste(`curl -s --cacert '${ca}' ${url}`), /<title>/);
      // Nothing is answered without TLS.
      assertMatch(await paste(`curl -s http://127.0.0.1:${port + 3_000}/v1/kv/hello`), /This port speaks TLS/);
      assertMatch(await paste(`redis-cli -p ${port} GET hello`), /this port speaks TLS/);
      const key = await Deno.readTextFile(`${directory}/tls/ca.key`);
      assertEquals((await launcher.end("SIGTERM")).code, 0);
      await launch();
      assertEquals(await paste(redis), "world\n");
      assertEquals(await Deno.readTextFile(`${directory}/tls/ca.key`), key, "the CA is kept");
    }),
);

testWith(
  [SERVER_TLS],
  "a cluster with TLS grows, restarts node by node and loses its leader under a client",
  () =>
    withTlsLauncher(async ({ launch, port, ca }) => {
      const launcher = await launch();
      const servers = [0, 1, 2].map((id) => `127.0.0.1:${port + id}`);
      const caCert = await Deno.readTextFile(ca);
      await using client = await connect({ servers, session: true, timeoutMs: DEADLINE_MS, tls: { caCert } });
      let done = 0;
      let isOver = false;
      const counting = (async () => {
        while (!isOver) done = Number(await client.increment("n"));
      })();
      const tool = async (...args: readonly string[]) => {
        const all = [...args, "--connect", servers.join(","), "--tls-ca", ca];
        const { code, stdout, stderr } = await runProgram(all);
        assertEquals(code, 0, stdout + stderr);
        return stdout;
      };
      const base = `https://127.0.0.1:${port + 3_001}`;
      using http = Deno.createHttpClient({ caCerts: [caCert] });
      const { token } = await (await fetch(`${base}/v1/launcher`, { client: http })).json();
      const headers = { "X-KV-Token": token };
      const added = await fetch(`${base}/v1/launcher/nodes`, { method: "POST", headers, client: http });
      assertEquals([added.status, (await added.json()).added], [200, 3]);
      await waitFor(async () => /^3 +voter +yes/m.test(await tool("member", "list")) ? true : undefined, {
        what: "the node that was added has a vote",
      });
      assertMatch(await tool("rolling-restart", "--yes"), /^Done: every node has a new process/m);
      const { leader } = JSON.parse(await tool("leader", "--json"));
      const killed = await fetch(`${base.replace(/\d+$/, String(port + 3_000 + (leader === 1 ? 0 : 1)))}/v1/launcher`, {
        client: http,
      });
      const nodes: readonly { readonly id: number; readonly pid: number }[] = (await killed.json()).nodes;
      const pid = nodes.find(({ id }) => id === leader)?.pid ?? 0;
      assertNotEquals(pid, 0);
      Deno.kill(pid, "SIGKILL");
      const before = done;
      await waitFor(() => done > before + 10 ? true : undefined, { what: "the client goes on with another leader" });
      isOver = true;
      await counting;
      assertEquals((await client.get("n"))?.text(), String(done));
      assert(launcher.alive);
    }),
);
