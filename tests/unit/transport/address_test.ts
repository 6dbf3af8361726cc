import { assertEquals } from "@std/assert";
import { parseAddress } from "../../../lib/transport/address.ts";

Deno.test("addresses are host:port and nothing else", () => {
  assertEquals(parseAddress("127.0.0.1:5000"), { hostname: "127.0.0.1", port: 5_000 });
  assertEquals(parseAddress("example.org:1"), { hostname: "example.org", port: 1 });
  assertEquals(parseAddress("[::1]:65535"), { hostname: "::1", port: 65_535 });
  const wrong = [
    "",
    ":",
    ":5000",
    "host",
    "host:",
    "host:0",
    "host:65536",
    "host:+1",
    "host:1e3",
    "host: 1",
    "::1:5000",
  ];
  for (const address of [...wrong, "[host]:5", "[]:5", "a:b:5"]) {
    assertEquals(parseAddress(address), undefined, address);
  }
});
