import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { NODE, testWith } from "../support/needs.ts";
import { type CommandLine, spawnLine } from "../support/program.ts";
import { TlsFront } from "../support/tls_front.ts";
import { days, newAuthority } from "../unit/tls/support.ts";
import { serverOf } from "../unit/client/support/clients.ts";
import { FakeStore } from "../unit/client/support/fake_store.ts";
import { CLOSE } from "../support/resp/scripted_server.ts";

const ROOT = fromFileUrl(new URL("../../", import.meta.url));
const TIMEOUT_MS = 60_000;

/** What runs on Node: `client.mjs` is the bundle. A put, a read, counters in a session, a scan, an abort, the end. */
const PROGRAM = `
import { connect, NotDoneError } from "./client.mjs";
const client = await connect({ servers: process.argv.slice(2), session: true, timeoutMs: 5000 });
await client.put("k", "gr\\u00fcn");
const text = (await client.get("k")).text();
const sums = await Promise.all([1, 2, 3, 4, 5].map((by) => client.increment("n", by)));
const keys = [];
for await (const entry of client.scan({ start: "a" })) keys.push(entry.keyText());
const aborted = await client.get("k", { signal: AbortSignal.abort(new Error("enough")) }).catch((error) => error.message);
await client[Symbol.asyncDispose]();
const closed = await client.get("k").catch((error) => error instanceof NotDoneError && error.code);
console.log(JSON.stringify({
  runtime: [typeof Deno, process.release.name, Number(process.versions.node.split(".")[0]) >= 20],
  text, largest: Math.max(...sums), keys, aborted, closed,
}));
`;

/** The same bundle over TLS: with the CA that signed, with another, and with another name. */
const TLS_PROGRAM = `
import { readFileSync } from "node:fs";
import { connect } from "./client.mjs";
const [server, ca, other] = process.argv.slice(2);
const caCert = readFileSync(ca, "utf8");
const attempt = async (tls, timeoutMs) => {
  try {
    const client = await connect({ servers: [server], timeoutMs, tls });
    await client.put("k", "v");
    const text = (await client.get("k")).text();
    await client.close();
    return text;
  } catch (error) {
    return error.message.replace(/.*No TLS with [^ ]* /, "");
  }
};
console.log(JSON.stringify([
  await attempt({ caCert }, 5000),
  await attempt({ caCert: readFileSync(other, "utf8") }, 500),
  await attempt({ caCert, serverName: "db" }, 500),
]));
`;

/** The standard output of a program that must succeed. */
async function outputOf(line: CommandLine, directory: string): Promise<string> {
  // Deno 2.4 knows the certificates of the system only when it is told to, and fetches its bundler from the registry.
  const child = spawnLine(line, { directory, environment: { DENO_TLS_CA_STORE: "mozilla,system" } });
  const timer = setTimeout(() => child.kill("SIGKILL"), TIMEOUT_MS);
  const { success, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const decoder = new TextDecoder();
  assertEquals(success, true, `${line.join(" ")}: ${decoder.decode(stderr)}`);
  return decoder.decode(stdout);
}

async function assertSpeaksTls(directory: string, port: number): Promise<void> {
  const { authority, pair } = newAuthority(days(10, Date.now()));
  await Deno.writeTextFile(`${directory}/ca.pem`, pair.certificate);
  await Deno.writeTextFile(`${directory}/other.pem`, newAuthority(days(10, Date.now())).pair.certificate);
  await using front = new TlsFront(authority.issueNode(0, ["localhost", "127.0.0.1"], days(5, Date.now())), port);
  const line = ["node", "tls.mjs", front.address, "ca.pem", "other.pem"];
  assertEquals(JSON.parse(await outputOf(line, directory)), [
    "v",
    "its certificate is signed by no CA that is trusted here",
    "its certificate has other names than db: localhost, 127.0.0.1",
  ]);
}

testWith([NODE], "the client runs on Node, from its bundled source", async () => {
  const directory = await Deno.makeTempDir({ prefix: "kvstore-client-node-" });
  const store = new FakeStore();
  let writes = 0;
  await using server = serverOf(store, (words) => {
    if (words[0] !== "ONCE") return undefined;
    writes += 1;
    const answer = store.apply(words);
    return writes === 3 ? CLOSE : answer;
  });
  try {
    await Deno.writeTextFile(`${directory}/program.mjs`, PROGRAM);
    await Deno.writeTextFile(
      `${directory}/entry.ts`,
      `export * from "${ROOT}lib/client/client.ts";\nexport * from "${ROOT}lib/client/errors.ts";\n`,
    );
    const bundle = ["bundle", "--no-lock", "--no-config", "--quiet", "--output", "client.mjs", "entry.ts"];
    await outputOf([Deno.execPath(), ...bundle], directory);
    const output = await outputOf(["node", "program.mjs", server.address], directory);
    assertEquals(JSON.parse(output), {
      runtime: ["undefined", "node", true],
      text: "gr\u00fcn",
      largest: 15,
      keys: ["k", "n"],
      aborted: "enough",
      closed: "CLOSED",
    });
    assertEquals(store.values.get("n"), "15");
    await Deno.writeTextFile(`${directory}/tls.mjs`, TLS_PROGRAM);
    await assertSpeaksTls(directory, server.port);
    assertEquals(writes > 6, true, "an answer was lost, and its write repeated");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
