/** The connection of the tests' clients: whose reply is whose, and how each end of a connection is told. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { ByteConnection, ConnectionLostError, ReplyTimeoutError } from "./byte_connection.ts";
import { LeaderFollower } from "./leader_follower.ts";
import type { Protocol, WriteReply } from "./protocols/protocol.ts";
import { Connection } from "./resp/connection.ts";
import { CLOSE, ScriptedServer } from "./resp/scripted_server.ts";
import { TextClient } from "./text_client.ts";

/** A client's connection and what it sends to: the server's end is the test's own. */
async function withServer(body: (port: number, accepted: () => Promise<Deno.TcpConn>) => Promise<void>): Promise<void> {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open: Deno.TcpConn[] = [];
  try {
    await body(listener.addr.port, async () => {
      const socket = await listener.accept();
      open.push(socket);
      return socket;
    });
  } finally {
    for (const socket of open) socket.close();
  }
}

const encoder = new TextEncoder();

Deno.test("replies go to those who asked, in their order, wherever the pieces that come are cut", () =>
  withServer(async (port, accepted) => {
    using client = await TextClient.connect(port);
    const server = await accepted();
    const replies = [client.expect(false), client.expect(true), client.expect(true), client.expect(false)];
    for (const piece of ["o", "ne\r\n", "a\nb\r", "\n\nError: n", "o\nlä", "st\nmore\n"]) {
      await server.write(encoder.encode(piece));
    }
    assertEquals(await Promise.all(replies), [["one"], ["a", "b"], ["Error: no"], ["läst"]]);
    // What came unasked waits for the next one.
    assertEquals(await client.expect(false), ["more"]);
  }));

Deno.test("who waits is told that the connection ended, and why; who asks later as well", () =>
  withServer(async (port, accepted) => {
    using closed = await ByteConnection.connect(port);
    const never = () => undefined;
    const waiting = closed.expect(never);
    (await accepted()).closeWrite();
    await assertRejects(() => waiting, ConnectionLostError, "closed by the server");
    await assertRejects(() => closed.expect(never), ConnectionLostError, "closed by the server");
    assertEquals([closed.closed, await closed.ended], [true, true]);

    using late = await ByteConnection.connect(port, 1);
    await accepted();
    await assertRejects(() => late.expect(never), ReplyTimeoutError);
    assertEquals([late.closed, await late.ended], [true, false]);

    using confused = await ByteConnection.connect(port);
    const failing = confused.expect(() => {
      throw new RangeError("no reply");
    });
    const behind = confused.expect(never);
    await (await accepted()).write(encoder.encode("?"));
    await assertRejects(() => failing, RangeError);
    await assertRejects(() => behind, RangeError);
    assert(confused.closed);
  }));

Deno.test("a connection of Redis's protocol: replies, what is none, what nobody asked for, and its end", async () => {
  let answer: string | typeof CLOSE = "+OK\r\n";
  await using server = new ScriptedServer(() => answer);
  using fine = await Connection.open(server.address);
  assertEquals(await fine.exchange([["A"], ["B"]]), Array(2).fill({ type: "Status", text: "OK" }));
  assertEquals(await fine.ask(["C"]), { type: "Status", text: "OK" });
  answer = "?\r\n";
  for (let time = 0; time < 2; time++) assertEquals((await fine.ask(["D"])).type, "Broken");
  assert(fine.broken !== undefined);

  using chatty = await Connection.open(server.address);
  answer = "+OK\r\n+MORE\r\n";
  assertEquals((await chatty.ask(["E"])).type, "Status");
  assertEquals(await chatty.exchange([["F"]]), [
    { type: "Broken", text: 'bytes that nobody asked for: "+MORE\\x0d\\x0a"' },
  ]);

  using left = await Connection.open(server.address);
  answer = CLOSE;
  await assertRejects(() => left.ask(["G"]), ConnectionLostError);
  assertEquals([await left.endsNow(), (await left.exchange([["H"]]))[0]?.type], [true, "Broken"]);
  using open = await Connection.open(server.address);
  assertEquals(await open.endsNow(1), false);
});

/** Nodes whose replies to writes are given; one without any does not listen. */
function scripted(replies: ReadonlyMap<number, WriteReply>): Protocol {
  return {
    name: "text",
    needsLeader: true,
    connect(_ports, node) {
      const reply = replies.get(node);
      if (reply === undefined) return Promise.reject(new Deno.errors.ConnectionRefused());
      return Promise.resolve({
        closed: reply.type === "Unknown",
        write: () => Promise.resolve(reply),
        read: () => Promise.resolve({ type: "Value", value: null }),
        close: () => {},
      });
    },
  };
}

Deno.test("a follower of the leader goes where replies send it, on from nodes that do not serve, and stays where it is served", async () => {
  const replies = new Map<number, WriteReply>([
    [0, { type: "NotDone", reason: "not the leader", leader: 3 }],
    [1, { type: "NotDone", reason: "its own word is old", leader: 1 }],
    [2, { type: "Done", existed: null }],
    [3, { type: "Unknown", reason: "the connection broke" }],
  ]);
  const ports = { clients: Array(6).fill(0), http: [] };
  const follow = async (first: number, writes: number) => {
    const follower = new LeaderFollower({ protocol: scripted(replies), ports, first, replyTimeoutMs: 1 });
    const asked = [];
    for (let write = 0; write < writes; write++) {
      const node = follower.leader;
      asked.push(node);
      const reply = await (await follower.connect(node))?.write("k", "v");
      if (reply !== undefined) await follower.heed(node, reply);
    }
    follower.close();
    return asked;
  };
  // 4 and 5 are down.
  assertEquals(await follow(0, 5), [0, 3, 4, 5, 0]);
  assertEquals(await follow(1, 3), [1, 2, 2]);
});
