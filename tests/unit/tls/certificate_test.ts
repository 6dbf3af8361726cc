/** Certificates of others, and bytes that are none. */

import { assert, assertEquals, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { readCertificate, readCertificates } from "../../../lib/tls/certificate.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { OPENSSL, testWith } from "../../support/needs.ts";
import { days, newAuthority, openssl, withDirectory } from "./support.ts";

testWith(
  [OPENSSL],
  "certificates that openssl made are read: RSA, several parts of a subject, names of all kinds",
  () =>
    withDirectory(async (directory) => {
      const [key, pem] = [`${directory}/key`, `${directory}/pem`];
      const names =
        "subjectAltName=DNS:a.example.com,IP:10.0.0.1,IP:fd00::1,URI:https://example.com/x,email:a@example.com";
      const { success, text } = await openssl(
        ...["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", pem, "-days", "30000"],
        ...["-subj", "/C=DE/O=Müller/CN=a.example.com", "-utf8", "-addext", names],
        ...["-addext", "extendedKeyUsage=serverAuth,codeSigning"],
      );
      assert(success, text);
      const [certificate] = readCertificates(Deno.readTextFileSync(pem));
      assertEquals(certificate?.subject, "C=DE, O=Müller, CN=a.example.com");
      assertEquals(certificate?.names, {
        dns: ["a.example.com"],
        ip: ["10.0.0.1", "fd00::1"],
        uri: ["https://example.com/x"],
      });
      assertEquals([certificate?.purposes, certificate?.keyKind], [["server", "1.3.6.1.5.5.7.3.3"], "RSA"]);
      const shown = await openssl(
        "x509",
        "-in",
        pem,
        "-noout",
        "-fingerprint",
        "-sha256",
        "-enddate",
        "-dateopt",
        "iso_8601",
      );
      const fingerprint = /Fingerprint=(.*)/.exec(shown.text)?.[1]?.replaceAll(":", "").toLowerCase();
      assertEquals(certificate?.fingerprint, fingerprint);
      const end = /notAfter=(.*)/.exec(shown.text)?.[1]?.replace(" ", "T");
      assertEquals(certificate?.notAfter, Date.parse(end ?? ""));
    }),
);

Deno.test("all certificates of a file are read, whatever stands between them", () => {
  const { authority, pair } = newAuthority();
  const leaf = authority.issueNode(0, ["a"], days(1)).certificate;
  const read = readCertificates(`a comment\r\n${leaf.replaceAll("\n", "\r\n")}\n\nanother\n${pair.certificate}`);
  assertEquals(read.map(({ subject }) => subject), ["CN=node-0", authority.certificate.subject]);
});

Deno.test("texts without a certificate are refused in a line that says so", () => {
  assertThrows(() => readCertificates(""), CertificateError, "no certificate in it");
  assertThrows(() => readCertificates(newAuthority().pair.key), CertificateError, "no certificate in it");
  assertThrows(() => readCertificates("x".repeat(2 ** 20 + 1)), CertificateError, "not a file of certificates");
  const empty = "-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----";
  assertThrows(() => readCertificates(empty), CertificateError, "something is missing");
});

Deno.test("a certificate with any bit flipped, or cut anywhere, is read or refused, and never anything else", () => {
  const pem = newAuthority().authority.issueNode(0, ["a", "10.0.0.1"], days(1)).certificate;
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");
  const read = (bytes: Uint8Array) => {
    try {
      return readCertificate(bytes).subject;
    } catch (error) {
      assert(error instanceof CertificateError, String(error));
      return undefined;
    }
  };
  let refused = 0;
  for (let bit = 0; bit < der.length * 8; bit++) {
    const damaged = Uint8Array.from(der);
    damaged[bit >> 3] = (damaged[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    if (read(damaged) === undefined) refused++;
  }
  assert(refused > der.length, `${refused} of ${der.length * 8}`);
  for (let length = 0; length < der.length; length++) assertEquals(read(der.subarray(0, length)), undefined);
});

Deno.test("a subject cannot move the cursor of a terminal", () => {
  const { authority } = newAuthority();
  const pem = authority.issueNode(0, ["a"], days(1)).certificate;
  const der = Buffer.from(pem.replace(/-----[A-Z ]+-----/g, ""), "base64");
  const at = der.indexOf("node-0");
  der[at] = 0x1b;
  der[at + 1] = 0x0a;
  assertEquals(readCertificate(der).subject, "CN=??de-0");
});
