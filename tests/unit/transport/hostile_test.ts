import { assert, assertEquals, assertMatch } from "@std/assert";
import type { Connection } from "../../../lib/transport/connection.ts";
import { FRAME_MAGIC } from "../../../lib/transport/frame.ts";
import { acceptHandshake } from "../../../lib/transport/handshake.ts";
import { encodeMessage } from "../../../lib/transport/codec.ts";
import {
  acceptAs,
  appendEntries,
  closeQuietly,
  framesOf,
  handshakeAs,
  join,
  numbered,
  type RawConnection,
  rawDial,
  seededRandom,
  TestNode,
  withNodes,
  withRawListener,
} from "./support.ts";
import { until } from "../../support/wait.ts";
import { drain, peerConnection, withTarget } from "./target.ts";

async function writeRaw(port: number, bytes: Uint8Array): Promise<void> {
  const socket = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    for (let at = 0; at < bytes.length;) at += await socket.write(bytes.subarray(at));
    while (await socket.read(new Uint8Array(4_096)) !== null);
  } catch (error) {
    // The node may close while this still writes.
    assert(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe, String(error));
  } finally {
    socket.close();
  }
}

Deno.test("garbage on the port reaches nobody and harms nobody", async () => {
  const random = seededRandom(7);
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    for (let round = 0; round < 30; round++) {
      const bytes = new Uint8Array(16 + Math.floor(random() * 20_000)).map(() => Math.floor(random() * 256));
      if (round % 3 === 0) new DataView(bytes.buffer).setUint32(0, FRAME_MAGIC);
      await writeRaw(one.transport.port, bytes);
    }
    assertEquals(one.recorder.messages, []);
    assertEquals([one.recorder.events, zero.recorder.events], [["connected 0"], ["connected 1"]]);
    const lines = one.log.filter((line) => line.includes("Closed a connection"));
    assert(lines.length >= 1 && lines.length <= 10, `${lines.length} lines for 30 connections`);
    zero.post(numbered(1));
    await until(() => one.recorder.messages.length === 1, "the peer is served as before");
  });
});

/** Frames that an admitted peer must not send: with its tag where the frame is well formed, as bytes where it is not. */
const SPOILERS: readonly {
  readonly name: string;
  readonly bytes?: Uint8Array;
  readonly frame?: { readonly header: string; readonly body?: Uint8Array };
  readonly reason: RegExp;
}[] = [
  { name: "bad CRC", bytes: flip(framesOf([encodeMessage(numbered(1))]), 20), reason: /checksum/ },
  { name: "oversized frame", bytes: oversized(), reason: /too long/ },
  { name: "other magic", bytes: flip(framesOf([encodeMessage(numbered(1))]), 3), reason: /not a frame/ },
  { name: "no tag", bytes: framesOf([encodeMessage(numbered(1))]), reason: /altered, repeated or left out/ },
  { name: "no JSON", frame: { header: "{" }, reason: /not a JSON object/ },
  { name: "unknown message", frame: { header: '{"rpc":"Nothing"}' }, reason: /malformed message/ },
  { name: "malformed Ping", frame: { header: '{"rpc":"Ping"}' }, reason: /malformed Ping/ },
  { name: "another sender", frame: encodeMessage(numbered(1, { from: 2, to: 1 })), reason: /from node 2 to node 1/ },
  { name: "another receiver", frame: encodeMessage(numbered(1, { from: 0, to: 2 })), reason: /from node 0 to node 2/ },
];

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, position) => position === at ? byte ^ 1 : byte);
}

function oversized(): Uint8Array {
  const bytes = new Uint8Array(16);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, FRAME_MAGIC);
  view.setUint32(8, 10);
  view.setUint32(12, 67_108_864);
  return bytes;
}

for (const { name, bytes, frame, reason } of SPOILERS) {
  Deno.test(`an admitted peer's bad frame closes the connection and reaches nobody: ${name}`, async () => {
    await withTarget({}, async (node) => {
      const { connection, socket } = await peerConnection(node);
      const good = encodeMessage(numbered(77));
      connection.append(good.header, good.body);
      if (frame !== undefined) connection.append(frame.header, frame.body);
      connection.flush();
      await until(() => node.recorder.messages.length === 1, "the good frame has arrived");
      if (bytes !== undefined) await socket.write(new Uint8Array([...bytes, ...framesOf([good])]));
      await drain(connection);
      closeQuietly(connection);
      await until(() => node.recorder.count("disconnected 0") === 1, "the loss is told");
      assertEquals(node.recorder.messages, [numbered(77)]);
      assertEquals(node.peer(0).framesDropped, 1);
      assert(node.log.some((line) => line.startsWith("warn") && reason.test(line)), node.log.join("; "));
    });
  });
}

Deno.test("nodes that disagree about who is where are told so at both ends", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    zero.transport.setPeers([{ id: 2, addresses: [one.address] }, { id: 1, addresses: ["127.0.0.1:1"] }]);
    one.follow(zero);
    await until(() => zero.peer(2).problem?.includes("expects node 2 at this address") === true, "the dialer knows");
    assertMatch(zero.peer(2).problem ?? "", /this is node 1/);
    await until(() => one.peer(0).problem?.includes("expects node 2") === true, "the acceptor knows");
  });
});

Deno.test("a peer that accepts and never says a challenge is given up", async () => {
  const silent = Promise.withResolvers<void>();
  await withRawListener(() => silent.promise, async (address) => {
    const zero = await new TestNode(0, { limits: { handshakeTimeoutMs: 30 } }).start();
    zero.transport.setPeers([{ id: 1, addresses: [address] }]);
    await until(() => zero.peer(1).problem !== undefined, "the handshake has ended");
    assertMatch(zero.peer(1).problem ?? "", /handshake took too long/);
    await zero.transport.stop();
    silent.resolve();
  });
});

Deno.test("a peer that answers no ping is half-open: closed, told, and dialed again", async () => {
  let accepted = 0;
  async function serve(connection: Connection): Promise<void> {
    if (await acceptAs(1, connection)) accepted += 1;
    while (await connection.receive() !== undefined); // Reads everything and says nothing.
  }
  await withRawListener(serve, async (address) => {
    const zero = await new TestNode(0, { limits: { pingIntervalMs: 10, pongTimeoutMs: 50 } }).start();
    zero.transport.setPeers([{ id: 1, addresses: [address] }]);
    await until(() => accepted >= 2, "the peer was dialed again");
    assertEquals(zero.peer(1).reachable, false);
    assert(zero.recorder.count("disconnected 1") >= 1);
    assertEquals(zero.recorder.count("connected 1"), 0);
    assert(zero.log.some((line) => line.includes("no answer to a ping")), zero.log.join("; "));
    await zero.transport.stop();
  });
});

Deno.test("an incoming connection that falls silent is closed", async () => {
  await withTarget({ pingIntervalMs: 10, pongTimeoutMs: 50 }, async (node) => {
    const { connection } = await peerConnection(node);
    await drain(connection);
    await until(() => node.recorder.count("disconnected 0") === 1, "the loss is told");
    assert(node.log.some((line) => line.includes("no sign of life")), node.log.join("; "));
  });
});

Deno.test("a peer that does not read fills a bounded queue and is closed by the deadline", async () => {
  const ends = Promise.withResolvers<void>();
  async function serve(connection: Connection): Promise<void> {
    await acceptAs(1, connection);
    await ends.promise; // Never reads again.
  }
  const limits = { queueBytesMax: 20_000_000, writeTimeoutMs: 150, pingIntervalMs: 20, pongTimeoutMs: 5_000 };
  await withRawListener(serve, async (address) => {
    const zero = await new TestNode(0, { limits }).start();
    zero.transport.setPeers([{ id: 1, addresses: [address] }]);
    await until(() => zero.peer(1).bytesSent > 0, "the connection is up");
    const entries = appendEntries(["v".repeat(1_000_000)]);
    for (let sent = 0; sent < 60; sent++) zero.post(entries);
    const { framesDropped } = zero.peer(1);
    assert(framesDropped >= 35 && framesDropped < 60, `${framesDropped} of 60 dropped`);
    await until(() => zero.recorder.count("disconnected 1") === 1, "the connection is given up");
    assert(zero.log.some((line) => line.includes("has not read")), zero.log.join("; "));
    assert(zero.log.some((line) => line.includes("Dropped a message")), zero.log.join("; "));
    await zero.transport.stop();
    ends.resolve();
  });
});

Deno.test("the queue is bounded in messages, and what was taken arrives in order", async () => {
  await withNodes([{ limits: { queueMessagesMax: 100 } }, {}], async (zero, one) => {
    await join(zero, one);
    for (let token = 0; token < 250; token++) zero.transport.send(numbered(token));
    assertEquals(zero.peer(1).framesDropped, 150);
    zero.transport.flush();
    await until(() => one.recorder.messages.length >= 100, "what was taken has arrived");
    assertEquals(one.recorder.messages, Array.from({ length: 100 }, (_, token) => numbered(token)));
    assertEquals(zero.transport.counts().sent.get("ReadIndex"), 100);
  });
});

Deno.test("a message longer than a frame may be is dropped and counted, the connection stays", async () => {
  await withNodes([{ limits: { frameBytesMax: 10_000 } }, {}], async (zero, one) => {
    await join(zero, one);
    zero.post(appendEntries(["v".repeat(10_000)]));
    zero.post(numbered(1));
    await until(() => one.recorder.messages.length === 1, "the short one has arrived");
    assertEquals([zero.peer(1).framesDropped, one.recorder.events], [1, ["connected 0"]]);
  });
});

Deno.test("a slow consumer with a deep socket still gets everything in order", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    const commands = Array.from({ length: 30 }, (_, at) => String(at).repeat(200_000));
    for (const command of commands) zero.post(appendEntries([command]));
    await until(() => one.recorder.messages.length === commands.length, "everything has arrived");
    const received = one.recorder.messages.map((message) => {
      const entry = message.type === "AppendEntries" ? message.entries?.entries()[0] : undefined;
      return entry?.type === "Command" ? entry.command : "";
    });
    assert(received.every((command, at) => command === commands[at]));
  });
});

Deno.test("strangers are limited, the oldest goes first, and a peer still gets in", async () => {
  await withTarget({ unauthenticatedMax: 8, handshakeTimeoutMs: 60_000 }, async (node) => {
    const strangers: RawConnection[] = [];
    for (let count = 0; count < 20; count++) strangers.push(await rawDial(node));
    const drained = strangers.map(({ connection }) => drain(connection));
    await Promise.all(drained.slice(0, 12));
    const { connection: peer } = await peerConnection(node);
    peer.append(encodeMessage(numbered(1)).header);
    peer.flush();
    await until(() => node.recorder.messages.length === 1, "the peer's message has arrived");
    const open = strangers.filter(({ connection }) => connection.ending === undefined).length;
    assert(open <= 8 && open >= 7, `${open} strangers left`);
    closeQuietly(peer);
    for (const { connection } of strangers) closeQuietly(connection);
    await Promise.all(drained);
  });
});

Deno.test("who says nothing in the handshake is closed", async () => {
  await withTarget({ handshakeTimeoutMs: 30 }, async (node) => {
    const { connection } = await rawDial(node);
    await drain(connection);
    assertEquals(node.recorder.events, []);
  });
});

Deno.test("a newer connection of the same peer replaces the older without a loss", async () => {
  await withTarget({}, async (node) => {
    const first = await peerConnection(node);
    const second = await peerConnection(node);
    await drain(first.connection);
    second.connection.append(encodeMessage(numbered(1)).header);
    second.connection.flush();
    await until(() => node.recorder.messages.length === 1, "the newer one is served");
    assertEquals(node.recorder.events, []);
    closeQuietly(second.connection);
    await until(() => node.recorder.count("disconnected 0") === 1, "its end is a loss");
  });
});

Deno.test("an acceptor that is another node than expected is refused by the dialer", async () => {
  const results: string[] = [];
  async function serve(connection: Connection): Promise<void> {
    const result = await acceptHandshake(connection, handshakeAs(2));
    results.push(result.type === "Refused" ? result.reason : result.type);
  }
  await withRawListener(serve, async (address) => {
    const zero = await new TestNode(0).start();
    zero.transport.setPeers([{ id: 1, addresses: [address] }]);
    await until(() => zero.peer(1).problem !== undefined && results.length > 0, "both know");
    assertMatch(zero.peer(1).problem ?? "", /expects node 2|expects node 1/);
    assertMatch(results[0] ?? "", /expects node/);
    await zero.transport.stop();
  });
});
