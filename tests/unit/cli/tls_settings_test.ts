/** The flags of TLS for clients: what they come to, and which do not fit together. */

import { assertEquals, assertThrows } from "@std/assert";
import { serverOptions, wantedPorts } from "../../../lib/cli/server_settings.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { settingsOf } from "./support.ts";

const PAIR = ["--tls-cert", "a.pem", "--tls-key", "a.key"];

function optionsOf(...args: string[]) {
  return serverOptions(settingsOf(...args), () => {});
}

Deno.test("without flags of TLS there is none", () => {
  assertEquals(optionsOf().tls, undefined);
});

Deno.test("ports for TLS are beside the plain ones, or the same", () => {
  const paths = { certificate: "a.pem", key: "a.key" };
  const beside = optionsOf(...PAIR, "--tls-port", "6380", "--http-tls-port", "8443");
  assertEquals(beside.tls, { paths, clientPort: 6_380, httpPort: 8_443, ca: undefined });
  assertEquals(wantedPorts(beside).map(({ port, flag }) => `${flag} ${port}`), [
    ...["--port 5000", "--peer-port 15000", "--http-port 8000", "--tls-port 6380", "--http-tls-port 8443"],
  ]);
  const instead = optionsOf(...PAIR, "--tls-port", "5000", "--http-tls-port", "8000", "--tls-ca", "ca.pem");
  assertEquals(instead.tls, { paths, clientPort: 5_000, httpPort: 8_000, ca: "ca.pem" });
  assertEquals(wantedPorts(instead).map(({ port }) => port), [5_000, 15_000, 8_000]);
  assertEquals(optionsOf(...PAIR, "--http-tls-port", "8443").tls?.clientPort, undefined);
  assertEquals(optionsOf("--tls-ca", "ca.pem").tls, undefined, "which may be set for all commands");
});

Deno.test("CAs of clients go with a port for TLS", () => {
  const { tls } = optionsOf(...PAIR, "--tls-port", "6380", "--tls-client-ca", "ca.pem");
  assertEquals([tls?.clientAuthorities, tls?.clientPort, tls?.clientUser], ["ca.pem", 6_380, undefined]);
  const users = optionsOf(...PAIR, "--tls-port", "6380", "--tls-client-ca", "ca.pem", "--tls-client-user", "uri");
  assertEquals(users.tls?.clientUser, "uri");
});

Deno.test("half of what TLS needs, and ports that are something else already, are refused", () => {
  const cases: readonly (readonly [readonly string[], string])[] = [
    [["--tls-port", "6380"], "TLS needs --tls-cert and --tls-key; kvstore tls init makes both"],
    [["--tls-cert", "a.pem", "--tls-port", "6380"], "TLS needs --tls-cert and --tls-key"],
    [["--tls-key", "a.key", "--http-tls-port", "6380"], "TLS needs --tls-cert and --tls-key"],
    [PAIR, "give --tls-port, --http-tls-port or both"],
    [["--tls-client-ca", "ca.pem"], "TLS needs --tls-cert and --tls-key"],
    [[...PAIR, "--tls-client-ca", "ca.pem"], "give --tls-port, --http-tls-port or both"],
    [[...PAIR, "--tls-port", "6380", "--tls-client-user", "cn"], "--tls-client-user needs --tls-client-ca"],
    [
      [...PAIR, "--tls-client-user", "ou"],
      '--tls-client-user must be cn, dns or uri, not "ou"; the nearest valid one is cn',
    ],
    [[...PAIR, "--tls-port", "15000"], "--tls-port 15000 is another port of this node already"],
    [[...PAIR, "--tls-port", "8000"], "--tls-port 8000 is another port"],
    [[...PAIR, "--http-tls-port", "5000"], "--http-tls-port 5000 is another port"],
    [[...PAIR, "--http-tls-port", "15000"], "--http-tls-port 15000 is another port"],
    [[...PAIR, "--tls-port", "6380", "--http-tls-port", "6380"], "--http-tls-port 6380 is another port"],
  ];
  for (const [args, message] of cases) assertThrows(() => optionsOf(...args), UsageError, message);
});
