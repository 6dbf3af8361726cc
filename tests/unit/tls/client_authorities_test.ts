/** Whose certificate lets a client in, and in which words that of another is refused. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import type { Pair } from "../../../lib/tls/authority.ts";
import { CLIENT_AUTHORITIES_MAX, ClientAuthorities } from "../../../lib/tls/client_authorities.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { OPENSSL, testWith } from "../../support/needs.ts";
import { reworded } from "./reworded.ts";
import { DAY, days, newAuthority, NOW, openssl, withDirectory } from "./support.ts";

const MINE = newAuthority();
const OTHER = newAuthority();
const [NOW_BEFORE, NOW_AFTER] = [NOW - 5 * DAY, NOW + 5 * DAY];

/** The CAs of a file with these. */
function trusting(...pairs: readonly Pair[]): ClientAuthorities {
  const path = Deno.makeTempFileSync();
  Deno.writeTextFileSync(path, pairs.map(({ certificate }) => certificate).join(""));
  try {
    return new ClientAuthorities(path, NOW);
  } finally {
    Deno.removeSync(path);
  }
}

function derOf({ certificate }: Pick<Pair, "certificate">): Uint8Array {
  return Buffer.from(certificate.replace(/-----.*-----|\s/g, ""), "base64");
}

Deno.test("a client that a CA has signed is let in, also where there are several CAs, and so is a node", () => {
  const client = MINE.authority.issueClient("alice", days(30));
  for (const pairs of [[MINE.pair], [OTHER.pair, MINE.pair], [MINE.pair, OTHER.pair]]) {
    assertEquals(trusting(...pairs).objectionTo(derOf(client), NOW), undefined);
  }
  // Whoever has the key of a node can do more than a client.
  assertEquals(trusting(MINE.pair).objectionTo(derOf(MINE.authority.issueNode(0, ["db"], days(30))), NOW), undefined);
  const both = trusting(MINE.pair, OTHER.pair);
  assertMatch(both.shown, /^CN=KVStore CA of test \w+ \(expires in 3649 days\); CN=KVStore CA of test \w+ \(expires/);
  assertEquals(both.objectionTo(derOf(OTHER.authority.issueClient("bob", days(30))), NOW), undefined);
});

Deno.test("a client without a certificate, of another CA, expired, not yet valid, or of no client is refused in words", () => {
  const authorities = trusting(MINE.pair);
  const shown = "subject CN=alice, issuer CN=KVStore CA of test [0-9a-f]{8}, names kvstore://test/client/alice, " +
    "valid 20\\S+Z to 20\\S+Z, ";
  const alice = MINE.authority.issueClient("alice", days(1));
  const stranger = OTHER.authority.issueClient("alice", days(30));
  const cases: readonly (readonly [Uint8Array, number, string])[] = [
    [
      derOf(stranger),
      NOW,
      `no CA of --tls-client-ca has signed it \\(CN=KVStore CA of test \\w+\\) \\(${shown}expires in`,
    ],
    [derOf(alice), NOW_AFTER, `it has expired \\(${shown}expired 4 days ago\\)`],
    [derOf(alice), NOW_BEFORE, "its CA is not yet valid"],
    [derOf(MINE.pair), NOW, "it is of a CA \\(subject CN=KVStore CA of test"],
  ];
  for (const [der, now, reason] of cases) {
    assertMatch(
      authorities.objectionTo(der, now) ?? "",
      new RegExp(`^its certificate is no client's here: ${reason}`),
      reason,
    );
  }
  const late = MINE.authority.issueClient("alice", days(30, NOW_AFTER));
  assertMatch(
    authorities.objectionTo(derOf(late), NOW) ?? "",
    new RegExp(`it is not yet valid \\(${shown}not yet valid, begins in`),
  );
  const none = "it has sent no certificate, and --tls-client-ca asks for one";
  for (const nothing of [undefined, new Uint8Array()]) assertEquals(authorities.objectionTo(nothing, NOW), none);
  for (const damaged of [Uint8Array.of(1), derOf(alice).subarray(0, 100), new Uint8Array(50)]) {
    assertStringIncludes(
      authorities.objectionTo(damaged, NOW) ?? "",
      "its certificate cannot be read: not a certificate",
    );
  }
});

Deno.test("a CA that has expired lets nobody in, however long the client's certificate holds", () => {
  const old = newAuthority(days(10));
  const client = old.authority.issueClient("alice", days(10));
  const authorities = trusting(old.pair);
  assertMatch(
    authorities.objectionTo(derOf(client), NOW + 20 * DAY) ?? "",
    /here: its CA has expired \(subject CN=alice/,
  );
});

Deno.test("who only claims the name of the CA has not its signature, and a changed byte is noticed", () => {
  const authorities = trusting(MINE.pair);
  const der = derOf(MINE.authority.issueClient("alice", days(30)));
  let refused = 0;
  for (let at = 0; at < der.length; at++) {
    const changed = der.map((byte, index) => index === at ? byte ^ 1 : byte);
    if (authorities.objectionTo(changed, NOW) !== undefined) refused++;
  }
  assertEquals(refused, der.length);
});

Deno.test("the same certificate in other words, which anybody can choose, is refused: runtimes read it in another way", () => {
  const authorities = trusting(MINE.pair);
  const der = derOf(MINE.authority.issueClient("alice", days(30)));
  for (const [how, other] of reworded(der)) {
    const objection = authorities.objectionTo(other, NOW) ?? "let in";
    assertMatch(objection, /it is not version 3 in DER|cannot be read/, how);
  }
});

testWith(
  [OPENSSL],
  "certificates of version 1 are refused, those of openssl with a purpose of their own are judged by it",
  () =>
    withDirectory(async (directory) => {
      const [ca, key, csr] = ["ca.pem", "ca.key", "a.csr"].map((name) => `${directory}/${name}`);
      const made = newAuthority(days(10, Date.now())).pair;
      Deno.writeTextFileSync(`${ca}`, made.certificate);
      Deno.writeTextFileSync(`${key}`, made.key);
      const own = ["-newkey", "rsa:2048", "-nodes", "-keyout", `${directory}/a.key`, "-subj", "/CN=a"];
      await openssl("req", "-new", ...own, "-out", `${csr}`);
      const judge = async (extensions: string | undefined) => {
        const [out, file] = [`${directory}/a.pem`, `${directory}/a.cnf`];
        Deno.writeTextFileSync(file, extensions ?? "");
        const more = extensions === undefined ? [] : ["-extfile", file];
        const { success, text } = await openssl(
          ...["x509", "-req", "-in", `${csr}`, "-CA", `${ca}`, "-CAkey", `${key}`, "-days", "2", "-set_serial", "9"],
          ...[...more, "-out", out],
        );
        assertEquals(success, true, text);
        return new ClientAuthorities(`${ca}`, Date.now()).objectionTo(
          derOf({ certificate: Deno.readTextFileSync(out) }),
          Date.now(),
        );
      };
      assertMatch(await judge(undefined) ?? "", /it is not version 3 in DER/);
      assertEquals(await judge("basicConstraints=CA:FALSE"), undefined);
      assertEquals(await judge("extendedKeyUsage=clientAuth"), undefined);
      assertMatch(await judge("extendedKeyUsage=serverAuth") ?? "", /it is not for a client \(subject CN=a, /);
    }),
);

Deno.test("a file that is none of CAs, has too many, or none that holds, is refused with its name", () => {
  const path = Deno.makeTempFileSync();
  const refused = (text: string, message: string) => {
    Deno.writeTextFileSync(path, text);
    const error = assertThrows(() => new ClientAuthorities(path, NOW), CertificateError);
    assertStringIncludes(error.message, `Cannot use ${path}: ${message}`);
  };
  const { certificate } = MINE.pair;
  refused("", "no certificate in it");
  refused(
    MINE.authority.issueClient("alice", days(3)).certificate,
    "a certificate in it is not of a CA (subject CN=alice)",
  );
  refused(certificate + MINE.authority.issueNode(0, ["db"], days(3)).certificate, "a certificate in it is not of a CA");
  refused(certificate.repeat(CLIENT_AUTHORITIES_MAX + 1), "it has 33 certificates, and may have 32");
  refused(newAuthority(days(2, NOW - 9 * DAY)).pair.certificate, "no CA in it holds now: CN=KVStore CA of test");
  Deno.writeTextFileSync(path, certificate.repeat(CLIENT_AUTHORITIES_MAX));
  assertEquals(
    new ClientAuthorities(path, NOW).objectionTo(derOf(MINE.authority.issueClient("a", days(1))), NOW),
    undefined,
  );
  Deno.removeSync(path);
  assertThrows(() => new ClientAuthorities(path, NOW), CertificateError, `Cannot read ${path}`);
});
