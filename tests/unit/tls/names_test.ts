import { assertEquals, assertThrows } from "@std/assert";
import { CertificateError } from "../../../lib/tls/errors.ts";
import * as names from "../../../lib/tls/names.ts";

Deno.test("names and addresses are told apart, each kept once", () => {
  const given = ["Node-0.example.com", "10.0.0.1", "*.example.com", "fd00::1", "localhost", "10.0.0.1", "db"];
  assertEquals(names.machineNames(given), {
    dns: ["node-0.example.com", "*.example.com", "localhost", "db"],
    ip: ["10.0.0.1", "fd00::1"],
    uri: [],
  });
});

Deno.test("what is neither a host name nor an address is refused, and more names than a certificate takes", () => {
  for (
    const bad of ["", "-a", "a..b", "a b", "host:5000", "10.0.0.256", "1.2.3", "a_b", "*.*.com", "x".repeat(64), "é"]
  ) {
    assertThrows(() => names.machineNames([bad]), CertificateError, "neither a host name nor an address");
  }
  const many = Array.from({ length: names.CERTIFICATE_NAMES_MAX + 1 }, (_, at) => `n${at}`);
  assertEquals(names.machineNames(many.slice(1)).dns.length, names.CERTIFICATE_NAMES_MAX);
  assertThrows(() => names.machineNames(many), CertificateError, "up to 32 names, not 33");
});

Deno.test("addresses are the same after a way through their bytes", () => {
  const cases: readonly (readonly [string, string, number])[] = [
    ["127.0.0.1", "127.0.0.1", 4],
    ["::1", "::1", 16],
    ["::", "::", 16],
    ["fd00::1:2", "fd00::1:2", 16],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1", 16],
    ["1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8", 16],
    ["fe80::", "fe80::", 16],
    ["::ffff:10.0.0.1", "::ffff:a00:1", 16],
  ];
  for (const [address, shown, length] of cases) {
    const bytes = names.addressBytes(address);
    assertEquals([names.showAddressBytes(bytes), bytes.length], [shown, length], address);
  }
  assertThrows(() => names.showAddressBytes(new Uint8Array(5)), CertificateError);
});

Deno.test("no client is called as a node is, whatever its name", () => {
  assertEquals(names.nodeUri("shop", 0), "kvstore://shop/0");
  assertEquals(names.clientUri("shop", "0"), "kvstore://shop/client/0");
  assertEquals(names.clusterOf({ dns: [], ip: [], uri: ["https://a", names.clusterUri("shop")] }), "shop");
  for (const uri of [names.nodeUri("shop", 0), names.clientUri("shop", "a"), "http://shop"]) {
    assertEquals(names.clusterOf({ dns: [], ip: [], uri: [uri] }), undefined, uri);
  }
});

Deno.test("no two nodes and no two clusters have the same host name, and none is a name of the Internet", () => {
  const hosts = ["shop", "node-1.shop", "nodes", "a_b"].flatMap((cluster) => [
    names.clusterHost(cluster),
    names.nodeHost(cluster, 0),
    names.nodeHost(cluster, 10),
  ]);
  assertEquals(new Set(hosts).size, hosts.length);
  for (const host of hosts) assertEquals(host.endsWith(".kvstore.internal"), true, host);
  const of = (...uri: string[]) => names.nodeOf({ dns: [], ip: [], uri });
  assertEquals(of("https://a", "kvstore://shop/10"), { cluster: "shop", id: 10 });
  for (
    const uri of [
      "kvstore://shop",
      "kvstore://shop/01",
      "kvstore://shop/client/1",
      "xkvstore://shop/1",
      "kvstore://shop/1/",
    ]
  ) {
    assertEquals(of(uri), undefined, uri);
  }
  assertEquals(of("kvstore://shop/1", "kvstore://shop/2"), undefined);
});

Deno.test("names of clusters and clients hold nothing that means something elsewhere", () => {
  for (const good of ["a", "prod.eu-1", "A_b"]) {
    assertEquals([names.clusterName(good), names.clientName(good)], [good, good]);
  }
  for (const bad of ["a..b", "a.", "a-", "a.-b", "a_"]) {
    assertThrows(() => names.clusterName(bad), CertificateError, "The name of a cluster");
  }
  for (const bad of ["", "a/b", "../x", ".x", "a b", "a,b", "a\n", "ü"]) {
    assertThrows(() => names.clusterName(bad), CertificateError, "The name of a cluster");
    assertThrows(() => names.clientName(bad), CertificateError, "The name of a client");
  }
  assertThrows(() => names.clusterName("x".repeat(41)), CertificateError, "up to 40");
  assertThrows(() => names.clientName("x".repeat(65)), CertificateError, "up to 64");
});
