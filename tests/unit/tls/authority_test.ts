/** Who gets which names, purposes and dates, and what a CA refuses to sign. */

import { assert, assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import { Authority, CLOCK_SKEW_MS } from "../../../lib/tls/authority.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { fitsKey } from "../../../lib/tls/key.ts";
import { DAY, days, newAuthority, NOW, only } from "./support.ts";

Deno.test("a node is server and client, by its machine's names and its own", () => {
  const { authority } = newAuthority();
  const { certificate, key } = authority.issueNode(2, ["db-2.example.com", "10.0.0.2"], days(365));
  const node = only(certificate);
  const inCluster = ["node-2.test.kvstore.internal", "nodes.test.kvstore.internal"];
  assertEquals(node.names, {
    dns: ["db-2.example.com", ...inCluster],
    ip: ["10.0.0.2"],
    uri: ["kvstore://test/2"],
  });
  assertEquals([node.subject, node.purposes, node.isAuthority, node.keyKind], [
    "CN=node-2",
    ["server", "client"],
    false,
    "P-256",
  ]);
  assertEquals(node.issuerDer, authority.certificate.subjectDer);
  assert(fitsKey(node, key));
});

Deno.test("a client is no server, and has no name that a node or a machine has", () => {
  const { authority } = newAuthority();
  const client = only(authority.issueClient("0", days(365)).certificate);
  assertEquals([client.purposes, client.names], [["client"], { dns: [], ip: [], uri: ["kvstore://test/client/0"] }]);
});

Deno.test("certificates hold from an hour before they are made on, to the second", () => {
  const { authority } = newAuthority();
  const { notBefore, notAfter } = only(authority.issueClient("a", days(10)).certificate);
  const now = NOW - 123;
  assertEquals([notBefore, notAfter], [now - CLOCK_SKEW_MS, now + 10 * DAY]);
});

Deno.test("nothing outlives its CA", () => {
  const { authority } = newAuthority(days(100));
  const { notAfter } = authority.certificate;
  assertEquals(only(authority.issueClient("a", days(99)).certificate).notAfter, notAfter - DAY);
  assertEquals(only(authority.issueClient("a", days(365)).certificate).notAfter, notAfter);
  assertEquals(only(authority.issueNode(0, ["a"], days(365)).certificate).notAfter, notAfter);
});

Deno.test("a CA that has expired, or does not hold yet, signs nothing, and says what to do", () => {
  const { authority } = newAuthority(days(100));
  const later = days(1, NOW + 101 * DAY);
  assertThrows(
    () => authority.issueNode(0, ["a"], later),
    CertificateError,
    "has expired (2027-03-09T12:00:00.000Z): renew",
  );
  const earlier = days(1, NOW - 2 * CLOCK_SKEW_MS);
  assertThrows(
    () => authority.issueClient("a", earlier),
    CertificateError,
    "and the clock here says 2026-11-29T10:00:00",
  );
});

Deno.test("what is renewed has new dates and another serial, and keeps key, names, purposes and issuer", () => {
  const { authority } = newAuthority();
  const before = only(authority.issueNode(0, ["db-0", "10.0.0.1"], days(30)).certificate);
  const after = only(authority.renew(before, days(30, NOW + 29 * DAY)));
  const kept = ({ keyDer, names, purposes, subjectDer, issuerDer, keyId }: typeof before) => [
    keyDer,
    names,
    purposes,
    subjectDer,
    issuerDer,
    keyId,
  ];
  assertEquals(kept(after), kept(before));
  assertNotEquals(after.serial, before.serial);
  assertEquals(after.notAfter - before.notAfter, 29 * DAY);
});

Deno.test("a CA renews itself under its name and key, also when it has expired", () => {
  const { authority, pair } = newAuthority(days(10));
  const later = NOW + 20 * DAY;
  const renewed = authority.renew(authority.certificate, days(3_650, later));
  const next = new Authority({ certificate: renewed, key: pair.key });
  assertEquals([next.certificate.keyDer, next.certificate.subjectDer, next.cluster], [
    authority.certificate.keyDer,
    authority.certificate.subjectDer,
    "test",
  ]);
  assert(next.certificate.isAuthority);
  const leaf = only(authority.issueNode(0, ["a"], days(5)).certificate);
  assertEquals(only(next.renew(leaf, days(365, later))).keyDer, leaf.keyDer);
});

Deno.test("a CA renews what it has signed itself and nothing else", () => {
  const { authority } = newAuthority();
  const stranger = only(newAuthority().authority.issueNode(0, ["a"], days(365)).certificate);
  assertThrows(() => authority.renew(stranger, days(1)), CertificateError, "it was not signed by this CA");
  // Of the same issuer by name, with a signature of another key.
  const forged = { ...stranger, issuerDer: authority.certificate.subjectDer };
  assertThrows(() => authority.renew(forged, days(1)), CertificateError, "it was not signed by this CA");
});

Deno.test("a CA is a CA of a cluster, with its own key", () => {
  const { authority, pair } = newAuthority();
  const leaf = authority.issueNode(0, ["a"], days(1));
  assertThrows(() => new Authority(leaf), CertificateError, "it is not the CA of a cluster");
  assertThrows(
    () => new Authority({ ...pair, key: leaf.key }),
    CertificateError,
    "its key is that of another certificate",
  );
  assertThrows(() => new Authority({ ...pair, key: "x" }), CertificateError, "not a private key in PEM");
});
