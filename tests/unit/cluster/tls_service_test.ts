/** TLS of a server whose files are replaced, also by such that cannot be used. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { openTls } from "../../../lib/cluster/tls_service.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { OPENSSL, SERVER_TLS, testWith } from "../../support/needs.ts";
import { days, newAuthority, selfSigned, withDirectory } from "../tls/support.ts";

testWith(
  [OPENSSL, SERVER_TLS],
  "a certificate that TLS does not take is said once, and the one of before is served",
  () =>
    withDirectory(async (directory) => {
      const { authority, pair: ca } = newAuthority(days(10, Date.now()));
      const paths = { certificate: `${directory}/node.pem`, key: `${directory}/node.key` };
      const { certificate, key } = authority.issueNode(0, ["node-0"], days(5, Date.now()));
      await Deno.writeTextFile(paths.certificate, certificate);
      await Deno.writeTextFile(paths.key, key, { mode: 0o600 });
      const warnings: string[] = [];
      const log = (level: string, message: string) => level === "warn" && warnings.push(message);
      const service = openTls({ paths, clientPort: 1, httpPort: undefined }, {
        clock: new SystemClock(),
        log,
        plain: [2],
      });
      await selfSigned(paths, ["rsa:1024"]);
      for (let each = 0; each < 3; each++) service.reload();
      service.stop();
      assertEquals(warnings.length, 1, warnings.join("\n"));
      assertStringIncludes(warnings[0] ?? "", "stays the one of before: Cannot use ");
      using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
      const tcp = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
      const plain = { warn: (message: string) => warnings.push(message), reply: () => new Uint8Array() };
      const server = service.clients?.tls.upgrade(await listener.accept(), plain);
      const reading = server?.read(new Uint8Array(1));
      using client = await Deno.startTls(tcp, { hostname: "node-0", caCerts: [ca.certificate] });
      await client.write(Uint8Array.of(1));
      assertEquals(await reading, 1);
      server?.close();
      assertEquals(await client.read(new Uint8Array(1)), null);
    }),
);

testWith(
  [SERVER_TLS],
  "the CAs of clients are replaced as the pair is, and it is told which ports they do not guard",
  () =>
    withDirectory(async (directory) => {
      const [mine, other] = [newAuthority(days(10, Date.now())), newAuthority(days(10, Date.now()))];
      const paths = { certificate: `${directory}/node.pem`, key: `${directory}/node.key` };
      const { certificate, key } = mine.authority.issueNode(0, ["localhost"], days(5, Date.now()));
      const clientAuthorities = `${directory}/clients.pem`;
      await Deno.writeTextFile(paths.certificate, certificate);
      await Deno.writeTextFile(paths.key, key, { mode: 0o600 });
      await Deno.writeTextFile(clientAuthorities, mine.pair.certificate);
      const said: string[] = [];
      const log = (level: string, message: string) => void said.push(`${level}: ${message}`);
      const options = { paths, clientAuthorities, clientPort: 1, httpPort: undefined };
      const service = openTls(options, { clock: new SystemClock(), log, plain: [1, 2] });
      assertMatch(
        said.shift() ?? "",
        /^info: TLS for clients on port 1: subject CN=node-0, .*; for clients with a certificate of CN=KVStore CA of test \w+ \(expires in 9 days\)$/,
      );
      assertEquals(said.splice(0), [
        "warn: --tls-client-ca holds for TLS alone: on port 2 clients need neither TLS nor a certificate",
      ]);
      const talk = async (by: typeof mine.authority) => {
        using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
        const { port } = listener.addr;
        const { certificate: cert, key } = by.issueClient("alice", days(5, Date.now()));
        const connecting = Deno.connectTls({
          hostname: "localhost",
          port,
          caCerts: [mine.pair.certificate],
          cert,
          key,
        });
        const told = { warn: () => {}, reply: () => new Uint8Array() };
        const server = service.clients?.tls.upgrade(await listener.accept(), told);
        const reading = server?.read(new Uint8Array(1)).catch((error: Error) => error.message);
        using client = await connecting;
        await client.write(Uint8Array.of(1)).catch(() => {});
        const result = await reading;
        server?.close();
        return result;
      };
      assertEquals(await talk(mine.authority), 1);
      assertStringIncludes(`${await talk(other.authority)}`, "no CA of --tls-client-ca has signed it");
      await Deno.writeTextFile(clientAuthorities, mine.pair.certificate + other.pair.certificate);
      service.reload();
      assertMatch(
        said.splice(0).join(),
        /^info: A new certificate for clients, for connections from now on: .*; CN=KVStore CA of test/,
      );
      assertEquals([await talk(mine.authority), await talk(other.authority)], [1, 1]);
      // Members are shown what is served at that time, if it is for a client.
      assertEquals(service.members.identity, { cert: certificate, key });
      const next = mine.authority.issueNode(0, ["localhost"], days(5, Date.now()));
      await Deno.writeTextFile(paths.certificate, next.certificate);
      await Deno.writeTextFile(paths.key, next.key);
      service.reload();
      assertEquals([said.splice(0).length, service.members.identity?.cert], [1, next.certificate]);
      await Deno.writeTextFile(clientAuthorities, certificate);
      for (let each = 0; each < 3; each++) service.reload();
      service.stop();
      assertEquals(said.length, 1, said.join("\n"));
      assertStringIncludes(
        said[0] ?? "",
        `stays the one of before: Cannot use ${clientAuthorities}: a certificate in it is not of a CA`,
      );
      assertEquals([await talk(mine.authority), await talk(other.authority)], [1, 1]);
    }),
);

Deno.test("a runtime that cannot ask clients for certificates says so in one line, before it looks at anything", () => {
  const paths = { certificate: "a.pem", key: "a.key" };
  const options = { paths, clientAuthorities: "ca.pem", clientPort: 1, httpPort: undefined };
  for (const denoVersion of ["2.4.2", "2.7.14"]) {
    const parts = { clock: new SystemClock(), log: () => {}, plain: [], denoVersion };
    const why = `TLS for clients needs a runtime of Deno 2.8 or later, and this is ${denoVersion}`;
    assertThrows(() => openTls(options, parts), CertificateError, why);
  }
});
