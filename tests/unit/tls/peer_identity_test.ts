/** Who passes for a node by a certificate, and who does not; and which files a node takes for its own. */

import { assert, assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, sign } from "node:crypto";
import type { Pair } from "../../../lib/tls/authority.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import type { Names } from "../../../lib/tls/names.ts";
import { OID } from "../../../lib/tls/object_ids.ts";
import { PeerIdentity, type PeerPaths, type Signed } from "../../../lib/tls/peer_identity.ts";
import { OPENSSL, testWith } from "../../support/needs.ts";
import { nodeNames, PeerFiles } from "../../support/peer_files.ts";
import { DAY, only, openssl, withDirectory } from "./support.ts";

const PARTS: readonly string[] = ["dialer", "challenge", "said"];

/** What somebody with this pair signs who says that he is `who`. */
function signedBy({ certificate, key }: Pair, who: string, parts = PARTS): Signed {
  const said = Buffer.from(JSON.stringify(["kvstore peer certificate 1", who, ...parts]));
  return {
    certificate: Buffer.from(only(certificate).der).toString("base64"),
    signature: sign("sha256", said, createPrivateKey(key)).toString("base64"),
  };
}

function identityOf(paths: PeerPaths): PeerIdentity {
  return new PeerIdentity(paths, Date.now());
}

Deno.test("a node of the cluster passes for itself, by what it has signed here and now", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const [one, two] = [1, 2].map((id) => identityOf(files.write(`node-${id}`, files.issue(id))));
    assert(one !== undefined && two !== undefined);
    assertEquals(one.judge(two.sign(PARTS), { parts: PARTS, now: Date.now() }), { nodeId: 2 });
    assertEquals(one.judge(signedBy(files.issue(7), "kvstore://test/7"), { parts: PARTS, now: Date.now() }), {
      nodeId: 7,
    });
    // Each part counts, and so does the place of each.
    for (const parts of [["acceptor", "challenge", "said"], ["dialer", "said", "challenge"], ["dialer", "challenge"]]) {
      const { objection } = one.judge(two.sign(PARTS), { parts, now: Date.now() }) as { objection: string };
      assertStringIncludes(objection, "what was signed with it is not what was said here and now (subject CN=node-2, ");
    }
  }));

Deno.test("who is no node of this cluster is refused, in a line with subject, issuer, names and expiry", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const other = new PeerFiles(directory, { name: "other" });
    const own = identityOf(files.write("node-0", files.issue(0)));
    const odd = (names: Partial<Names>, more = {}) =>
      files.issueOdd({ names: { dns: [], ip: [], uri: [], ...names }, ...more });
    const node = nodeNames(2);
    const client = files.authority.issueClient("2", { days: 30, now: Date.now() });
    const now = Date.now();
    const cases: readonly (readonly [Pair, string, string])[] = [
      [other.issue(2), "kvstore://test/2", "no CA of --peer-tls-ca has signed it (CN=KVStore CA of test "],
      [client, "kvstore://test/client/2", "it is of a client, not of a node"],
      [odd({ uri: ["kvstore://test/2", "kvstore://test/client/a"] }), "kvstore://test/2", "it is of a client"],
      [odd({ uri: ["kvstore://bank/2"] }), "kvstore://bank/2", "it is of cluster bank, this node of test"],
      [odd({ dns: ["localhost"] }), "kvstore://test/2", "it names no node, as kvstore://CLUSTER/ID does"],
      [odd({ uri: ["kvstore://test/2", "kvstore://test/3"] }), "kvstore://test/2", "it names no node"],
      [odd({ uri: ["kvstore://test/02"] }), "kvstore://test/02", "it names no node"],
      [
        files.issueOdd({ names: node, notAfter: now - DAY, notBefore: now - 2 * DAY }),
        "kvstore://test/2",
        "it has expired",
      ],
      [
        files.issueOdd({ names: node, notBefore: now + DAY, notAfter: now + 2 * DAY }),
        "kvstore://test/2",
        "is not yet valid",
      ],
      [files.issueOdd({ names: node, purposes: [OID.serverAuth] }), "kvstore://test/2", "it is not for a client"],
      [files.issueOdd({ names: node, purposes: [OID.clientAuth] }), "kvstore://test/2", "it is not for a server"],
      [files.pair, "kvstore://test", "it is of a CA, not of a node"],
      [{ ...files.issue(2), key: files.issue(2).key }, "kvstore://test/2", "what was signed with it is not what was"],
      [files.issue(2), "kvstore://test/3", "what was signed with it is not what was said here and now"],
    ];
    for (const [pair, who, why] of cases) {
      const judged = own.judge(signedBy(pair, who), { parts: PARTS, now });
      assert("objection" in judged, why);
      assertStringIncludes(judged.objection, `its certificate does not fit: `);
      assertStringIncludes(judged.objection, why);
      assertMatch(judged.objection, /\(subject CN=.*, issuer CN=.*, names .*, valid .* to .*, .*\)$/);
    }
    // The CA itself has its time.
    const later = own.judge(signedBy(files.issue(2), "kvstore://test/2"), { parts: PARTS, now: now + 3_700 * DAY });
    assert("objection" in later && later.objection.includes("its CA has expired"), JSON.stringify(later));
  }));

Deno.test("what is no certificate or no signature is refused, and throws nothing", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const own = identityOf(files.write("node-0", files.issue(0)));
    const { certificate, signature } = own.sign(PARTS);
    for (const bad of ["", "AAAA", certificate.slice(0, 400), "MIIB".repeat(1_000)]) {
      assert("objection" in own.judge({ certificate: bad, signature }, { parts: PARTS, now: Date.now() }), bad);
      assert("objection" in own.judge({ certificate, signature: bad }, { parts: PARTS, now: Date.now() }), bad);
    }
  }));

Deno.test("each of several CAs counts, so that one can take the place of another", () =>
  withDirectory((directory) => {
    const [old, next] = [new PeerFiles(directory, { name: "old" }), new PeerFiles(directory, { name: "next" })];
    const both = identityOf(old.write("node-0", old.issue(0), old.trust(next)));
    for (const { issue } of [old, next].map((files) => ({ issue: files.issue(1) }))) {
      const judged = both.judge(signedBy(issue, "kvstore://test/1"), { parts: PARTS, now: Date.now() });
      assertEquals(judged, { nodeId: 1 });
    }
  }));

Deno.test("what cannot be a node's own certificate ends its start in a line", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const other = new PeerFiles(directory, { name: "other" });
    const pair = files.issue(0);
    const client = files.authority.issueClient("a", { days: 1, now: Date.now() });
    const noHost = files.issueOdd({ names: { dns: ["localhost"], ip: [], uri: ["kvstore://test/0"] } });
    const large = files.issueOdd({
      names: { ...nodeNames(0), ip: Array.from({ length: 800 }, (_, at) => `10.0.${at >> 8}.${at & 255}`) },
    });
    const cases: readonly (readonly [PeerPaths, string])[] = [
      [files.write("a", { ...pair, key: files.issue(0).key }), "a.key is not its key"],
      [files.write("b", other.issue(0)), "no CA of --peer-tls-ca has signed it (CN=KVStore CA of test"],
      [files.write("c", client), "it is of a client, not of a node"],
      [files.write("d", noHost), "the name node-0.test.kvstore.internal is not in it"],
      [files.write("e", large), "bytes, and one of a node up to 4096"],
      [files.write("f", pair, files.write("node", pair).certificate), "a certificate in it is not of a CA"],
      [{ ...files.write("g", pair), authorities: `${directory}/none` }, "Cannot read"],
    ];
    for (const [paths, why] of cases) {
      const { message } = assertThrows(() => identityOf(paths), CertificateError, why);
      assertEquals(message.split("\n").length, 1);
    }
    const own = files.write("h", pair);
    const expired = assertThrows(() => new PeerIdentity(own, Date.now() + 31 * DAY), CertificateError);
    assertMatch(
      expired.message,
      /^Cannot use .*h\.pem: it has expired \(subject CN=node-0, issuer .*expired 24 hours ago\)$/,
    );
    Deno.chmodSync(own.key, 0o644);
    assertThrows(() => identityOf(own), CertificateError, "Everybody on this machine can read the key");
  }));

for (
  const [kind, algorithm] of [["RSA", ["rsa:2048"]], ["P-384", ["ec", "-pkeyopt", "ec_paramgen_curve:P-384"]]] as const
) {
  testWith(
    [OPENSSL],
    `a CA and nodes of your own with keys of the kind ${kind} are taken`,
    () =>
      withDirectory(async (directory) => {
        const make = async (name: string, more: readonly string[]) => {
          const files = ["-keyout", `${directory}/${name}.key`, "-out", `${directory}/${name}.pem`];
          const made = await openssl(
            "req",
            "-x509",
            "-nodes",
            "-days",
            "10",
            "-newkey",
            ...algorithm,
            ...files,
            ...more,
          );
          assert(made.success, made.text);
          Deno.chmodSync(`${directory}/${name}.key`, 0o600);
        };
        await make("ca", ["-subj", "/CN=own", "-addext", "basicConstraints=critical,CA:TRUE"]);
        const { dns, uri } = nodeNames(0);
        const names = [...dns.map((name) => `DNS:${name}`), ...uri.map((name) => `URI:${name}`)].join(",");
        const leaf = ["-subj", "/CN=n0", "-addext", "basicConstraints=critical,CA:FALSE"];
        const by = ["-CA", `${directory}/ca.pem`, "-CAkey", `${directory}/ca.key`];
        await make("node", [...by, ...leaf, "-addext", `subjectAltName=${names}`]);
        const [certificate, key, authorities] = ["node.pem", "node.key", "ca.pem"].map((name) =>
          `${directory}/${name}`
        );
        assert(certificate !== undefined && key !== undefined && authorities !== undefined);
        const own = identityOf({ certificate, key, authorities });
        assertEquals(own.judge(own.sign(PARTS), { parts: PARTS, now: Date.now() }), { nodeId: 0 });
      }),
  );
}
