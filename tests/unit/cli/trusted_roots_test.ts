/** Which CAs a process believes that was told to believe none but those it is given. */

import { assertEquals } from "@std/assert";
import { days, newAuthority, withDirectory } from "../tls/support.ts";

const ROOT = new URL("../../../", import.meta.url);
/** Dials the port that it is given, believing the CA in a file, and says what became of it. */
const PROGRAM = `
import { dial } from "${new URL("lib/base/dial.ts", ROOT)}";
import { PROCESS_SURROUNDINGS } from "${new URL("lib/cli/surroundings.ts", ROOT)}";
const [port = "", ca = ""] = Deno.args;
PROCESS_SURROUNDINGS.trustRoots("None");
const trust = { caCerts: [Deno.readTextFileSync(ca)], serverName: undefined };
const dialed = await dial({ hostname: "127.0.0.1", port: Number(port) }, { trust }).catch((error) => error);
if (!(dialed instanceof Error)) dialed.close();
PROCESS_SURROUNDINGS.out(dialed instanceof Error ? dialed.problem : "believed");
`;

/** What a process says that believes the CA of a file alone, whatever its environment says. */
async function verdict(port: number, { ca, env }: { readonly ca: string; readonly env: Record<string, string> }) {
  const program = `${ca}.ts`;
  Deno.writeTextFileSync(program, PROGRAM);
  const config = new URL("deno.json", ROOT).pathname;
  const args = ["run", "-A", "--no-check", "--no-lock", "--config", config, program, String(port), ca];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args, env }).output();
  return new TextDecoder().decode(stdout) || new TextDecoder().decode(stderr);
}

Deno.test("a CA that the environment names is not believed where none but those that are given are", () =>
  withDirectory(async (directory) => {
    const { authority, pair } = newAuthority(days(10, Date.now()));
    const { certificate: cert, key } = authority.issueNode(0, ["127.0.0.1"], days(5, Date.now()));
    const [own, other] = [`${directory}/own.pem`, `${directory}/other.pem`];
    Deno.writeTextFileSync(own, pair.certificate);
    Deno.writeTextFileSync(other, newAuthority(days(10, Date.now())).pair.certificate);
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert, key });
    const serving = (async () => {
      for (let each = 0; each < 4; each++) {
        using conn = await listener.accept();
        await conn.handshake().catch(() => {}); // The client says what it thinks of it.
      }
    })();
    const { port } = listener.addr as Deno.NetAddr;
    assertEquals(await verdict(port, { ca: own, env: {} }), "believed");
    for (const name of ["DENO_CERT", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"]) {
      assertEquals(await verdict(port, { ca: other, env: { [name]: own } }), "UnknownIssuer", name);
    }
    await serving;
    listener.close();
  }));
