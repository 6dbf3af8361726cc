/** A certificate for a server: what is wrong with it is said at the start, and what changes is taken when it is whole. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { createPublicKey } from "node:crypto";
import type { Pair } from "../../../lib/tls/authority.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { FILES_CHECK_MS, FilesWatch } from "../../../lib/tls/files_watch.ts";
import { loadPair, type PairPaths } from "../../../lib/tls/pair_files.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { OPENSSL, SERVER_TLS, testWith } from "../../support/needs.ts";
import { DAY, days, newAuthority, NOW, selfSigned, withDirectory } from "./support.ts";

function write(directory: string, { certificate, key }: Pair): PairPaths {
  const paths = { certificate: `${directory}/node.pem`, key: `${directory}/node.key` };
  Deno.writeTextFileSync(paths.certificate, certificate);
  Deno.writeTextFileSync(paths.key, key, { mode: 0o600 });
  return paths;
}

Deno.test("a pair that fits is read, and shown with subject, issuer, names and expiry", () =>
  withDirectory((directory) => {
    const { authority } = newAuthority();
    const pair = authority.issueNode(1, ["db-1", "10.0.0.1"], days(90));
    const loaded = loadPair(write(directory, pair), NOW);
    assertMatch(
      loaded.shown,
      /^subject CN=node-1, issuer CN=KVStore CA of test [0-9a-f]{8}, names db-1, node-1\.test\.kvstore\.internal, nodes\.test\.kvstore\.internal, 10\.0\.0\.1, kvstore:\/\/test\/1, valid 2026-11-29T11:00:00Z to 2027-02-27T12:00:00Z, expires in 89 days$/,
    );
  }));

Deno.test("what cannot be used is refused in a line that says why, and which certificate it is", () =>
  withDirectory((directory) => {
    const { authority, pair: ca } = newAuthority();
    const node = authority.issueNode(1, ["db-1"], days(90));
    const other = authority.issueNode(2, ["db-2"], days(90));
    const junk = node.certificate.replace("\n-----END", "\n!!!\n-----END");
    const cases: readonly (readonly [Pair, number, string])[] = [
      [{ ...node, key: other.key }, NOW, "node.key is not its key (subject CN=node-1, issuer CN=KVStore CA of test"],
      [node, NOW + 91 * DAY, "it is expired (subject CN=node-1, "],
      [node, NOW - DAY, "it is not yet valid (subject CN=node-1, "],
      [authority.issueClient("alice", days(90)), NOW, "it is not for a server (subject CN=alice, "],
      [{ ...node, certificate: "x" }, NOW, "node.pem: no certificate in it"],
      [{ ...node, key: "x" }, NOW, "node.key: not a private key in PEM without a password"],
      [{ certificate: ca.certificate, key: node.key }, NOW, "node.key is not its key"],
      [{ ...node, key: node.certificate }, NOW, "node.key: not a private key in PEM without a password"],
      [{ ...node, key: publicKeyOf(node.key) }, NOW, "node.key: not a private key in PEM without a password"],
      [{ ...node, certificate: `\ufeff${node.certificate}` }, NOW, "node.pem: a block in it is no certificate in PEM"],
      [{ ...node, certificate: junk }, NOW, "node.pem: a block in it is no certificate in PEM"],
      [{ ...node, key: `\ufeff${node.key}` }, NOW, "node.key: not a private key in PEM without a password"],
    ];
    for (const [pair, now, message] of cases) {
      const { message: line } = assertThrows(() => loadPair(write(directory, pair), now), CertificateError);
      assertStringIncludes(line, message);
      assertStringIncludes(line, "Cannot use ");
    }
    const paths = write(directory, node);
    Deno.chmodSync(paths.key, 0o644);
    assertThrows(() => loadPair(paths, NOW), CertificateError, "Everybody on this machine can read the key");
    assertThrows(() => loadPair({ ...paths, certificate: `${directory}/none` }, NOW), CertificateError, "Cannot read");
  }));

function publicKeyOf(key: string): string {
  return String(createPublicKey(key).export({ type: "spki", format: "pem" }));
}

for (
  const [kind, generate, why] of [
    ["secp256k1", ["ec", "-pkeyopt", "ec_paramgen_curve:secp256k1"], "its key is of the kind 1.3.132.0.10, and TLS"],
    ["Ed448", ["ed448"], "its key is of the kind 1.3.101.113, and TLS"],
    [
      "RSA-PSS",
      ["rsa-pss", "-pkeyopt", "rsa_keygen_bits:2048"],
      "its key is of the kind 1.2.840.113549.1.1.10, and TLS",
    ],
    ["RSA of 1024 bits", ["rsa:1024"], "key too small"],
    ["RSA", ["rsa:2048"], undefined],
    ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"], undefined],
    ["P-521", ["ec", "-pkeyopt", "ec_paramgen_curve:P-521"], undefined],
    ["Ed25519", ["ed25519"], undefined],
  ] as const
) {
  testWith(
    [OPENSSL, SERVER_TLS],
    `a key of the kind ${kind} is ${why === undefined ? "taken" : "refused in a line"}`,
    () =>
      withDirectory(async (directory) => {
        const paths = { certificate: `${directory}/node.pem`, key: `${directory}/node.key` };
        await selfSigned(paths, generate);
        if (why === undefined) return void loadPair(paths, Date.now());
        const { message } = assertThrows(() => loadPair(paths, Date.now()), CertificateError, why);
        assertMatch(message, /^Cannot use .*node\.pem: .*$/);
      }),
  );
}

/** A watch over a directory, with what it has said. */
function watchOver(paths: PairPaths) {
  const clock = new VirtualClock();
  const said: string[] = [];
  const watch = new FilesWatch({
    paths: [paths.certificate, paths.key],
    clock,
    load: () => loadPair(paths, NOW),
    changed: ({ shown }) => said.push(/CN=(\S+),/.exec(shown)?.[1] ?? ""),
    failed: (why) => said.push(why),
  });
  watch.start();
  const looks = (count: number) => {
    const until = clock.now() + count * FILES_CHECK_MS;
    return clock.until(() => clock.now() >= until, count * FILES_CHECK_MS, "the looks");
  };
  return { watch, said, looks };
}

Deno.test("new files are taken at the next look, and only when they have changed", () =>
  withDirectory(async (directory) => {
    const { authority } = newAuthority();
    const { watch, said, looks } = watchOver(write(directory, authority.issueNode(1, ["a"], days(90))));
    await looks(3);
    assertEquals(said, []);
    write(directory, authority.issueNode(2, ["a"], days(90)));
    await looks(3);
    assertEquals(said, ["node-2"]);
    write(directory, authority.issueNode(3, ["a"], days(90)));
    watch.check();
    assertEquals(said, ["node-2", "node-3"]);
    watch.stop();
    write(directory, authority.issueNode(4, ["a"], days(90)));
    await looks(0);
    assertEquals(said.length, 2);
  }));

Deno.test("files that are replaced one after the other are taken when both fit; what stays wrong is said once", () =>
  withDirectory(async (directory) => {
    const { authority } = newAuthority();
    const paths = write(directory, authority.issueNode(1, ["a"], days(90)));
    const { said, looks, watch } = watchOver(paths);
    const next = authority.issueNode(2, ["a"], days(90));
    Deno.writeTextFileSync(paths.certificate, next.certificate);
    watch.check();
    assertEquals(said, []);
    Deno.writeTextFileSync(paths.key, next.key);
    watch.check();
    assertEquals(said, ["node-2"]);
    Deno.writeTextFileSync(paths.certificate, "half");
    await looks(5);
    assertEquals(said.length, 2);
    assertStringIncludes(said[1] ?? "", "no certificate in it");
    Deno.removeSync(paths.certificate);
    await looks(5);
    assertEquals(said.length, 3);
    write(directory, authority.issueNode(3, ["a"], days(90)));
    await looks(2);
    assertEquals(said[3], "node-3");
  }));
