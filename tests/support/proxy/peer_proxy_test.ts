import { assertEquals, assertGreaterOrEqual } from "@std/assert";

import { findFreePorts } from "../ports.ts";
import { PeerProxy } from "./peer_proxy.ts";
import { closeQuietly } from "./tcp_proxy.ts";
import { waitFor, withDeadline } from "../wait.ts";

const DIALER = 7;
const ACCEPTOR = 3;

interface Ends {
  readonly proxy: PeerProxy;
  readonly dialer: Deno.TcpConn;
  readonly acceptor: Deno.TcpConn;
}

/** A frame as the acceptor says it first, and one with a greeting: what the proxy looks at to know who dials. */
function frameOf(text: string): Uint8Array<ArrayBuffer> {
  const header = new TextEncoder().encode(text);
  const frame = new Uint8Array(16 + header.length);
  new DataView(frame.buffer).setUint32(8, header.length);
  frame.set(header, 16);
  return frame;
}

/** What the acceptor says first. */
const CHALLENGE = frameOf(JSON.stringify({ rpc: "Challenge", nonce: "x" }));

/** What the dialer answers: JSON within a text of JSON names the node. */
function proofOf(nodeId: number): Uint8Array<ArrayBuffer> {
  return frameOf(JSON.stringify({ rpc: "Proof", said: JSON.stringify({ greeting: { nodeId } }) }));
}

/** A proxy before a listener that stands for the acceptor. */
async function proxied(
  body: (ends: { readonly proxy: PeerProxy; dial(nodeId: number): Promise<Omit<Ends, "proxy">> }) => Promise<void>,
): Promise<void> {
  const [advertisedPort = 0, boundPort = 0] = findFreePorts(2);
  using listener = Deno.listen({ hostname: "127.0.0.1", port: boundPort });
  await using proxy = new PeerProxy([{ nodeId: ACCEPTOR, advertisedPort, boundPort }]);
  const open: Deno.TcpConn[] = [];
  const dial = async (nodeId: number): Promise<Omit<Ends, "proxy">> => {
    const dialer = await Deno.connect({ hostname: "127.0.0.1", port: advertisedPort });
    open.push(dialer);
    const acceptor = await listener.accept();
    open.push(acceptor);
    await acceptor.write(CHALLENGE);
    await readBytes(dialer, CHALLENGE.length);
    await dialer.write(proofOf(nodeId));
    return { dialer, acceptor };
  };
  try {
    await body({ proxy, dial });
  } finally {
    for (const connection of open) closeQuietly(connection);
  }
}

async function joined(body: (ends: Ends) => Promise<void>): Promise<void> {
  await proxied(async ({ proxy, dial }) => {
    const ends = await dial(DIALER);
    await readBytes(ends.acceptor, proofOf(DIALER).length);
    await body({ proxy, ...ends });
  });
}

async function readBytes(connection: Deno.TcpConn, count: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(count);
  for (let read = 0; read < count;) {
    const more = await withDeadline(connection.read(bytes.subarray(read)), { what: "bytes come" });
    if (more === null) throw new Error(`The connection ended after ${read} of ${count} bytes`);
    read += more;
  }
  return bytes;
}

Deno.test("two cuts on a direction hold the bytes back until both are mended", () =>
  joined(async ({ proxy, dialer, acceptor }) => {
    proxy.cut(DIALER, ACCEPTOR);
    proxy.cut(DIALER, ACCEPTOR);
    await dialer.write(new Uint8Array([1]));
    let come = false;
    const heldBack = () => proxy.effects(DIALER, ACCEPTOR).heldBack || undefined;
    const reading = readBytes(acceptor, 1).then(() => {
      come = true;
    });
    proxy.mend(DIALER, ACCEPTOR);
    // The other direction is open: its byte makes a round while this one waits.
    await acceptor.write(new Uint8Array([2]));
    await readBytes(dialer, 1);
    assertEquals(come, false);
    await waitFor(heldBack, { what: "the cut is felt" });
    assertEquals(proxy.effects(ACCEPTOR, DIALER).heldBack, 0);
    proxy.mend(DIALER, ACCEPTOR);
    await reading;
  }));

Deno.test("a slow direction takes its time for each piece until it is sped up", () =>
  joined(async ({ proxy, dialer, acceptor }) => {
    proxy.slowDown(DIALER, ACCEPTOR, { delayMs: 10, bytesMax: 10 });
    const begin = performance.now();
    await dialer.write(new Uint8Array(50));
    await readBytes(acceptor, 50);
    assertGreaterOrEqual(performance.now() - begin, 45);
    proxy.slowDown(DIALER, ACCEPTOR, { delayMs: 10, bytesMax: 1 });
    await dialer.write(new Uint8Array(10_000));
    await readBytes(acceptor, 2);
    proxy.speedUp(DIALER, ACCEPTOR);
    // At the slow pace it would take 100 s.
    await readBytes(acceptor, 9_998);
    const { slowed, split } = proxy.effects(DIALER, ACCEPTOR);
    // Five pieces of ten bytes, and two or more of one.
    assertEquals([slowed, split].map((count) => count >= 7), [true, true]);
    assertEquals(proxy.effects(ACCEPTOR, DIALER), { heldBack: 0, slowed: 0, split: 0 });
  }));

Deno.test("connections between two nodes are broken, in whichever order they are named, and others are not", () =>
  joined(async ({ proxy, dialer, acceptor }) => {
    assertEquals(proxy.breakConnections(ACCEPTOR, DIALER + 1), 0);
    await dialer.write(new Uint8Array([1]));
    assertEquals(await readBytes(acceptor, 1), new Uint8Array([1]));
    assertEquals(proxy.breakConnections(ACCEPTOR, DIALER), 1);
    for (const end of [dialer, acceptor]) {
      const read = await withDeadline(end.read(new Uint8Array(1)).catch(() => null), { what: "end" });
      assertEquals(read, null);
    }
  }));

Deno.test("a cut holds back one direction of one pair; healing delivers what was held back", () =>
  proxied(async ({ proxy, dial }) => {
    const [one, two] = [await dial(1), await dial(2)];
    for (const [id, { acceptor }] of [[1, one], [2, two]] as const) await readBytes(acceptor, proofOf(id).length);
    proxy.cut(1, ACCEPTOR);
    let delivered = false;
    await one.dialer.write(new Uint8Array([1]));
    const late = readBytes(one.acceptor, 1).then((bytes) => {
      delivered = true;
      return bytes;
    });
    // The other direction and the other pair go on.
    await one.acceptor.write(new Uint8Array([2]));
    assertEquals(await readBytes(one.dialer, 1), new Uint8Array([2]));
    await two.dialer.write(new Uint8Array([3]));
    assertEquals(await readBytes(two.acceptor, 1), new Uint8Array([3]));
    await waitFor(() => proxy.effects(1, ACCEPTOR).heldBack || undefined, { what: "the cut is felt" });
    assertEquals(delivered, false);
    proxy.heal();
    assertEquals(await late, new Uint8Array([1]));
  }));

Deno.test("a dialer that is cut off reaches nobody until it is healed", () =>
  proxied(async ({ proxy, dial }) => {
    proxy.isolate(ACCEPTOR, [1]);
    // Who dials is unknown before it has spoken: the challenge comes through, and the answer to it does not.
    const { acceptor } = await dial(1);
    let arrived = false;
    const answer = readBytes(acceptor, proofOf(1).length).then((bytes) => {
      arrived = true;
      return bytes;
    });
    await waitFor(() => proxy.effects(1, ACCEPTOR).heldBack || undefined, { what: "the cut is felt" });
    assertEquals(arrived, false);
    proxy.heal();
    assertEquals(await answer, proofOf(1));
  }));
