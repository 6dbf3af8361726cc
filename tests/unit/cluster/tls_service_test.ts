/** TLS of a server whose certificate is replaced by one that cannot be used. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { openTls } from "../../../lib/cluster/tls_service.ts";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
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
      const service = openTls({ paths, clientPort: 1, httpPort: undefined }, { clock: new SystemClock(), log });
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
