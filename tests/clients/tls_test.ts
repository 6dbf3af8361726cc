/**
 * Real clients over TLS, with users on: each logs in to a node whose CA it is given and moves long values both ways, does nothing without
 * a login, and speaks with no other node.
 */

import { assertEquals, assertMatch } from "@std/assert";
import { Authority, makeAuthority } from "../../lib/tls/authority.ts";
import { CURL, type Need, NODE, NPM, REDIS_CLI, REDIS_PY, SERVER_TLS, testWith } from "../support/needs.ts";
import { findFreePorts } from "../support/ports.ts";
import { programLine, spawnLine } from "../support/program.ts";
import { ServerProcess } from "../support/server_process.ts";
import { waitFor } from "../support/wait.ts";
import { NODE_DRIVERS, nodePackages } from "./support/node_packages.ts";
import { SCRIPTS } from "./support/scripts.ts";

const DAYS = 5;
const TIMEOUT_MS = 60_000;
const LONG = "x".repeat(300_000);
/** Whether a long value came back as it was sent, and the replies of a pipeline. */
const SERVED = [true, 100];
const USER = "app";
const PASSWORD = "correct horse battery";
const CREDENTIALS = `${USER}:${PASSWORD}`;

/** A node that speaks TLS alone and has one user, and files of its CA and of another. */
interface Stage {
  readonly port: number;
  readonly httpPort: number;
  readonly ca: string;
  readonly otherCa: string;
}

function testOverTls(needs: readonly Need[], name: string, body: (stage: Stage) => Promise<void>): void {
  testWith([SERVER_TLS, ...needs], name, async () => {
    const root = await Deno.makeTempDir({ prefix: "kvstore-clients-tls-" });
    const validity = { days: DAYS, now: Date.now() };
    const pair = makeAuthority("test", validity);
    const { certificate, key } = new Authority(pair).issueNode(0, ["localhost", "127.0.0.1"], validity);
    const [ca, otherCa, pem] = [`${root}/ca.pem`, `${root}/other.pem`, `${root}/node.pem`];
    await Deno.writeTextFile(ca, pair.certificate);
    await Deno.writeTextFile(otherCa, makeAuthority("test", validity).certificate);
    await Deno.writeTextFile(pem, certificate);
    await Deno.writeTextFile(`${root}/node.key`, key, { mode: 0o600 });
    const users = `${root}/first-user`;
    await Deno.writeTextFile(users, `${CREDENTIALS}\n`, { mode: 0o600 });
    const [port = 0, peerPort = 0, httpPort = 0] = findFreePorts(3);
    const ports = ["--port", port, "--peer-port", peerPort, "--http-port", httpPort];
    const tls = ["--tls-cert", pem, "--tls-key", `${root}/node.key`, "--tls-port", port, "--http-tls-port", httpPort];
    const own = ["--data-dir", `${root}/data`, "--bootstrap-user-file", users];
    const args = ["node", ...ports, ...tls, ...own].map(String);
    const node = new ServerProcess(programLine(args));
    try {
      await node.line("this node is the leader");
      await untilUsers(`https://localhost:${httpPort}`, pair.certificate);
      await body({ port, httpPort, ca, otherCa });
    } finally {
      await node.end("SIGTERM");
      await Deno.remove(root, { recursive: true });
    }
  });
}

/** Until the node knows its first user, whom it proposes once it leads. */
async function untilUsers(base: string, authority: string): Promise<void> {
  const client = Deno.createHttpClient({ caCerts: [authority] });
  const headers = { Authorization: `Basic ${btoa(CREDENTIALS)}` };
  await waitFor(async () => {
    const reply = await fetch(`${base}/v1/users`, { headers, client });
    const text = await reply.text();
    return reply.ok && text.includes(USER) ? true : undefined;
  }, { what: "the first user is known" });
  client.close();
}

/** What a program writes on both streams; it may fail. */
async function run(line: readonly string[], input = ""): Promise<string> {
  const child = spawnLine(line, { stdin: "piped" });
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { stdout, stderr } = await child.output();
  clearTimeout(timer);
  return new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
}

testOverTls([REDIS_CLI], "redis-cli over TLS", async ({ port, ca, otherCa }) => {
  const anybody = (file: string) => ["redis-cli", "--tls", "--cacert", file, "-p", String(port)];
  const redis = (file: string) => [...anybody(file), "--no-auth-warning", "--user", USER, "--pass", PASSWORD];
  assertMatch(await run([...anybody(ca), "GET", "long"]), /^NOAUTH /);
  assertEquals(await run([...redis(ca), "-x", "SET", "long"], LONG), "OK\n");
  assertEquals(await run([...redis(ca), "GET", "long"]), `${LONG}\n`);
  assertEquals(await run(redis(ca), "INCR n\n".repeat(100)).then((text) => text.trim().split("\n").at(-1)), "100");
  assertMatch(await run([...redis(otherCa), "PING"]), /certificate verify failed/);
});

testOverTls([CURL], "curl over HTTPS", async ({ httpPort, ca, otherCa }) => {
  const base = `https://localhost:${httpPort}`;
  const curl = ["curl", "-sS", "--cacert", ca, "-u", CREDENTIALS];
  assertMatch(await run(["curl", "-sS", "--cacert", ca, `${base}/v1/kv/long`]), /"not_logged_in"/);
  assertEquals(await run([...curl, "-X", "PUT", "--data-binary", "@-", `${base}/v1/kv/long`], LONG), "");
  assertEquals(await run([...curl, `${base}/v1/kv/long`]), LONG);
  assertMatch(await run(["curl", "-sS", "--cacert", otherCa, `${base}/livez`]), /certificate/);
});

/** Runs on Deno, whose EventSource trusts the CA of DENO_CERT: says the key of the first change, then ends. */
const EVENT_SOURCE = `
const source = new EventSource(Deno.args[0]);
source.onerror = () => { console.log("error"); Deno.exit(1); };
source.onopen = () => console.log("open");
source.addEventListener("put", ({ data }) => { console.log(data); Deno.exit(0); });
`;

testOverTls([CURL], "EventSource over HTTPS", async ({ httpPort, ca, otherCa }) => {
  const base = `https://${USER}:${encodeURIComponent(PASSWORD)}@localhost:${httpPort}`;
  const script = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(script, EVENT_SOURCE);
  const follow = (file: string, from = base) =>
    new ServerProcess([Deno.execPath(), "run", "-A", "--cert", file, script, `${from}/v1/events?prefix=k`]);
  const nobody = follow(ca, `https://localhost:${httpPort}`);
  await nobody.line("error");
  await nobody.ended;
  const follower = follow(ca);
  await follower.line("open");
  await run(["curl", "-sS", "--cacert", ca, "-X", "PUT", "--data-binary", "v", `${base}/v1/kv/k1`]);
  assertMatch(await follower.line("k1"), /k1/);
  assertEquals((await follower.ended).code, 0);
  const stranger = follow(otherCa);
  await stranger.line("error");
  await stranger.ended;
  await Deno.remove(script);
});

testOverTls([NODE, NPM], "ioredis, iovalkey and node-redis over TLS", async ({ port, ca, otherCa }) => {
  const line = ["node", `${NODE_DRIVERS}/tls.js`, await nodePackages(), String(port), CREDENTIALS, ca, otherCa];
  const results: Readonly<Record<string, readonly unknown[]>> = JSON.parse(await run(line));
  for (const [client, [nobody, served, refused]] of Object.entries(results)) {
    assertMatch(String(nobody), /NOAUTH/, client);
    assertEquals([served, typeof refused], [SERVED, "string"], client);
    assertMatch(String(refused), /^(SELF_SIGNED_CERT|UNABLE_TO_)/, client);
  }
  assertEquals(Object.keys(results).length, 6);
});

testOverTls([REDIS_PY], "python3-redis over TLS", async ({ port, ca, otherCa }) => {
  const line = ["/usr/bin/python3", `${SCRIPTS}/redis_tls.py`, String(port), CREDENTIALS, ca, otherCa];
  assertEquals(JSON.parse(await run(line)), ["NOAUTH", SERVED, "CERTIFICATE_VERIFY_FAILED"]);
});
