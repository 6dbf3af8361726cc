/** Deadlines, limits and the end of the HTTP port over real sockets; the time of the deadlines is made to pass. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { METRIC } from "../../../../lib/observe/names.ts";
import {
  BODY_BYTES_PER_SECOND_MIN,
  BODY_TIMEOUT_MS,
  HEAD_TIMEOUT_MS,
  IDLE_TIMEOUT_MS,
} from "../../../../lib/http/server/limits.ts";
import { WRITE_TIMEOUT_MS } from "../../../../lib/net/limits.ts";
import { request, textReply, withPort } from "./bench.ts";
import { until } from "../../../support/wait.ts";
import type { HttpReply } from "../../../../lib/http/http.ts";

Deno.test("a head that does not become complete is refused at its deadline, however it drips", () =>
  withPort({}, async ({ connect, clock, logged, metrics }) => {
    const client = await connect();
    await client.send("GET / HTTP/1.1\r\nHo");
    await until(() => metrics.counter(METRIC.httpBytesReceived).value === 18, "the beginning has arrived");
    clock.shiftMs += HEAD_TIMEOUT_MS - 2_000;
    await client.send("st: h\r\n");
    await until(() => metrics.counter(METRIC.httpBytesReceived).value === 25, "more has arrived");
    clock.shiftMs += 2_000;
    const { status, headers, body } = await client.reply();
    assertEquals([status, headers.get("connection"), JSON.parse(body).code], [408, "close", "request_timeout"]);
    assertEquals(await client.rest(), "");
    assertMatch(logged.join("\n"), /its head comes too slowly/);
  }));

Deno.test("a connection on which nothing comes is closed without a word", () =>
  withPort({}, async ({ connect, clock, listener }) => {
    const client = await connect();
    await until(() => listener.connections() === 1, "the connection is open");
    clock.shiftMs += HEAD_TIMEOUT_MS;
    assertEquals(await client.rest(), "");
  }));

Deno.test("a connection may be idle between two requests for its time and no longer", () =>
  withPort({}, async ({ connect, clock, listener }) => {
    const client = await connect();
    await client.send(request("GET /"));
    assertEquals((await client.reply()).status, 200);
    clock.shiftMs += IDLE_TIMEOUT_MS - 10_000;
    await client.send(request("GET /"));
    assertEquals((await client.reply()).status, 200);
    clock.shiftMs += IDLE_TIMEOUT_MS;
    assertEquals(await client.rest(), "");
    await until(() => listener.connections() === 0, "the connection is forgotten");
  }));

Deno.test("a body that comes too slowly is refused; one that keeps the least rate may take longer", () =>
  withPort({ judge: () => 10_000_000 }, async ({ connect, clock, metrics }) => {
    const received = metrics.counter(METRIC.httpBytesReceived);
    const [slow, steady] = [await connect(), await connect()];
    const [head, length] = [request("PUT /", "Content-Length: 3000000\r\n"), 3_000_000];
    const first = "x".repeat(20 * BODY_BYTES_PER_SECOND_MIN);
    await slow.send(`${head}x`);
    await steady.send(head + first);
    await until(() => received.value === 2 * head.length + first.length + 1, "both have begun");
    clock.shiftMs += BODY_TIMEOUT_MS + 10_000;
    assertEquals((await slow.reply()).status, 408);
    await steady.send("x".repeat(length - first.length));
    assertEquals((await steady.reply()).status, 200);
  }));

Deno.test("a client that does not read its reply is closed after its time, and waits for nobody else", () =>
  withPort({ handle: () => textReply("x".repeat(20_000_000)) }, async ({ connect, clock, listener, logged }) => {
    const deaf = await connect();
    await deaf.send(request("GET /"));
    await until(() => listener.connections() === 1, "it is served");
    const other = await connect();
    await other.send(request("GET /"));
    assertEquals((await other.reply()).body.length, 20_000_000);
    clock.shiftMs += WRITE_TIMEOUT_MS + 1_000;
    await until(() => listener.connections() === 1, "the deaf one is closed");
    assertMatch(logged.join("\n"), /has not read for \d+ s/);
  }));

Deno.test("a client that asks on and on without reading is not read from any more", () =>
  withPort({ handle: () => textReply("x".repeat(100_000)) }, async ({ connect, seen, metrics }) => {
    const client = await connect();
    const text = request("GET /").repeat(500);
    await client.send(text);
    const sent = metrics.counter(METRIC.httpBytesSent);
    let before = -1;
    await until(() => {
      const still = sent.value === before && sent.value > 0;
      before = sent.value;
      return still;
    }, "nothing more leaves");
    assert(seen.length < 400, `${seen.length} requests were taken`);
    for (let at = 0; at < 500; at++) assertEquals((await client.reply()).body.length, 100_000);
  }));

Deno.test("connections beyond the limit get 503, and room that gets free is used", () =>
  withPort({ connectionsMax: 2 }, async ({ connect, listener, metrics, logged }) => {
    const [first] = [await connect(), await connect()];
    await until(() => listener.connections() === 2, "two connections");
    for (let count = 0; count < 3; count++) {
      const { status, headers, body } = await (await connect()).reply();
      assertEquals([status, headers.get("retry-after"), JSON.parse(body).code], [503, "1", "overloaded"]);
    }
    assertEquals(metrics.counter(METRIC.httpConnectionsRefused).value, 3);
    assertEquals(logged.length, 1, "one line each second");
    first?.socket.close();
    await until(() => listener.connections() === 1, "one connection less");
    const third = await connect();
    await third.send(request("GET /"));
    assertEquals((await third.reply()).status, 200);
  }));

Deno.test("when all connections together hold too much, long requests get 503 and short ones are served", () =>
  withPort({ judge: () => 10_000_000, memoryBytesMax: 1_000_000 }, async ({ connect }) => {
    const [long, short] = [await connect(), await connect()];
    const sending = long.send(request("PUT /", "Content-Length: 5000000\r\n") + "x".repeat(2_000_000));
    const { status, headers } = await long.reply();
    assertEquals([status, headers.get("retry-after"), headers.get("connection")], [503, "1", "close"]);
    await sending;
    await short.send(request("PUT /", "Content-Length: 3\r\n") + "abc");
    assertEquals((await short.reply()).body, "PUT / abc");
    // The first one has given back what it held.
    await short.send(request("PUT /", "Content-Length: 700000\r\n") + "y".repeat(700_000));
    assertEquals((await short.reply()).status, 200);
  }));

Deno.test("stopping answers what runs, refuses new connections, and closes idle ones", () => {
  const held = Promise.withResolvers<HttpReply>();
  return withPort({ handle: () => held.promise }, async ({ connect, listener, seen }) => {
    const [busy, idle, partial] = [await connect(), await connect(), await connect()];
    await busy.send(request("GET /"));
    await partial.send("GET /");
    await until(() => seen.length === 1 && listener.connections() === 3, "all are there");
    const stopped = listener.stop(60_000);
    assertEquals([await idle.rest(), await partial.rest()], ["", ""]);
    held.resolve(textReply("done"));
    const { headers, body } = await busy.reply();
    assertEquals([headers.get("connection"), body, await busy.rest()], ["close", "done", ""]);
    await stopped;
    assertEquals(listener.connections(), 0);
  });
});

Deno.test("stopping ends within its grace when a request is never answered", () =>
  withPort({ handle: () => new Promise<HttpReply>(() => {}) }, async ({ connect, listener, seen }) => {
    const client = await connect();
    await client.send(request("GET /"));
    await until(() => seen.length === 1, "the request is handled");
    await listener.stop(20);
    assertEquals([listener.connections(), await client.rest()], [0, ""]);
  }));
