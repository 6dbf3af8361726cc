/** TLS between nodes: those with certificates of one CA connect, everybody else is refused in a line that says why. */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Buffer } from "node:buffer";
import { createPrivateKey, sign } from "node:crypto";
import { bytesToString } from "../../../lib/base/bytes.ts";
import type { Pair } from "../../../lib/tls/authority.ts";
import type { Names } from "../../../lib/tls/names.ts";
import type { Evidence, PeerSecurity } from "../../../lib/transport/security.ts";
import { nodeNames, type PeerFiles } from "../../support/peer_files.ts";
import { until } from "../../support/wait.ts";
import { DAY, only } from "../tls/support.ts";
import { appendEntries, join, type NodeOptions, numbered, type TestNode, withNodes } from "./support.ts";
import { type Attempt, type Certified, proofFor, refusalOf, secureDial, withCertificates } from "./tls_support.ts";

/** Runs with two nodes that have certificates, by default their own. */
async function withPair(
  body: (zero: TestNode, one: TestNode, certified: Certified) => Promise<void>,
  optionsOf: (certified: Certified) => readonly [NodeOptions, NodeOptions] = () => [{}, {}],
): Promise<void> {
  await withCertificates(async (certified) => {
    const options = optionsOf(certified).map((each, id) => ({ security: certified.security(id), secret: "", ...each }));
    await withNodes(options, (zero, one) => {
      assert(zero !== undefined && one !== undefined);
      return body(zero, one, certified);
    });
  });
}

async function problemOf(node: TestNode, other: number): Promise<string> {
  await until(() => node.peer(other).problem !== undefined, `node ${node.id} knows why it does not reach ${other}`);
  return node.peer(other).problem ?? "";
}

async function logged(node: TestNode, pattern: RegExp): Promise<void> {
  await until(() => node.log.some((line) => pattern.test(line)), `node ${node.id} logs ${pattern}`);
}

/** Evidence of somebody with this pair who says that he is `who`. */
function evidenceBy({ certificate, key }: Pair, who: string): (parts: readonly string[]) => Evidence {
  return (parts) => ({
    certificate: Buffer.from(only(certificate).der).toString("base64"),
    signature: sign("sha256", Buffer.from(JSON.stringify(["kvstore peer certificate 1", who, ...parts])), {
      key: createPrivateKey(key),
    }).toString("base64"),
  });
}

Deno.test("nodes with certificates connect without a secret and with the same secret, the runtimes old or new", async () => {
  const ways = [["", Deno.version.deno], ["a secret that both have", Deno.version.deno], ["", "2.4.2"]] as const;
  for (const [secret, denoVersion] of ways) {
    await withPair(async (zero, one) => {
      await join(zero, one);
      zero.post(numbered(1));
      one.post(numbered(2, { from: 1, to: 0 }));
      await until(() => one.recorder.messages.length === 1 && zero.recorder.messages.length === 1, "both have arrived");
      assertEquals([one.recorder.messages, zero.recorder.messages], [[numbered(1)], [numbered(2, { from: 1, to: 0 })]]);
    }, ({ security }) => [{ secret }, { secret, security: security(1, { denoVersion }) }]);
  }
});

Deno.test("large messages, and many, arrive as they were sent", async () => {
  await withPair(async (zero, one) => {
    await join(zero, one);
    for (let token = 0; token < 2_000; token++) zero.transport.send(numbered(token));
    zero.transport.flush();
    await until(() => one.recorder.messages.length === 2_000, "all have arrived");
    assertEquals(one.recorder.messages, Array.from({ length: 2_000 }, (_, token) => numbered(token)));
  });
});

Deno.test("who is on the way between two nodes can read nothing", async () => {
  await withPair(async (zero, one) => {
    const seen: string[] = [];
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const passing = (async () => {
      for await (const near of listener) {
        const far = await Deno.connect({ hostname: "127.0.0.1", port: one.transport.port });
        const spy = new TransformStream<Uint8Array, Uint8Array>({
          transform: (bytes, to) => {
            seen.push(bytesToString(bytes));
            to.enqueue(bytes);
          },
        });
        near.readable.pipeThrough(spy).pipeTo(far.writable).catch(() => {});
        far.readable.pipeTo(near.writable).catch(() => {});
      }
    })();
    zero.follow({ id: 1, address: `127.0.0.1:${listener.addr.port}` });
    one.follow(zero);
    await until(() => zero.peer(1).reachable, "they are connected");
    zero.post(appendEntries(["put what nobody is to read"]));
    await until(() => one.recorder.messages.length === 1, "it has arrived");
    const all = seen.join("");
    assert(all.length > 500, "everything went this way");
    for (const text of ["nobody is to read", "AppendEntries", "identity-0", "KVStore CA"]) {
      assert(!all.includes(text), text);
    }
    listener.close();
    await passing;
  });
});

Deno.test("nodes whose secrets differ refuse each other, whatever their certificates are", async () => {
  await withPair(async (zero, one) => {
    zero.follow(one);
    one.follow(zero);
    for (const problem of [await problemOf(zero, 1), await problemOf(one, 0)]) {
      assertEquals(problem, "the cluster secrets of the two nodes differ");
    }
    assertEquals([zero.recorder.events, one.recorder.events], [[], []]);
  }, () => [{ secret: "a secret of one node" }, { secret: "" }]);
});

Deno.test("right certificates and another cluster: refused with both names", async () => {
  await withPair(async (zero, one) => {
    zero.follow(one);
    assertStringIncludes(await problemOf(zero, 1), 'node 0 belongs to cluster "other", node 1 to cluster "test"');
  }, () => [{ greeting: { clusterId: "other" } }, {}]);
});

Deno.test("a node of another CA is refused by both sides", async () => {
  await withPair(
    async (zero, one) => {
      zero.follow(one);
      one.follow(zero);
      for (const [node, other] of [[zero, 1], [one, 0]] as const) {
        const why =
          /^no TLS with node \d at 127\.0\.0\.1:\d+: no CA of --peer-tls-ca has signed its certificate \(CN=KVStore CA/;
        assertMatch(await problemOf(node, other), why);
        // What the other side did not take is shown by the one that has it.
        const mine = new RegExp(
          `.*UnknownCA.* \\(the certificate of this node: subject CN=node-${node.id}, `,
        );
        await logged(node, mine);
        await logged(node, /^warn .*no CA of --peer-tls-ca has signed its certificate/);
      }
    },
    ({ foreign, security }) => [{ security: security(0, { paths: foreign.write("foreign-0", foreign.issue(0)) }) }, {}],
  );
});

Deno.test("another node at the address is not taken for the one that is meant", async () => {
  await withPair(async (zero, one) => {
    zero.follow({ id: 2, address: one.address });
    assertMatch(
      await problemOf(zero, 2),
      /not valid for name "node-2\.test\.kvstore\.internal"; certificate is only valid for .*"node-1\.test/,
    );
  });
});

Deno.test("a listener whose certificate has expired is refused with the time", async () => {
  await withPair(async (zero, one) => {
    zero.follow(one);
    assertMatch(await problemOf(zero, 1), /certificate expired: verification time .* not valid after/);
    await logged(one, /CertificateExpired .*subject CN=odd/);
  }, ({ files, security }) => {
    const odd = files.issueOdd({ names: nodeNames(1), notBefore: Date.now() - 9 * DAY, notAfter: Date.now() - DAY });
    return [{}, { security: security(1, { paths: files.write("old-1", odd), aheadMs: -2 * DAY }) }];
  });
});

Deno.test("a listener with the certificate of a client is refused", async () => {
  await withPair(async (zero, _, { files }) => {
    const client = files.authority.issueClient("a", { days: 1, now: Date.now() });
    const listener = Deno.listenTls({ hostname: "127.0.0.1", port: 0, cert: client.certificate, key: client.key });
    const refused = listener.accept().then(async (conn) => {
      await conn.handshake().catch(() => {});
      conn.close();
    });
    assert("port" in listener.addr);
    zero.follow({ id: 1, address: `127.0.0.1:${listener.addr.port}` });
    assertMatch(await problemOf(zero, 1), /certificate does not allow extended key usage for server authentication/);
    await refused;
    listener.close();
  });
});

Deno.test("without TLS where it is spoken, and with it where it is not: both sides say so", async () => {
  await withPair(async (zero, one) => {
    zero.follow(one);
    one.follow(zero);
    assertMatch(
      await problemOf(one, 0),
      /^this node speaks TLS with its peers; give --peer-tls-cert/,
    );
    await logged(
      zero,
      /^warn .*no TLS with 127.*: it speaks none with its peers; give it --peer-tls-cert/,
    );
    assertMatch(
      await problemOf(zero, 1),
      /^no TLS with node 1 .*: it speaks no TLS with its peers; give it --peer-tls-cert/,
    );
    await logged(one, /^warn .*it speaks TLS, and this node speaks none with its peers; give --peer-tls-cert/);
    assertEquals([zero.recorder.events, one.recorder.events], [[], []]);
  }, () => [{}, { security: undefined, secret: "what all nodes of a test share" }]);
});

/** The certificates of a node whose runtime trusts a further CA, as runtimes trust the public ones. */
function trusting(own: PeerSecurity, { pair }: PeerFiles): PeerSecurity {
  return {
    hanging: own.hanging,
    authorities: () => ({ pem: own.authorities().pem + pair.certificate, shown: "" }),
    shown: () => own.shown(),
    hostOf: (id) => own.hostOf(id),
    sign: (parts) => own.sign(parts),
    judge: (evidence, parts) => own.judge(evidence, parts),
    serve: (socket) => own.serve(socket),
  };
}

Deno.test("public CAs do not count: whom one has certified that the runtime trusts is refused by the proof inside", async () => {
  await withPair(async (zero, one) => {
    zero.follow(one);
    one.follow(zero);
    assertMatch(
      await problemOf(zero, 1),
      /^its certificate does not fit: no CA of --peer-tls-ca has signed it .*subject CN=node-1/,
    );
    assertEquals([zero.recorder.events, one.recorder.events], [[], []]);
  }, ({ files, foreign, security }) => {
    const paths = foreign.write("foreign-1", foreign.issue(1), foreign.trust(files));
    return [{ security: trusting(security(0), foreign) }, { security: security(1, { paths }) }];
  });
});

Deno.test("a dialer that does not prove that it is a node of the cluster is refused, with the reason", async () => {
  await withPair(async (_, one, { files, foreign }) => {
    one.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
    const odd = (names: Partial<Names>, more = {}) =>
      files.issueOdd({ names: { dns: [], ip: [], uri: [], ...names }, ...more });
    const client = files.authority.issueClient("a", { days: 1, now: Date.now() });
    const now = Date.now();
    const cases: readonly (readonly [Attempt, RegExp])[] = [
      [{}, /^it has shown no certificate; nodes here prove theirs$/],
      [{ prove: evidenceBy(foreign.issue(0), "kvstore://test/0") }, /no CA of --peer-tls-ca has signed it/],
      [{ prove: evidenceBy(client, "kvstore://test/0") }, /it is of a client, not of a node \(subject CN=a, issuer/],
      [{ prove: evidenceBy(odd({ uri: ["kvstore://bank/0"] }), "kvstore://bank/0") }, /it is of cluster bank/],
      [{ prove: evidenceBy(odd({ dns: ["node-0.test.kvstore.internal"] }), "kvstore://test/0") }, /it names no node/],
      [
        { prove: evidenceBy(files.issue(2), "kvstore://test/2") },
        /^it says that it is node 0, and its .* is of node 2$/,
      ],
      [{ prove: evidenceBy(files.issue(2), "kvstore://test/0") }, /what was signed with it is not what was said here/],
      [
        { prove: evidenceBy(odd(nodeNames(0), { notBefore: now - 2 * DAY, notAfter: now - DAY }), "kvstore://test/0") },
        /it has expired \(subject CN=odd, .* expired 24 hours ago\)$/,
      ],
      [
        { prove: evidenceBy(odd(nodeNames(0), { notBefore: now + DAY }), "kvstore://test/0") },
        /it is not yet valid \(.*is the clock of this machine right\?\)$/,
      ],
      [{ prove: evidenceBy(files.issue(0), "kvstore://test/0"), secret: "another" }, /cluster secrets .* differ/],
    ];
    for (const [attempt, why] of cases) {
      const refusal = await refusalOf(
        await secureDial(one, files),
        (nonce) => proofFor(nonce, { secret: "", ...attempt }),
      );
      assertMatch(refusal ?? "", why);
    }
    await logged(one, /^warn Refused a connection: it has shown no certificate/);
    const fits = { secret: "", prove: evidenceBy(files.issue(0), "kvstore://test/0") };
    assertEquals(await refusalOf(await secureDial(one, files), (nonce) => proofFor(nonce, fits)), undefined);
    assertEquals([one.recorder.messages, one.recorder.events], [[], []]);
  });
});
