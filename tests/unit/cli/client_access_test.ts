import { assertEquals, assertMatch } from "@std/assert";
import { warnOfClients } from "../../../lib/cli/client_access.ts";
import { serverOptions } from "../../../lib/cli/server_settings.ts";
import { isLoopback } from "../../../lib/cli/peers.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { fakeSurroundings, settingsOf } from "./support.ts";

const PEERS = ["--peer-tls-cert", "a.pem", "--peer-tls-key", "a.key", "--peer-tls-ca", "ca.pem"];
const WIDE = ["--host", "10.0.0.1", ...PEERS];
const TLS = ["--tls-cert", "a.pem", "--tls-key", "a.key"];
const ASKED = [...TLS, "--tls-client-ca", "ca.pem"];

Deno.test("what becomes of clients without users, by address and flags", () => {
  const cases: [args: string[], withoutUsers: string, warning: RegExp | undefined][] = [
    [[], "ServeEverybody", undefined],
    [["--host", "localhost"], "ServeEverybody", undefined],
    [["--join", "5000"], "ServeEverybody", undefined],
    [WIDE, "DoNotStart", undefined],
    [["--host", "0.0.0.0", ...PEERS], "DoNotStart", undefined],
    [["--host", "127.0.0.1.example.com", ...PEERS], "DoNotStart", undefined],
    [[...WIDE, "--insecure-peers"], "DoNotStart", undefined],
    [[...WIDE, "--insecure-clients"], "ServeEverybody", /^Whoever reaches 10\.0\.0\.1 may do everything: .*--insecure/],
    [[...WIDE, "--insecure"], "ServeEverybody", /^Whoever reaches/],
    [[...WIDE, "--join", "10.0.0.2:5000"], "ServeNobody", /^Clients are refused until .*kvstore user add/],
    [[...WIDE, "--new-identity"], "ServeNobody", /^Clients are refused until/],
    [[...WIDE, "--join", "10.0.0.2:5000", "--insecure-clients"], "ServeEverybody", /^Whoever reaches/],
    // TLS hides what is said; it does not tell who says it.
    [[...WIDE, ...TLS, "--tls-port", "5000", "--http-tls-port", "8000"], "DoNotStart", undefined],
    [[...WIDE, ...ASKED, "--tls-port", "5000", "--http-tls-port", "8000"], "ServeEverybody", undefined],
    // A plain port is left.
    [[...WIDE, ...ASKED, "--tls-port", "5000"], "DoNotStart", undefined],
    [[...WIDE, ...ASKED, "--tls-port", "5000", "--http-tls-port", "8001"], "DoNotStart", undefined],
    [[...WIDE, ...ASKED, "--http-tls-port", "8000"], "DoNotStart", undefined],
    [[...WIDE, ...ASKED, "--tls-port", "6380", "--http-tls-port", "8000"], "DoNotStart", undefined],
  ];
  for (const [args, withoutUsers, warning] of cases) {
    const options = serverOptions(settingsOf(...args), () => {});
    assertEquals(options.withoutUsers, withoutUsers, args.join(" "));
    const said = withoutUsers === "DoNotStart" ? undefined : warnOfClients(options);
    if (warning === undefined) assertEquals(said, undefined, args.join(" "));
    else assertMatch(said ?? "", warning);
  }
});

Deno.test("with a first user nobody is served before, wherever the node listens, and nothing is warned of", () => {
  const surroundings = fakeSurroundings({ KVSTORE_BOOTSTRAP_USER: "root:correct-horse" });
  for (const host of ["127.0.0.1", "10.0.0.1"]) {
    const flags = { "peer-tls-cert": "a.pem", "peer-tls-key": "a.key", "peer-tls-ca": "ca.pem" };
    const entries = Object.entries({ ...flags, host }) as [keyof typeof flags, string][];
    const options = serverOptions(settle(new Map(entries), surroundings), () => {});
    assertEquals([options.withoutUsers, warnOfClients(options)], ["ServeNobody", undefined]);
  }
});

Deno.test("a name that begins like a loopback address is none", () => {
  for (const host of ["127.0.0.1", "127.1.2.3", "localhost", "LocalHost", "::1"]) assertEquals(isLoopback(host), true);
  for (const host of ["127.0.0.1.example.com", "127.example.com", "0.0.0.0", "::", "10.0.0.1", "db"]) {
    assertEquals(isLoopback(host), false, host);
  }
});
