import { assert, assertEquals, assertExists, assertMatch, assertRejects } from "@std/assert";
import { findFreePorts } from "../../support/ports.ts";
import type { Message } from "../../../lib/raft/messages.ts";
import { toIndex } from "../../../lib/raft/types.ts";
import { appendEntries, join, numbered, sampleMessages, statusOf, TestNode, withNodes } from "./support.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { until } from "../../support/wait.ts";
import { entriesIn } from "../../support/runs.ts";

const QUICK = { pingIntervalMs: 20, pongTimeoutMs: 400, backoffMsMax: 40 };
const BOTH_QUICK = [{ limits: QUICK }, { limits: QUICK }];

function tokens(messages: readonly Message[]): number[] {
  return messages.flatMap((message) => message.type === "ReadIndex" ? [message.token] : []);
}

Deno.test("two nodes connect, learn of each other and exchange every kind of message", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    assertEquals([zero.recorder.events, one.recorder.events], [["connected 1"], ["connected 0"]]);
    assertEquals(zero.peer(1).status, statusOf(1));
    assertEquals(one.peer(0).status, statusOf(0));
    assertExists(zero.peer(1).roundTripMs);
    assertExists(zero.peer(1).lastContact);
    assertEquals(zero.recorder.greetings[0]?.identity, "identity-1");
    const sent = sampleMessages().map((message) => ({ ...message, from: 0, to: 1 }));
    for (const message of sent) zero.transport.send(message);
    zero.transport.flush();
    await until(() => one.recorder.messages.length === sent.length, "everything has arrived");
    assertEquals(one.recorder.messages, sent);
    assertEquals(zero.transport.counts().sent.get("AppendEntries"), 3);
    assertEquals(one.transport.counts().received.get("AppendEntries"), 3);
    assertEquals(one.peer(0).framesDropped, 0);
    assert(zero.peer(1).bytesSent > 1_000 && one.peer(0).bytesReceived > 1_000);
  });
});

Deno.test("an answer to a ping counts from the moment when the ping was sent, not from when it came", async () => {
  const clock = new ShiftedClock();
  const limits = { ...QUICK, pongTimeoutMs: 60_000 };
  await withNodes([{ limits, clock }, { limits: { ...limits, pingIntervalMs: 60_000 } }], async (zero, one) => {
    /** When each status was made, by the clock of who asks; the answer then takes a second. */
    const madeAt: number[] = [];
    one.recorder.tell = () => {
      madeAt.push(clock.now());
      clock.shiftMs += 1_000;
      return { ...statusOf(1), commitIndex: toIndex(madeAt.length) };
    };
    await join(zero, one);
    await until(() => (zero.peer(1).roundTripMs ?? 0) >= 1_000, "a late answer");
    const { askedAt = Infinity, status } = zero.peer(1).lastAnswer ?? {};
    const made = madeAt[(status?.commitIndex ?? 0) - 1] ?? NaN;
    assert(askedAt <= made, `a status of ${made} counts as one of ${askedAt}`);
  });
});

Deno.test("what one flush sends keeps its order, and so do many", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    for (let token = 0; token < 5_000; token++) {
      zero.transport.send(numbered(token));
      if (token % 7 === 0) zero.transport.flush();
    }
    zero.transport.flush();
    await until(() => one.recorder.messages.length === 5_000, "everything has arrived");
    assertEquals(tokens(one.recorder.messages), Array.from({ length: 5_000 }, (_, token) => token));
  });
});

Deno.test("nothing is sent before flush", async () => {
  const silent = { limits: { pingIntervalMs: 60_000 } };
  await withNodes([silent, silent], async (zero, one) => {
    await join(zero, one);
    const before = zero.peer(1).bytesSent;
    zero.transport.send(numbered(1));
    // Long enough for a write to complete: another node's message makes the round meanwhile.
    one.post(numbered(2, { from: 1, to: 0 }));
    await until(() => zero.recorder.messages.length === 1, "the other direction works");
    assertEquals([zero.peer(1).bytesSent, one.recorder.messages.length], [before, 0]);
    zero.transport.flush();
    await until(() => one.recorder.messages.length === 1, "the message has arrived");
  });
});

Deno.test("large entries arrive whole and keep the bytes they came as", async () => {
  await withNodes([{}, {}], async (zero, one) => {
    await join(zero, one);
    const message = appendEntries(["a".repeat(3_000_000), "\x00\xff".repeat(200_000)]);
    zero.post(message);
    await until(() => one.recorder.messages.length === 1, "the entries have arrived");
    const received = one.recorder.messages[0];
    assert(received?.type === "AppendEntries");
    assert(
      entriesIn(received.entries).every((entry, at) => {
        const sent = entriesIn(message.entries)[at];
        return entry.type === "Command" && sent?.type === "Command" && entry.command === sent.command;
      }),
    );
    const [kept, sent] = [received.entries?.body, message.entries?.body];
    assert(kept?.length === sent?.length && kept?.every((byte, at) => byte === sent?.[at]));
  });
});

Deno.test("a peer that ends is noticed at once, and reconnected when it is back", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    const { port } = one.transport;
    await one.transport.stop();
    await until(() => zero.recorder.count("disconnected 1") > 0, "the loss is told");
    await until(() => zero.peer(1).problem !== undefined, "a dial has failed");
    assertMatch(zero.peer(1).problem ?? "", /cannot connect/);
    assertEquals(zero.peer(1).reachable, false);
    zero.post(numbered(1));
    assertEquals(zero.peer(1).framesDropped, 1);
    const again = new TestNode(1, { port, greeting: { incarnation: 7 }, limits: QUICK });
    await again.start();
    try {
      again.follow(zero);
      await until(() => zero.recorder.count("connected 1") === 2, "the peer is connected again");
      zero.post(numbered(2));
      await until(() => again.recorder.messages.length === 1, "messages pass again");
      assertEquals(zero.recorder.events, ["connected 1", "disconnected 1", "connected 1"]);
      assertEquals(zero.peer(1).problem, undefined);
    } finally {
      await again.transport.stop();
    }
  });
});

Deno.test("a peer that dials is dialed at once, whatever the backoff", async () => {
  const patient = { backoffMsMin: 60_000, backoffMsMax: 60_000 };
  await withNodes([{ limits: patient }, {}], async (zero, one) => {
    const port = one.transport.port;
    await one.transport.stop();
    zero.transport.setPeers([{ id: 1, addresses: [`127.0.0.1:${port}`] }]);
    await until(() => zero.peer(1).problem !== undefined, "the first dial has failed");
    const again = await new TestNode(1, { port }).start();
    try {
      again.follow(zero);
      await until(() => zero.recorder.count("connected 1") === 1, "the peer is connected");
    } finally {
      await again.transport.stop();
    }
  });
});

Deno.test("reset shakes hands again, without a loss told to the one that asked", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    const greeted = one.recorder.greetings.length;
    zero.transport.reset(1);
    assertEquals(zero.peer(1).reachable, false);
    assertEquals(zero.recorder.events, ["connected 1"]);
    await until(() => zero.recorder.count("connected 1") === 2, "the peer is connected again");
    await until(() => one.recorder.count("connected 0") === 2, "so it is at the other side");
    assertEquals(zero.recorder.count("disconnected 1"), 0);
    assertEquals(one.recorder.count("disconnected 0"), 1);
    assert(one.recorder.greetings.length >= greeted + 2);
  });
});

Deno.test("who is not admitted stays out, both sides know why, and may come in later", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    let reason: string | undefined = "its directory was wiped";
    zero.recorder.judge = () => reason;
    zero.follow(one);
    one.follow(zero);
    await until(() => one.peer(0).problem !== undefined && zero.peer(1).problem !== undefined, "both know");
    assertEquals([zero.peer(1).problem, one.peer(0).problem], [reason, reason]);
    await until(() => zero.recorder.greetings.length > 8, "several attempts were refused");
    const told = [...zero.log, ...one.log].filter((line) => line.includes("wiped"));
    assert(told.length <= 4, `Told more than once for each node and direction: ${told.join("; ")}`);
    assertEquals([zero.recorder.events, one.recorder.events], [[], []]);
    reason = undefined;
    await until(() => zero.peer(1).reachable && one.peer(0).reachable, "the peer is admitted");
    assertEquals([zero.peer(1).problem, one.peer(0).problem], [undefined, undefined]);
  });
});

Deno.test("removed peers are closed without an event and may come back", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    zero.transport.setPeers([]);
    assertEquals(zero.transport.peers(), []);
    zero.post(numbered(1));
    await until(() => one.recorder.count("disconnected 0") === 1, "the other side has lost it");
    await until(() => one.peer(0).problem?.includes("knows no node 1") === true, "the other side is refused");
    zero.follow(one);
    await until(() => zero.recorder.count("connected 1") === 2, "the peer is connected again");
    assertEquals(zero.recorder.count("disconnected 1"), 0);
    assertEquals(one.recorder.messages, []);
  });
});

Deno.test("an address that leads to nobody or to another node is left for the next one of the same peer", async () => {
  await withNodes([...BOTH_QUICK, {}], async (zero, one, two) => {
    const [nobody = 0] = findFreePorts(1);
    two.follow(zero);
    one.follow(zero);
    zero.transport.setPeers([{ id: 1, addresses: [`127.0.0.1:${nobody}`, two.address, one.address] }]);
    await until(() => zero.peer(1).reachable, "the third address is found");
    assertEquals(zero.peer(1).address, one.address);
    zero.transport.setPeers([{ id: 1, addresses: [two.address, one.address] }]);
    assertEquals([zero.peer(1).reachable, zero.peer(1).address], [true, one.address]);
  });
});

Deno.test("a peer that moves is followed, and a useless address is a problem and no exception", async () => {
  await withNodes([...BOTH_QUICK, {}], async (zero, one) => {
    one.follow(zero);
    zero.transport.setPeers([{ id: 0, addresses: [zero.address] }, { id: 1, addresses: ["nowhere"] }]);
    await until(() => zero.peer(1).problem?.includes("host:port") === true, "the address is named");
    assertEquals(zero.transport.peers().length, 1);
    zero.follow(one);
    await until(() => zero.peer(1).reachable, "the peer is reachable at the new address");
  });
});

Deno.test("messages of one pass are handled until the connection is closed by one of them", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    one.recorder.onReceive = (message) => {
      if (message.type === "ReadIndex" && message.token === 3) one.transport.reset(0);
    };
    for (let token = 1; token <= 10; token++) zero.transport.send(numbered(token));
    zero.transport.flush();
    await until(() => one.recorder.count("connected 0") === 2, "one is connected again");
    await until(() => zero.recorder.count("connected 1") === 2, "zero is connected again");
    zero.post(numbered(11));
    await until(() => tokens(one.recorder.messages).includes(11), "messages pass again");
    assertEquals(tokens(one.recorder.messages), [1, 2, 3, 11]);
  });
});

Deno.test("no call of the driver is answered from within", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    let inside = false;
    const seen: string[] = [];
    const { recorder } = zero;
    for (const name of ["connected", "disconnected"] as const) {
      const original = recorder[name].bind(recorder);
      recorder[name] = (peer) => {
        if (inside) seen.push(name);
        original(peer);
      };
    }
    inside = true;
    zero.transport.send(numbered(1));
    zero.transport.flush();
    zero.transport.reset(1);
    zero.transport.setPeers([]);
    zero.follow(one);
    inside = false;
    await until(() => recorder.count("connected 1") === 2, "both are connected again");
    assertEquals(seen, []);
  });
});

Deno.test("a port in use is the system's error, and another start may follow", async () => {
  await withNodes([{}], async (zero) => {
    const second = new TestNode(1, { port: zero.transport.port });
    await assertRejects(() => second.start(), Deno.errors.AddrInUse);
    await second.transport.stop();
  });
});

Deno.test("three nodes that start together are all connected, once", async () => {
  await withNodes([{}, {}, {}], async (zero, one, two) => {
    zero.follow(one, two);
    one.follow(zero, two);
    two.follow(zero, one);
    const nodes = [zero, one, two];
    await until(() => nodes.every((node) => node.transport.peers().every((peer) => peer.reachable)), "all are up");
    for (const node of nodes) assertEquals(node.recorder.events.length, 2, node.recorder.events.join());
  });
});

Deno.test("a process that did not run for a while blames itself, not its peers", async () => {
  const clock = new ShiftedClock();
  await withNodes([{ limits: QUICK, clock }, { limits: QUICK }], async (zero, one) => {
    await join(zero, one);
    clock.shiftMs = 60_000;
    assertEquals(zero.peer(1).reachable, false);
    await until(() => zero.peer(1).reachable, "a new ping was answered");
    assertEquals([zero.recorder.events, one.recorder.events], [["connected 1"], ["connected 0"]]);
  });
});

Deno.test("an isolated node keeps what it knew of its peers, takes none, and comes back", async () => {
  await withNodes(BOTH_QUICK, async (zero, one) => {
    await join(zero, one);
    zero.transport.isolate(true);
    await until(() => !zero.peer(1).reachable && !one.peer(0).reachable, "both have lost each other");
    assertEquals([zero.peer(1).status, zero.transport.send(numbered(1))], [statusOf(1), false]);
    zero.transport.isolate(false);
    await until(() => zero.peer(1).reachable && one.peer(0).reachable, "both have each other again");
    zero.post(numbered(2));
    await until(() => one.recorder.messages.length === 1, "a message has arrived");
    assertEquals(tokens(one.recorder.messages), [2]);
  });
});
