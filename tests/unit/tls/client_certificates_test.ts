/** Clients that have to show a certificate: who is let in to a port, by the runtime and the program together. */

import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { dial, TlsError } from "../../../lib/base/dial.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { ClientAuthorities } from "../../../lib/tls/client_authorities.ts";
import { OPENSSL, SERVER_TLS, testWith } from "../../support/needs.ts";
import { kill } from "../../support/program.ts";
import { authority, ca, EchoPort, exchange } from "./echo_port.ts";
import { reworded } from "./reworded.ts";
import { DAY, days, newAuthority, openssl, withDirectory } from "./support.ts";

const TALK_MS = 30_000;
const HELLO = new TextEncoder().encode("hello");
const alice = authority.issueClient("alice", days(5, Date.now()));

/** A port for clients that a CA of `pairs` has signed, by a clock that is `aheadMs` ahead. */
function guarded(pairs: readonly Pair[], aheadMs = 0): EchoPort {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, pairs.map(({ certificate }) => certificate).join(""));
  const authorities = new ClientAuthorities(path, Date.now());
  Deno.removeSync(path);
  return new EchoPort({ objectionTo: (der) => authorities.objectionTo(der, Date.now() + aheadMs) });
}

/** Nothing that this client says is heard or answered, and it is named in a warning, alone. */
async function assertRefused(port: EchoPort, connecting: Promise<Deno.TlsConn>, warning: RegExp): Promise<void> {
  const [before, heard] = [port.warnings.length, port.heard];
  const talk = async () => {
    using client = await connecting;
    await client.write(HELLO);
    const count = await client.read(new Uint8Array(10));
    // The end is no answer.
    if (count === null) throw new Deno.errors.UnexpectedEof("nothing came back");
  };
  await assertRejects(talk);
  await port.allEnded();
  assertEquals(port.heard, heard);
  const warnings = port.warnings.slice(before);
  assertEquals(warnings.length, 1, warnings.join("\n"));
  assertMatch(warnings[0] ?? "", warning);
}

function pemOf(der: Uint8Array): string {
  return `-----BEGIN CERTIFICATE-----\n${Buffer.from(der).toString("base64")}\n-----END CERTIFICATE-----\n`;
}

function derOf({ certificate }: Pair): Uint8Array {
  return Buffer.from(certificate.replace(/-----.*-----|\s/g, ""), "base64");
}

testWith([SERVER_TLS], "who has a certificate of one of the CAs is let in, a node as well", async () => {
  const other = newAuthority(days(10, Date.now()));
  await using port = guarded([other.pair, ca]);
  const bob = other.authority.issueClient("bob", days(5, Date.now()));
  for (const pair of [alice, bob, authority.issueNode(7, ["db"], days(5, Date.now()))]) {
    using client = await port.connectAs(pair);
    assertEquals(await exchange(client, HELLO), HELLO);
  }
  assertEquals(port.warnings, []);
});

testWith(
  [SERVER_TLS],
  "who has none, one of another CA, or one that does not hold now, is told nothing and is named",
  async () => {
    const stranger = newAuthority(days(10, Date.now())).authority.issueClient("alice", days(5, Date.now()));
    const words = String
      .raw`subject CN=alice, issuer CN=KVStore CA of test \w+, names kvstore://test/client/alice, valid \S+ to \S+`;
    await using port = guarded([ca]);
    const refused = String.raw`^Refused 127\.0\.0\.1:\d+: it`;
    await assertRefused(
      port,
      port.connect("node-0"),
      new RegExp(`${refused} has sent no certificate, and --tls-client-ca`),
    );
    const unknown = String
      .raw`${refused}s certificate is no client's here: no CA of --tls-client-ca has signed it \(.*\)`;
    await assertRefused(
      port,
      port.connectAs(stranger),
      new RegExp(String.raw`${unknown} \(${words}, expires in 4 days\)$`),
    );
    await using late = guarded([ca], 7 * DAY);
    await assertRefused(
      late,
      late.connectAs(alice),
      new RegExp(String.raw`here: it has expired \(${words}, expired 2 days ago\)$`),
    );
    await using early = guarded([ca], -7 * DAY);
    await assertRefused(early, early.connectAs(alice), /here: its CA is not yet valid/);
  },
);

testWith(
  [SERVER_TLS],
  "a certificate is shown to a server that asks for it, by the name that is connected to",
  async () => {
    await using port = guarded([ca]);
    const endpoint = { hostname: "127.0.0.1", port: port.port };
    const trust = {
      caCerts: [ca.certificate],
      serverName: undefined,
      identity: { cert: alice.certificate, key: alice.key },
    };
    const connection = await dial(endpoint, { trust });
    assertEquals(await exchange(connection, HELLO), HELLO);
    connection.close();
    const refused = await assertRejects(() => dial({ ...endpoint, hostname: "localhost" }, { trust }), TlsError);
    assertEquals(refused.problem, "WrongName");
    const stranger = { ...trust, caCerts: [newAuthority(days(1, Date.now())).pair.certificate] };
    assertEquals((await assertRejects(() => dial(endpoint, { trust: stranger }), TlsError)).problem, "UnknownIssuer");
    await assertRejects(() => dial({ ...endpoint, port: 1 }, { trust }), Deno.errors.ConnectionRefused);
  },
);

/** A key that claims to belong to a certificate: programs compare only the public half that stands in its file. */
function forgedKey(certificate: string): string {
  const key = createPrivateKey(newAuthority(days(1, Date.now())).pair.key);
  const der = key.export({ type: "pkcs8", format: "der" });
  const point = (of: string | typeof key) => createPublicKey(of).export({ type: "spki", format: "der" }).subarray(-65);
  const at = der.indexOf(point(key));
  assert(at > 0);
  point(certificate).copy(der, at);
  return `-----BEGIN PRIVATE KEY-----\n${der.toString("base64")}\n-----END PRIVATE KEY-----\n`;
}

/** What the first answer is to a client of openssl with these flags; "" where it gets none. */
async function talkAs(port: number, flags: readonly string[]): Promise<string> {
  const signal = AbortSignal.timeout(TALK_MS);
  const args = ["s_client", "-quiet", ...flags, "-connect", `127.0.0.1:${port}`];
  const child = new Deno.Command("openssl", { args, signal, stdin: "piped", stdout: "piped", stderr: "null" }).spawn();
  const writer = child.stdin.getWriter();
  // It may have ended before.
  await writer.write(HELLO).catch(() => {});
  const reader = child.stdout.getReader();
  const { value } = await reader.read();
  await writer.close().catch(() => {});
  await reader.cancel();
  kill(child, "SIGKILL");
  await child.status;
  return new TextDecoder().decode(value);
}

testWith(
  [OPENSSL, SERVER_TLS],
  "the certificate of another, without its key, is worth nothing, in whatever form",
  () =>
    withDirectory(async (directory) => {
      await using port = guarded([ca]);
      const file = (name: string, text: string) => {
        Deno.writeTextFileSync(`${directory}/${name}`, text);
        return `${directory}/${name}`;
      };
      // Version 1, as openssl makes it where it is told no extensions: Deno 2.9.6 asks nobody for the key of such a one.
      const [caFile, caKey, key] = [
        file("ca.pem", ca.certificate),
        file("ca.key", ca.key),
        file("alice.key", alice.key),
      ];
      const [csr, first] = [`${directory}/a.csr`, `${directory}/v1.pem`];
      await openssl("req", "-new", "-key", key, "-subj", "/CN=alice", "-out", csr);
      await openssl(
        "x509",
        "-req",
        "-in",
        csr,
        "-CA",
        caFile,
        "-CAkey",
        caKey,
        "-days",
        "2",
        "-set_serial",
        "5",
        "-out",
        first,
      );
      const other = reworded(derOf(alice)).map(([how, der], at) => [how, file(`other-${at}.pem`, pemOf(der))] as const);
      const forged = file("forged.key", forgedKey(alice.certificate));
      const talk = (certificate: string, withKey: string, version: string) =>
        talkAs(port.port, ["-cert", certificate, "-key", withKey, version]);
      for (const version of ["-tls1_2", "-tls1_3"]) {
        assertEquals(await talk(file("alice.pem", alice.certificate), key, version), "hello");
        for (
          const [how, certificate] of [
            ["as it is", file("alice.pem", alice.certificate)],
            ["version 1", first],
            ...other,
          ]
        ) {
          assertEquals(await talk(certificate ?? "", forged, version), "", how);
        }
        // And with its key: what the runtime may not have looked at is refused, whoever comes.
        const asSent = other.find(([how]) => how === "a parameter of the algorithm")?.[1] ?? "";
        for (const certificate of [first, asSent]) assertEquals(await talk(certificate, key, version), "");
      }
      await port.allEnded();
      const [itself, ...rest] = new Set(
        port.warnings.map((line) => line.replace(/^.*?\d+:? /, "").replace(/ \(.*/, "")),
      );
      assertMatch(
        itself ?? "",
        /^failed: .*; this port speaks TLS 1\.2 and 1\.3, and asks for a certificate and its key$/,
      );
      assertEquals(rest, [
        "its certificate is no client's here: it is not version 3 in DER, and so the runtime may not have asked for its key",
      ]);
    }),
);
