/** The client port over real sockets: limits, half-closed clients, clients that do not read, and the end. */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { METRIC } from "../../../lib/observe/names.ts";
import { REFUSALS_WAITING_MAX, WRITE_TIMEOUT_MS } from "../../../lib/net/limits.ts";
import { fakeRecord } from "../../support/fake_node.ts";
import { receive, send, withListener } from "./client_port_bench.ts";
import { until } from "../../support/wait.ts";

Deno.test("A client is served, and EXIT closes its connection", async () => {
  await withListener({}, async ({ connect, listener, node }) => {
    const conn = await connect();
    await send(conn, "PUT key1 value1\nGET key1\nEXIT\n");
    assertEquals(await receive(conn), "key1 added successfully.\nvalue of key1: value1\nGoodbye.\n");
    conn.close();
    await until(() => listener.connections() === 0, "the connection is forgotten");
    assertEquals(node.metrics.counter(METRIC.clientBytesReceived).value, 30);
    assertEquals(node.metrics.counter(METRIC.clientBytesSent).value, 56);
  });
});

Deno.test("Inline requests of Redis and the checks of load balancers are answered as Redis does", async () => {
  const conversations: readonly (readonly [sent: string, begins: string, ends: string])[] = [
    ["PING\r\ninfo replication\r\nQUIT\r\n", "+PONG\r\n$", "\r\n+OK\r\n"],
    ["\r\nAUTH secret\r\nQUIT\r\n", "-ERR AUTH <password> called without any password", "\r\n+OK\r\n"],
    ["ECHO \"a b\\x41\"\r\nECHO 'it'\r\nQUIT\r\n", "$4\r\na bA\r\n$2\r\nit\r\n", "+OK\r\n"],
    ["PING\r\n*1\r\n$4\r\nPING\r\nQUIT\r\n", "+PONG\r\n+PONG\r\n", "+OK\r\n"],
    ["PING\r\nPUT a b\r\nQUIT\r\n", "+PONG\r\na added successfully.\n", "Goodbye.\n"],
  ];
  await withListener({}, async ({ connect }) => {
    for (const [sent, begins, ends] of conversations) {
      const conn = await connect();
      // In two pieces, one of which ends within the word that decides.
      await send(conn, sent.slice(0, 3));
      await send(conn, sent.slice(3));
      const replies = await receive(conn);
      assert(
        replies.startsWith(begins) && replies.endsWith(ends),
        `${JSON.stringify(sent)}: ${JSON.stringify(replies)}`,
      );
    }
  });
});

Deno.test("A client that sends nothing but PINGs gets every answer, and is not read on while it reads none", async () => {
  const count = 2_000_000;
  await withListener({}, async ({ connect, node }) => {
    const conn = await connect();
    const received = node.metrics.counter(METRIC.clientBytesReceived);
    const sending = send(conn, "PING\r\n".repeat(count)).then(() => conn.closeWrite());
    await until(() => received.value > 1_000_000, "the PINGs are read");
    let before = -1;
    let still = 0;
    await until(() => {
      still = received.value === before ? still + 1 : 0;
      before = received.value;
      return still > 100;
    }, "no more PINGs are read");
    assert(before < count * 6 - 1_000_000, `${before} bytes were read while no answer was taken`);
    const replies = await receive(conn);
    await sending;
    assertEquals(replies.length, count * 7);
    assertEquals(replies.replaceAll("+PONG\r\n", ""), "");
  });
});

Deno.test("A client that has closed its side gets the replies to all it sent", async () => {
  await withListener({}, async ({ connect, node }) => {
    const conn = await connect();
    node.holding = true;
    await send(conn, "PUT a 1\nPUT b 2\n");
    await conn.closeWrite();
    await until(() => node.held.length === 2, "both writes are under way");
    for (const request of node.held) request.finish();
    assertEquals(await receive(conn), "a added successfully.\nb added successfully.\n");
  });
});

Deno.test("Replies of one turn leave in one write", async () => {
  await withListener({}, async ({ connect }) => {
    const conn = await connect();
    await send(conn, "PUT a 1\n".repeat(16));
    const buffer = new Uint8Array(65_536);
    assertEquals(await conn.read(buffer), "a added successfully.\n".length * 16);
  });
});

Deno.test("Connections beyond the limit are told so and closed, and room that gets free is used", async () => {
  await withListener({ connectionsMax: 2 }, async ({ connect, listener, node, logged }) => {
    const [first, second] = [await connect(), await connect()];
    await until(() => listener.connections() === 2, "two connections");
    const redis = "-ERR max number of clients reached\r\n";
    const refusals: readonly (readonly [first: string, reply: string])[] = [
      ["GET k\n", "Error: Too many connections (limit 2).\n"],
      ["*1\r\n$4\r\nPING\r\n", redis],
      ["AUTH secret\r\n", redis],
      ["PING\r\n", "Error: Too many connections (limit 2).\n"],
    ];
    for (const [first, reply] of refusals) {
      const conn = await connect();
      await send(conn, first);
      assertEquals(await receive(conn), reply, first);
    }
    assertEquals(await receive(await connect()), "", "who says nothing is told nothing");
    assertEquals(node.metrics.counter(METRIC.clientConnectionsRefused).value, refusals.length + 1);
    assertEquals(logged.length, 1, "one line each second");
    await send(second, "GET k\n");
    assertEquals(await receive(second, "\n"), "Error: k does not exist.\n");
    first.close();
    await until(() => listener.connections() === 1, "one connection less");
    const third = await connect();
    await send(third, "GET k\n");
    assertEquals(await receive(third, "\n"), "Error: k does not exist.\n");
  });
});

Deno.test("No more than some connections beyond the limit are waited for; the others are closed at once", async () => {
  await withListener({ connectionsMax: 1 }, async ({ connect, listener, clock }) => {
    await connect();
    await until(() => listener.connections() === 1, "one connection");
    clock.holdTimers = true;
    const waiting = await Promise.all(Array.from({ length: REFUSALS_WAITING_MAX }, connect));
    const closed = await Promise.all(Array.from({ length: 20 }, async () => await receive(await connect())));
    assertEquals(closed, Array.from({ length: 20 }, () => ""));
    for (const conn of waiting) {
      await send(conn, "*1\r\n$4\r\nPING\r\n");
      assertEquals(await receive(conn), "-ERR max number of clients reached\r\n");
    }
  });
});

Deno.test("A line of 100 MB is refused with one line, and its end is not waited for", async () => {
  await withListener({}, async ({ connect, listener }) => {
    const conn = await connect();
    const block = new Uint8Array(1_000_000).fill(0x78);
    const sending = (async () => {
      try {
        for (let sent = 0; sent < 100; sent++) {
          for (let rest: Uint8Array = block; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
        }
      } catch {
        // The server has closed the connection.
      }
    })();
    assertEquals(await receive(conn), "Error: Line too long (limit 1048576 bytes).\n");
    await sending;
    await until(() => listener.connections() === 0, "the connection is closed");
  });
});

Deno.test("A client that never reads is stopped, hurts nobody, and is closed after its time", async () => {
  await withListener({}, async ({ connect, listener, node, clock, logged }) => {
    node.values.set("k", fakeRecord("v".repeat(1_000_000), 1));
    const lazy = await connect();
    await send(lazy, "GET k\n".repeat(1_000));
    const sent = node.metrics.counter(METRIC.clientBytesSent);
    await until(() => sent.value > 0, "the buffers of the system fill");
    const other = await connect();
    await send(other, "PUT a 1\n");
    assertEquals(await receive(other, "\n"), "a added successfully.\n");
    assert(node.seen.filter((request) => request === "READ").length <= 1_000);
    let before = -1;
    await until(() => {
      // As long as the buffers fill, its time begins anew.
      if (sent.value !== before) clock.shiftMs += WRITE_TIMEOUT_MS + 1_000;
      before = sent.value;
      return listener.connections() === 1;
    }, "the lazy connection is closed");
    assertStringIncludes(logged.join("\n"), "the client has not read for 3");
    await send(other, "GET a\n");
    assertEquals(await receive(other, "\n"), "value of a: 1\n");
  });
});

Deno.test("A slow reader gets every byte of replies that are longer than all buffers", async () => {
  await withListener({}, async ({ connect, node }) => {
    const value = "0123456789".repeat(100_000);
    node.values.set("k", fakeRecord(value, 1));
    const conn = await connect();
    await send(conn, "GET k\n".repeat(30) + "EXIT\n");
    assertEquals(await receive(conn) === `value of k: ${value}\n`.repeat(30) + "Goodbye.\n", true);
  });
});

Deno.test("Random bytes and a reset end one connection and no other", async () => {
  await withListener({}, async ({ connect, listener, logged }) => {
    const noise = await connect();
    const bytes = Uint8Array.from({ length: 50_000 }, (_, at) => (at * 7_919 + (at >> 3)) & 0xff);
    await noise.write(bytes);
    noise.close();
    await until(() => listener.connections() === 0, "the noise is gone");
    const conn = await connect();
    await send(conn, "GET k\n");
    assertEquals(await receive(conn, "\n"), "Error: k does not exist.\n");
    assertEquals(logged.filter((line) => line.includes("at ")), [], "no stack trace");
  });
});

Deno.test("A POST is closed without a reply and without effect", async () => {
  await withListener({}, async ({ connect, node, logged }) => {
    const conn = await connect();
    await send(conn, "POST / HTTP/1.1\r\nHost: localhost\r\n\r\nPUT k v\r\n");
    assertEquals(await receive(conn), "");
    assertEquals(node.seen, []);
    assertEquals(logged.length, 1);
  });
});

Deno.test("Stopping answers what runs, refuses new connections, and ends within its grace", async () => {
  await withListener({}, async ({ connect, listener, node }) => {
    node.holding = true;
    const [busy, stuck, idle] = [await connect(), await connect(), await connect()];
    await send(busy, "PUT a 1\n");
    await send(stuck, "PUT b 2\n");
    await until(() => node.held.length === 2 && listener.connections() === 3, "both writes are under way");
    const stopped = listener.stop(50);
    node.held.find((request) => request.key === "a")?.finish();
    assertEquals(await receive(busy), "a added successfully.\n");
    assertEquals(await receive(idle), "");
    await stopped;
    assertEquals([await receive(stuck), listener.connections()], ["", 0]);
    assertEquals(
      await Deno.connect({ hostname: "127.0.0.1", port: listener.port }).then(() => "open", () => "refused"),
      "refused",
    );
  });
});
