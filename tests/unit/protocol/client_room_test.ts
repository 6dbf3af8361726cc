/** Half requests and idle clients: what keeps them from shutting everybody out of the client port. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { METRIC } from "../../../lib/observe/names.ts";
import { IDLE_GIVES_WAY_MS, RECEIVE_BYTES_PER_SECOND_MIN } from "../../../lib/net/limits.ts";
import { checked, receive, RECEIVE_TIMEOUT_MS, send, withListener } from "./client_port_bench.ts";
import { until } from "../../support/wait.ts";

Deno.test("A request that has begun must become complete in time, however it drips, in either protocol", async () => {
  const beginnings: readonly (readonly [begins: string, drips: string, told: string])[] = [
    ["PUT key val", "u", "Error: Request not complete in time.\n"],
    ["GET k\nGET", " ", "Error: k does not exist.\nError: Request not complete in time.\n"],
    ["*2\r\n$3\r\nGET\r\n", "$", "-ERR Protocol error: request not complete in time\r\n"],
    [
      "*1\r\n$4\r\nPING\r\n*2\r\n$3\r\nGET\r\n$4\r\nab",
      "c",
      "+PONG\r\n-ERR Protocol error: request not complete in time\r\n",
    ],
    ["PIN", "G", "Error: Request not complete in time.\n"],
  ];
  await withListener({}, async ({ connect, clock, node, logged }) => {
    const received = node.metrics.counter(METRIC.clientBytesReceived);
    for (const [begins, drips, told] of beginnings) {
      const before = received.value;
      const conn = await connect();
      await send(conn, begins);
      await until(() => received.value === before + begins.length, "the beginning has come");
      await checked(clock);
      clock.shiftMs += RECEIVE_TIMEOUT_MS - 5_000;
      await send(conn, drips);
      await until(() => received.value === before + begins.length + 1, "a little more has come");
      clock.shiftMs += 5_000;
      assertEquals(await receive(conn), told, JSON.stringify(begins));
      conn.close();
    }
    assertStringIncludes(logged.join("\n"), "its request did not become complete in time");
    const closed = node.metrics.counterFamily(METRIC.clientConnectionsClosed, ["reason"]);
    assertEquals(closed.counter(["request_timeout"]).value, beginnings.length);
    assertEquals(closed.counter(["idle"]).value, 0);
  });
});

Deno.test("A long request may take longer if it keeps coming, and so may a client between two requests", async () => {
  await withListener({}, async ({ connect, clock, node }) => {
    const received = node.metrics.counter(METRIC.clientBytesReceived);
    const [steady, quiet] = [await connect(), await connect()];
    await send(quiet, "GET k\n");
    assertEquals(await receive(quiet, "\n"), "Error: k does not exist.\n");
    const begun = received.value + "PUT key ".length;
    await send(steady, "PUT key ");
    await until(() => received.value === begun, "the request has begun");
    await checked(clock);
    const piece = "v".repeat(RECEIVE_BYTES_PER_SECOND_MIN * 5);
    await send(steady, piece);
    await until(() => received.value === begun + piece.length, "more has come");
    clock.shiftMs += RECEIVE_TIMEOUT_MS + 2_000;
    await checked(clock);
    await send(steady, "\n");
    assertEquals(await receive(steady, "\n"), "key added successfully.\n");
    await send(quiet, "GET k\n");
    assertEquals(await receive(quiet, "\n"), "Error: k does not exist.\n");
  });
});

Deno.test("At the limit the longest idle connection gives way, those with a transaction, WATCH or a request last", async () => {
  await withListener({ connectionsMax: 5 }, async ({ connect, clock, listener, node }) => {
    const opened = async (request: string, reply: string) => {
      const conn = await connect();
      await send(conn, request);
      assertEquals(await receive(conn, reply), reply);
      clock.shiftMs += 1_000;
      return conn;
    };
    const queueing = await opened("*1\r\n$5\r\nMULTI\r\n", "+OK\r\n");
    const watching = await opened("*2\r\n$5\r\nWATCH\r\n$1\r\nk\r\n", "+OK\r\n");
    const person = await opened("GET k\n", "Error: k does not exist.\n");
    const later = await opened("GET k\n", "Error: k does not exist.\n");
    node.holding = true;
    const busy = await connect();
    await send(busy, "PUT a 1\n");
    await until(() => node.held.length === 1, "the write is under way");
    node.holding = false;

    const early = await connect();
    await send(early, "GET k\n");
    assertEquals(await receive(early), "Error: Too many connections (limit 5).\n", "nobody has been idle for long");
    await checked(clock);
    clock.shiftMs += IDLE_GIVES_WAY_MS;
    for (const victim of [person, later, queueing, watching]) {
      await opened("GET k\n", "Error: k does not exist.\n");
      let isClosed = false;
      void receive(victim).then(() => isClosed = true);
      await until(() => isClosed, "the connection whose turn it is has been closed");
      assertEquals(listener.connections(), 5);
    }
    const closed = node.metrics.counterFamily(METRIC.clientConnectionsClosed, ["reason"]);
    assertEquals(closed.counter(["idle"]).value, 4);
    const refused = await connect();
    await send(refused, "GET k\n");
    assertEquals(await receive(refused), "Error: Too many connections (limit 5).\n", "what is left is new or busy");
    node.held[0]?.finish();
    assertEquals(await receive(busy, "\n"), "a added successfully.\n");
  });
});
