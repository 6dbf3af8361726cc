/** TLS between nodes under attack: recordings, relays, floods of what is half open; and certificates that change. */

import { assert, assertEquals, assertLess, assertMatch } from "@std/assert";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import { decodeChallenge } from "../../../lib/transport/control.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../../lib/transport/limits.ts";
import { until, waitFor } from "../../support/wait.ts";
import { closeQuietly, join, numbered, type TestNode, withNodes } from "./support.ts";
import { drain } from "./target.ts";
import { type Certified, proofFor, refusalOf, secureDial, withCertificates } from "./tls_support.ts";

/** More than may be in the handshake at the same time. */
const HALF_OPEN = 3 * DEFAULT_TRANSPORT_LIMITS.unauthenticatedMax;

async function withTlsNodes(count: number, body: (nodes: readonly TestNode[], certified: Certified) => Promise<void>) {
  await withCertificates(async (certified) => {
    const options = Array.from({ length: count }, (_, id) => ({ secret: "", security: certified.security(id) }));
    await withNodes(options, (...nodes) => body(nodes, certified));
  });
}

Deno.test("a recorded handshake is worth nothing: not to the same node, and not to another one", async () => {
  await withTlsNodes(3, async (nodes, { files, security }) => {
    const [, one, two] = nodes;
    assert(one !== undefined && two !== undefined);
    one.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
    two.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
    const own = security(0);
    let recorded = "";
    const record = (nonce: string) => recorded = proofFor(nonce, { secret: "", prove: (parts) => own.sign(parts) });
    assertEquals(await refusalOf(await secureDial(one, files), record), undefined);
    for (const node of [one, two]) {
      const replayed = await refusalOf(await secureDial(node, files), () => recorded);
      assertMatch(replayed ?? "", /what was signed with it is not what was said here and now/);
    }
    // Node 2 has the challenge of node 1 signed by a dialer that means node 2, and passes that on.
    const relayed = await refusalOf(
      await secureDial(one, files),
      (nonce) => proofFor(nonce, { secret: "", introduction: { to: 2 }, prove: (parts) => own.sign(parts) }),
    );
    assertMatch(relayed ?? "", /^node 0 expects node 2 at this address, but this is node 1$/);
    assertEquals([one.recorder.events, two.recorder.events], [[], []]);
  });
});

Deno.test("frames of somebody who has proved nothing change nothing and take no memory", async () => {
  await withTlsNodes(2, async ([, one], { files }) => {
    assert(one !== undefined);
    one.transport.setPeers([{ id: 0, addresses: ["127.0.0.1:1"] }]);
    const message = encodeMessage(numbered(1));
    for (
      const header of [message.header, '{"rpc":"Accepted"}', '{"rpc":"Proof","said":"{}","proof":"","evidence":5}']
    ) {
      assertEquals(await refusalOf(await secureDial(one, files), () => header), undefined);
    }
    for (const evidence of [{}, { certificate: "", signature: "" }, { certificate: "AA==", signature: "\u0000" }]) {
      const header = JSON.stringify({ rpc: "Proof", said: "{}", proof: "0".repeat(64), evidence });
      assertEquals(await refusalOf(await secureDial(one, files), () => header), undefined);
    }
    const long = await secureDial(one, files);
    const first = await long.receive();
    assert(first !== undefined && decodeChallenge(first.fields) !== undefined);
    long.append("x".repeat(DEFAULT_TRANSPORT_LIMITS.handshakeFrameBytesMax));
    long.flush();
    await drain(long);
    assertEquals([one.recorder.messages, one.recorder.events, one.recorder.greetings], [[], [], []]);
  });
});

/** The other side has reset the connection, or this one has closed it in the end. */
function assertEnded(error: unknown): void {
  const { ConnectionReset, BadResource, Interrupted } = Deno.errors;
  assert([ConnectionReset, BadResource, Interrupted].some((each) => error instanceof each), String(error));
}

Deno.test("half-open handshakes are bounded in number and time, and a peer gets through", async () => {
  await withTlsNodes(2, async ([zero, one]) => {
    assert(zero !== undefined && one !== undefined);
    const opened: Deno.TcpConn[] = [];
    let open = 0;
    const reading: Promise<void>[] = [];
    while (opened.length < HALF_OPEN) {
      const conn = await Deno.connect({ hostname: "127.0.0.1", port: one.transport.port });
      // Half of them say nothing at all, the others the first bytes of a handshake.
      if (opened.length % 2 === 0) await conn.write(Uint8Array.of(0x16, 3, 1));
      opened.push(conn);
      open += 1;
      const ended = async () => {
        while (await conn.read(new Uint8Array(999)) !== null);
      };
      reading.push(ended().catch(assertEnded).finally(() => open -= 1));
    }
    try {
      await until(() => open <= DEFAULT_TRANSPORT_LIMITS.unauthenticatedMax, "the oldest were ended");
      await join(zero, one);
      await until(() => open === 0, "all were ended");
    } finally {
      for (const conn of opened) conn.close();
      await Promise.all(reading);
    }
    assertEquals([zero.peer(1).reachable, one.peer(0).reachable], [true, true]);
  });
});

Deno.test("another certificate and another CA are taken while links stay up, and new links use them", async () => {
  await withCertificates(async ({ files, foreign, security }) => {
    const paths = [0, 1].map((id) => files.write(`node-${id}`, files.issue(id)));
    const tls = paths.map((each, id) => security(id, { paths: each }));
    const [first, second] = tls;
    await withNodes(tls.map((each) => ({ secret: "", security: each })), async (zero, one) => {
      assert(zero !== undefined && one !== undefined && first !== undefined && second !== undefined);
      await join(zero, one);
      const { port } = one.transport;
      // First both trust the next CA as well, then both have its certificates, then nobody trusts the first one.
      const steps = [
        (id: number) => files.write(`node-${id}`, files.issue(id), files.trust(foreign)),
        (id: number) => files.write(`node-${id}`, foreign.issue(id), files.trust(foreign)),
        (id: number) => files.write(`node-${id}`, foreign.issue(id), onlyTrust(files.trust(), foreign.trust())),
      ];
      for (const [at, step] of steps.entries()) {
        for (const id of [0, 1]) step(id);
        for (const each of tls) each.reload();
        const told = zero.recorder.events.length;
        one.post(numbered(at, { from: 1, to: 0 }));
        await until(() => zero.recorder.messages.length === at + 1, "the link of before carries a message");
        assertEquals(zero.recorder.events.length, told);
        assertEquals(one.transport.port, port);
        zero.transport.reset(1);
        one.transport.reset(0);
        await until(() => zero.recorder.count("connected 1") === at + 2, "new links come up");
        await until(() => one.recorder.count("connected 0") === at + 2, "new links come up there");
      }
      assertMatch(first.shown(), /issuer CN=KVStore CA/);
      assertEquals(first.authorities().pem, foreign.pair.certificate);
      // What does not fit is not taken.
      files.write("node-0", files.issue(0), onlyTrust(files.trust(), foreign.trust()));
      const before = first.shown();
      for (let each = 0; each < 3; each++) first.reload();
      assertEquals(first.shown(), before);
    });
  });
});

/** Puts the certificates of another file in the place of those of `path`. */
function onlyTrust(path: string, other: string): string {
  Deno.writeTextFileSync(path, Deno.readTextFileSync(other));
  return path;
}

Deno.test("a listener that changes its certificate again and again is back each time", async () => {
  await withTlsNodes(1, async ([zero], { files, security }) => {
    assert(zero !== undefined);
    const one = security(1);
    await withNodes([{}, { secret: "", security: one }], async (_, node) => {
      assert(node !== undefined);
      for (let each = 0; each < 10; each++) {
        files.write("node-1", files.issue(1, 20 + each));
        one.reload();
        assertMatch(one.shown(), new RegExp(`expires in ${19 + each} days`));
        const connect = () => Deno.connect({ hostname: "127.0.0.1", port: node.transport.port });
        (await waitFor(connect, { what: "it listens" })).close();
      }
      node.transport.setPeers([{ id: 0, addresses: [zero.address] }]);
      zero.follow({ id: 1, address: node.address });
      await until(() => zero.peer(1).reachable, "they connect");
      assertLess(node.log.filter((line) => line.startsWith("warn")).length, 3, node.log.join("\n"));
      const conn = await secureDial(node, files);
      assertEquals((await conn.receive())?.fields.rpc, "Challenge");
      closeQuietly(conn);
    });
  });
});
