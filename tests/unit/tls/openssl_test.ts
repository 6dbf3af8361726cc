/** What openssl says about our certificates, as strictly as it can be asked. */

import { assert, assertEquals } from "@std/assert";
import { OPENSSL, testWith } from "../../support/needs.ts";
import { DAY, days, newAuthority, only, openssl, withDirectory } from "./support.ts";

/** Whether a certificate (PEM) of that CA (PEM) is good for a purpose, by the clock of now. */
async function verifies(
  directory: string,
  { ca, leaf, purpose, more = [] }: { ca: string; leaf: string; purpose: string; more?: readonly string[] },
): Promise<boolean> {
  await Deno.writeTextFile(`${directory}/ca`, ca);
  await Deno.writeTextFile(`${directory}/leaf`, leaf);
  const trust = ["-no-CAfile", "-no-CApath", "-CAfile", `${directory}/ca`];
  const { success } = await openssl(
    "verify",
    "-x509_strict",
    ...trust,
    "-purpose",
    purpose,
    ...more,
    `${directory}/leaf`,
  );
  return success;
}

testWith(
  [OPENSSL],
  "openssl verify -x509_strict accepts a node as server and client by each of its names, a client as client only",
  () =>
    withDirectory(async (directory) => {
      const now = Date.now();
      const { authority, pair } = newAuthority(days(3_650, now));
      const node = authority.issueNode(0, ["db-0.example.com", "10.0.0.1", "fd00::1"], days(365, now)).certificate;
      const client = authority.issueClient("alice", days(365, now)).certificate;
      const ask = (leaf: string, purpose: string, more: readonly string[] = []) =>
        verifies(directory, { ca: pair.certificate, leaf, purpose, more });
      const said: readonly (readonly [string, boolean, Promise<boolean> | boolean])[] = [
        ["node as server", true, await ask(node, "sslserver")],
        ["node as client", true, await ask(node, "sslclient")],
        ["client as client", true, await ask(client, "sslclient")],
        ["client as server", false, await ask(client, "sslserver")],
        ["by name", true, await ask(node, "sslserver", ["-verify_hostname", "db-0.example.com"])],
        ["by another name", false, await ask(node, "sslserver", ["-verify_hostname", "db-1.example.com"])],
        ["by address", true, await ask(node, "sslserver", ["-verify_ip", "10.0.0.1"])],
        ["by address of version 6", true, await ask(node, "sslserver", ["-verify_ip", "fd00::1"])],
        ["by another address", false, await ask(node, "sslserver", ["-verify_ip", "10.0.0.2"])],
        ["the CA itself", true, await ask(pair.certificate, "any")],
        ["of another CA", false, await ask(newAuthority(days(1, now)).pair.certificate, "any")],
      ];
      for (const [what, expected, found] of said) assertEquals(found, expected, what);
    }),
);

testWith(
  [OPENSSL],
  "openssl refuses what has expired, and accepts it renewed, by the old CA and by the renewed one",
  () =>
    withDirectory(async (directory) => {
      const made = Date.now() - 20 * DAY;
      const { authority, pair } = newAuthority(days(3_650, made));
      const old = authority.issueNode(0, ["a"], days(10, made)).certificate;
      const purpose = "sslserver";
      assertEquals(await verifies(directory, { ca: pair.certificate, leaf: old, purpose }), false);
      const leaf = authority.renew(only(old), days(10, Date.now()));
      assert(await verifies(directory, { ca: pair.certificate, leaf, purpose }));
      const ca = authority.renew(authority.certificate, days(3_650, Date.now()));
      assert(await verifies(directory, { ca, leaf, purpose }));
    }),
);
