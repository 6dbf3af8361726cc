/** Certificates of a node for its peers: whose they may be at the start, and when the files change. */

import { assertEquals, assertMatch, assertStringIncludes, assertThrows } from "@std/assert";
import { certifiedId, openPeerTls, PeerTls } from "../../../lib/cluster/peer_tls.ts";
import { CertificateError } from "../../../lib/tls/errors.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { PeerFiles } from "../../support/peer_files.ts";
import { withDirectory } from "../tls/support.ts";

Deno.test("a node starts with its own certificate, says what it is, and starts with that of no other", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const paths = files.write("node", files.issue(3));
    const said: string[] = [];
    const parts = { clock: new VirtualClock(), log: (level: string, line: string) => said.push(`${level} ${line}`) };
    assertEquals([certifiedId(paths), openPeerTls(paths, { ...parts, nodeId: 3 }).nodeId], [3, 3]);
    assertMatch(
      said.join(),
      /^info TLS with other nodes: subject CN=node-3, issuer CN=KVStore CA of test .*, expires in 29 days$/,
    );
    const { message } = assertThrows(() => openPeerTls(paths, { ...parts, nodeId: 2 }), CertificateError);
    assertMatch(message, /^Cannot use .*node\.pem: it is of node 3, and this is node 2 \(subject CN=node-3, .*\)$/);
  }));

Deno.test("files that change are taken when they are still of this node, and what is wrong with others is said once", () =>
  withDirectory((directory) => {
    const files = new PeerFiles(directory);
    const bank = new PeerFiles(directory, { cluster: "bank", name: "bank" });
    const paths = files.write("node", files.issue(3));
    const said: string[] = [];
    const log = (level: string, line: string) => said.push(`${level} ${line}`);
    const tls = new PeerTls(paths, { clock: new VirtualClock(), log });
    const before = tls.shown();
    files.write("node", files.issue(4));
    for (let each = 0; each < 3; each++) tls.reload();
    assertEquals([tls.nodeId, tls.shown(), said.length], [3, before, 1]);
    assertStringIncludes(
      said[0] ?? "",
      "warn The certificate and the CAs for peers stay those of before: it is of node 4",
    );
    bank.write("node", bank.issue(3), files.trust(bank));
    for (let each = 0; each < 3; each++) tls.reload();
    assertEquals([tls.shown(), said.length], [before, 2]);
    assertStringIncludes(said[1] ?? "", "it is of node 3 of cluster bank, and this is node 3 of cluster test");
    files.write("node", files.issue(3, 7));
    tls.reload();
    assertMatch(
      said[2] ?? "",
      /^info A new certificate or CA for peers, for connections from now on: .* expires in 6 days$/,
    );
    assertMatch(tls.shown(), /expires in 6 days$/);
  }));
