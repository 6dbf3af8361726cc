/** The flags by which commands speak TLS with a cluster. */

import { assertEquals, assertThrows } from "@std/assert";
import { AdminConnection } from "../../../lib/cli/admin_connection.ts";
import { splitArguments } from "../../../lib/cli/arguments.ts";
import { clientTrust } from "../../../lib/cli/client_tls.ts";
import { settle } from "../../../lib/cli/settings.ts";
import { readConnectList } from "../../../lib/cli/shell/connections.ts";
import { UsageError } from "../../../lib/cli/usage_error.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import { DAY, days, newAuthority, withDirectory } from "../tls/support.ts";
import { fakeSurroundings } from "./support.ts";

const { pair: ca } = newAuthority();

function trustOf(args: readonly string[], environment: Readonly<Record<string, string>> = {}) {
  const surroundings = fakeSurroundings(environment);
  const settings = settle(splitArguments(["cli", ...args]).flags, surroundings);
  return { trust: clientTrust({ settings, surroundings }), roots: surroundings.roots() };
}

Deno.test("a CA that is given is the only one, without one those of the system are; each means TLS", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/ca.pem`;
    await Deno.writeTextFile(path, ca.certificate);
    const caCerts = [ca.certificate];
    assertEquals(trustOf([]), { trust: undefined, roots: undefined });
    assertEquals(trustOf(["--tls"]), { trust: { caCerts: [], serverName: undefined }, roots: "System" });
    assertEquals(trustOf(["--tls-ca", path]), { trust: { caCerts, serverName: undefined }, roots: "None" });
    assertEquals(trustOf(["--tls", "--tls-ca", path, "--tls-server-name", "db.example.com"]), {
      trust: { caCerts, serverName: "db.example.com" },
      roots: "None",
    });
    const environment = { KVSTORE_TLS_CA: path };
    assertEquals(trustOf([], environment), { trust: { caCerts, serverName: undefined }, roots: "None" });
    assertEquals(trustOf(["--tls=false"], environment), { trust: undefined, roots: undefined });
  }));

Deno.test("a certificate to be shown goes with its key and with TLS, and must be good for a client now", () =>
  withDirectory(async (directory) => {
    const { authority } = newAuthority(days(10, Date.now()));
    const write = async (name: string, { certificate, key }: Pair) => {
      const [cert, keyFile] = [`${directory}/${name}.pem`, `${directory}/${name}.key`];
      await Deno.writeTextFile(cert, certificate);
      await Deno.writeTextFile(keyFile, key, { mode: 0o600 });
      return ["--tls-client-cert", cert, "--tls-client-key", keyFile];
    };
    const pair = authority.issueClient("alice", days(5, Date.now()));
    const alice = await write("alice", pair);
    const identity = { cert: pair.certificate, key: pair.key };
    assertEquals(trustOf(["--tls", ...alice]).trust, { caCerts: [], serverName: undefined, identity });
    assertThrows(() => trustOf(alice), UsageError, "--tls-client-cert goes with --tls or --tls-ca");
    for (const half of [alice.slice(0, 2), alice.slice(2)]) {
      assertThrows(() => trustOf(["--tls", ...half]), UsageError, "--tls-client-cert and --tls-client-key go together");
    }
    const named = ["--tls", "--tls-server-name", "db", ...alice];
    assertThrows(() => trustOf(named), UsageError, "--tls-server-name does not go with --tls-client-cert");
    const other = await write("bob", authority.issueClient("bob", days(5, Date.now())));
    const mixed = ["--tls", ...alice.slice(0, 2), ...other.slice(2)];
    assertThrows(() => trustOf(mixed), CertificateError, "bob.key is not its key (subject CN=alice");
    const old = newAuthority(days(2, Date.now() - 5 * DAY));
    const late = await write("late", old.authority.issueClient("late", days(1, Date.now() - 5 * DAY)));
    assertThrows(() => trustOf(["--tls", ...late]), CertificateError, "it is expired (subject CN=late");
    Deno.chmodSync(alice[3] ?? "", 0o644);
    assertThrows(() => trustOf(["--tls", ...alice]), CertificateError, "Everybody on this machine can read the key");
  }));

Deno.test("flags of TLS that cannot be meant are refused in one line", () =>
  withDirectory(async (directory) => {
    assertThrows(() => trustOf(["--tls-server-name", "db"]), UsageError, "goes with --tls or --tls-ca");
    assertThrows(() => trustOf(["--tls", "--tls-server-name", "no name"]), CertificateError, "neither a host name");
    assertThrows(() => trustOf(["--tls-ca", `${directory}/ca.pem`]), CertificateError, "Cannot read");
    await Deno.writeTextFile(`${directory}/ca.pem`, "nothing");
    assertThrows(
      () => trustOf(["--tls-ca", `${directory}/ca.pem`]),
      CertificateError,
      `Cannot use ${directory}/ca.pem: no certificate in it`,
    );
  }));

Deno.test("what was refused for the lack of TLS was certainly not heard", () =>
  withDirectory(async (directory) => {
    const path = `${directory}/ca.pem`;
    await Deno.writeTextFile(path, ca.certificate);
    using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const served = (async () => {
      using connection = await listener.accept();
      await connection.write(new TextEncoder().encode("HTTP/1.1 400 Bad Request\r\n\r\n"));
      while (await connection.read(new Uint8Array(1_024)).catch(() => null) !== null);
    })();
    const admin = new AdminConnection({
      settings: settle(splitArguments(["leader", "--tls-ca", path]).flags, fakeSurroundings()),
      surroundings: fakeSurroundings(),
    });
    const address = `127.0.0.1:${listener.addr.port}`;
    assertEquals(await admin.askNode(address, { method: "POST", path: "/v1/cluster/leader" }), "NotSeen");
    await served;
  }));

Deno.test("certificates are for names as they are typed", () => {
  assertEquals(readConnectList("localhost:1", { keepsNames: true }), [{ hostname: "localhost", port: 1 }]);
  assertEquals(readConnectList("localhost:1"), [{ hostname: "127.0.0.1", port: 1 }]);
});
