/** The certificates of a local cluster: made once, kept, renewed in time. */

import { assertEquals, assertNotEquals, assertThrows } from "@std/assert";
import {
  certificateOf,
  ensureCertificates,
  LOCAL_CA_DAYS,
  LOCAL_NODE_DAYS,
  LOCAL_RENEWAL_DAYS,
} from "../../../lib/cluster/local_certificates.ts";
import type { Certificate } from "../../../lib/tls/certificate.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { loadPair } from "../../../lib/tls/pair_files.ts";
import { DAY, days, newAuthority, NOW, only, withDirectory } from "../tls/support.ts";

const IDS = [0, 1, 2];
const CA_FILES = ["tls/ca.pem", "tls/ca.key"];

function ensure(directory: string, { ids = IDS, host, now = NOW }: {
  readonly ids?: readonly number[];
  readonly host?: string;
  readonly now?: number;
} = {}): void {
  ensureCertificates(directory, { ids, host, clusterName: undefined, now });
}

function read(directory: string, name: string): string {
  return Deno.readTextFileSync(`${directory}/tls/${name}`);
}

function certificate(directory: string, name: string): Certificate {
  return only(read(directory, `${name}.pem`));
}

Deno.test("a first start makes a CA and a pair for each node, with keys for their owner alone", () =>
  withDirectory((directory) => {
    ensure(directory);
    const names = ["ca", "node-0", "node-1", "node-2"].flatMap((name) => [`${name}.key`, `${name}.pem`]);
    assertEquals([...Deno.readDirSync(`${directory}/tls`)].map(({ name }) => name).sort(), names);
    const modes = ["", "/ca.key", "/node-1.key"].map((name) =>
      (Deno.statSync(`${directory}/tls${name}`).mode ?? 0) & 0o777
    );
    assertEquals(modes, [0o700, 0o600, 0o600]);
    for (const id of IDS) loadPair(certificateOf(directory, id), NOW);
    assertEquals(certificate(directory, "node-1").names, {
      dns: ["localhost", "node-1.kvstore.kvstore.internal", "nodes.kvstore.kvstore.internal"],
      ip: ["127.0.0.1", "::1"],
      uri: ["kvstore://kvstore/1"],
    });
  }));

Deno.test("later starts keep them, add what new nodes need, and renew what holds for less than half a year", () =>
  withDirectory((directory) => {
    ensure(directory);
    const all = () => [...Deno.readDirSync(`${directory}/tls`)].map(({ name }) => [name, read(directory, name)]);
    const before = all();
    const still = NOW + (LOCAL_NODE_DAYS - LOCAL_RENEWAL_DAYS) * DAY - 1_000;
    ensure(directory, { now: still });
    assertEquals(all(), before);
    ensure(directory, { ids: [...IDS, 3], now: still });
    assertEquals(certificate(directory, "node-3").issuer, certificate(directory, "ca").subject);
    const later = still + 2_000;
    const key = read(directory, "node-0.key");
    ensure(directory, { now: later });
    assertEquals(certificate(directory, "node-0").notAfter, Math.floor(later / 1_000) * 1_000 + LOCAL_NODE_DAYS * DAY);
    assertEquals([read(directory, "node-0.key"), read(directory, "ca.pem")], [
      key,
      before.find(([name]) => name === "ca.pem")?.[1],
    ]);
  }));

Deno.test("a CA that soon expires is renewed under its key: what it has signed goes on to hold", () =>
  withDirectory((directory) => {
    ensure(directory);
    const [before, key] = [certificate(directory, "ca"), read(directory, "ca.key")];
    const late = NOW + (LOCAL_CA_DAYS - 1) * DAY;
    ensure(directory, { now: late });
    const after = certificate(directory, "ca");
    assertEquals([after.subject, after.keyDer, read(directory, "ca.key")], [before.subject, before.keyDer, key]);
    assertEquals(after.notAfter > before.notAfter, true);
    loadPair(certificateOf(directory, 0), late);
  }));

Deno.test("another host or another CA means other certificates; a CA that cannot be used is left as it is", () =>
  withDirectory((directory) => {
    ensure(directory);
    const first = read(directory, "node-0.pem");
    ensure(directory, { host: "db-0.example.com" });
    const second = read(directory, "node-0.pem");
    assertEquals(only(second).names.dns.slice(0, 2), ["db-0.example.com", "localhost"]);
    ensure(directory, { host: "127.0.0.1" });
    assertEquals(read(directory, "node-0.pem"), second, "which has that name too");
    assertNotEquals(first, second);
    const { pair } = newAuthority(days(LOCAL_CA_DAYS));
    for (const [at, text] of [pair.certificate, pair.key].entries()) {
      Deno.writeTextFileSync(`${directory}/${CA_FILES[at]}`, text);
    }
    ensure(directory);
    assertEquals(certificate(directory, "node-0").issuer, only(pair.certificate).subject);
    Deno.chmodSync(`${directory}/tls/ca.key`, 0o644);
    assertThrows(() => ensure(directory), CertificateError, "Everybody on this machine can read the key");
    assertEquals(read(directory, "ca.key"), pair.key);
  }));

Deno.test("a pair of which only the key was written before the end is made anew", () =>
  withDirectory((directory) => {
    ensure(directory);
    const { certificate: path, key } = certificateOf(directory, 1);
    const before = [certificate(directory, "ca"), certificate(directory, "node-0")];
    // As after a start for another host that ended between the two files, and the next one for the first host.
    Deno.writeTextFileSync(key, read(directory, "node-0.key"), { mode: 0o600 });
    assertThrows(() => loadPair({ certificate: path, key }, NOW), CertificateError, "is not its key");
    ensure(directory);
    loadPair({ certificate: path, key }, NOW);
    assertEquals([certificate(directory, "ca"), certificate(directory, "node-0")], before);
  }));
