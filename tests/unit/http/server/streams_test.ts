/** Bodies that are made piece by piece: coding, back-pressure, and every way they can end. */

import { assert, assertEquals, assertLess } from "@std/assert";
import type { BodySink, BodyStream } from "../../../../lib/http/http.ts";
import { type BenchOptions, request, withPort } from "./bench.ts";
import { until } from "../../../support/wait.ts";

/** A stream that a test writes to; notes what it is told. */
class ManualStream implements BodyStream {
  readonly events: string[] = [];
  sink: BodySink | undefined;
  onDrained: () => void = () => {};

  opened(sink: BodySink): void {
    this.events.push("opened");
    this.sink = sink;
  }

  drained(): void {
    this.onDrained();
  }

  closed(): void {
    this.events.push("closed");
  }
}

function streaming(stream: BodyStream): BenchOptions {
  return {
    handle: ({ path }) => ({ status: 200, headers: [], body: path === "/stream" ? stream : "plain" }),
  };
}

Deno.test("a stream is sent in chunks, is closed once, and the next request is answered", () => {
  const stream = new ManualStream();
  return withPort(streaming(stream), async ({ connect }) => {
    const client = await connect();
    await client.send(request("GET /stream") + request("GET /next"));
    await until(() => stream.sink !== undefined, "the stream is open");
    for (const piece of ["abc", "", "\0\r\n", "x".repeat(100_000)]) stream.sink?.send(piece);
    stream.sink?.finish();
    stream.sink?.finish();
    stream.sink?.send("late");
    const reply = await client.reply();
    assertEquals(reply.headers.has("content-length"), false);
    assert(reply.body === `abc\0\r\n${"x".repeat(100_000)}`);
    assertEquals((await client.reply()).body, "plain");
    assertEquals(stream.events, ["opened", "closed"]);
  });
});

Deno.test("a stream that is complete at once", () => {
  const events: string[] = [];
  const stream: BodyStream = {
    opened(sink) {
      sink.send("all");
      sink.finish();
    },
    drained: () => events.push("drained"),
    closed: () => events.push("closed"),
  };
  return withPort(streaming(stream), async ({ connect }) => {
    const client = await connect();
    await client.send(request("GET /stream") + request("GET /stream"));
    assertEquals([(await client.reply()).body, (await client.reply()).body], ["all", "all"]);
    assertEquals(events, ["closed", "closed"]);
  });
});

Deno.test("a stream to HTTP/1.0 ends with the connection and has no coding", () => {
  const stream = new ManualStream();
  return withPort(streaming(stream), async ({ connect }) => {
    const client = await connect();
    await client.send("GET /stream HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    await until(() => stream.sink !== undefined, "the stream is open");
    stream.sink?.send("abc");
    stream.sink?.finish();
    const { headers, body } = await client.reply();
    assertEquals([headers.get("connection"), headers.has("transfer-encoding"), body], ["close", false, "abc"]);
  });
});

Deno.test("HEAD opens no stream", () => {
  const stream = new ManualStream();
  return withPort(streaming(stream), async ({ connect }) => {
    const client = await connect();
    await client.send(request("HEAD /stream") + request("GET /"));
    assertEquals((await client.reply(true)).headers.get("transfer-encoding"), "chunked");
    assertEquals((await client.reply()).body, "plain");
    assertEquals(stream.events, ["closed"]);
  });
});

Deno.test("an aborted stream is not complete for the client", () => {
  const stream = new ManualStream();
  return withPort(streaming(stream), async ({ connect, listener }) => {
    const client = await connect();
    await client.send(request("GET /stream"));
    await until(() => stream.sink !== undefined, "the stream is open");
    stream.sink?.send("abc");
    await until(() => stream.sink?.unsentBytes === 0, "the piece has left");
    stream.sink?.abort();
    const text = await client.rest();
    assert(text.endsWith("3\r\nabc\r\n"), text);
    await until(() => listener.connections() === 0, "the connection is forgotten");
    assertEquals(stream.events, ["opened", "closed"]);
  });
});

Deno.test("a client that goes away closes its stream", async () => {
  for (const leave of ["close", "closeWrite"] as const) {
    const stream = new ManualStream();
    await withPort(streaming(stream), async ({ connect, listener }) => {
      const client = await connect();
      await client.send(request("GET /stream"));
      await until(() => stream.sink !== undefined, "the stream is open");
      await client.socket[leave]();
      await until(() => listener.connections() === 0, "the connection is forgotten");
      stream.sink?.send("late");
      stream.sink?.finish();
      assertEquals(stream.events, ["opened", "closed"]);
    });
  }
});

Deno.test("a client that goes away before the reply is ready closes the stream it would have got", () => {
  const stream = new ManualStream();
  const ready = Promise.withResolvers<void>();
  return withPort({
    handle: async () => {
      await ready.promise;
      return { status: 200, headers: [], body: stream };
    },
  }, async ({ connect, listener, seen }) => {
    const client = await connect();
    await client.send(request("GET /"));
    await until(() => seen.length === 1, "the request is handled");
    const stopping = listener.stop(0);
    await until(() => listener.connections() === 0, "the connection is closed");
    ready.resolve();
    await until(() => stream.events.length > 0, "the stream is closed");
    await stopping;
    assertEquals(stream.events, ["closed"]);
  });
});

Deno.test("a stream that waits for drained holds little, and everything arrives", () => {
  const stream = new ManualStream();
  const [piece, pieces] = ["x".repeat(50_000), 200];
  let [sent, unsentMax] = [0, 0];
  const fill = () => {
    if (sent >= pieces) return stream.sink?.finish();
    sent += 1;
    stream.sink?.send(piece);
    unsentMax = Math.max(unsentMax, stream.sink?.unsentBytes ?? 0);
  };
  stream.onDrained = fill;
  return withPort(streaming(stream), async ({ connect }) => {
    const client = await connect();
    await client.send(request("GET /stream"));
    assertEquals((await client.reply()).body.length, 50_000 * pieces);
    assertLess(unsentMax, 60_000);
    assertEquals(stream.events, ["opened", "closed"]);
  });
});

Deno.test("stopping cuts streams at once", () => {
  const stream = new ManualStream();
  return withPort(streaming(stream), async ({ connect, listener }) => {
    const client = await connect();
    await client.send(request("GET /stream"));
    await until(() => stream.sink !== undefined, "the stream is open");
    await listener.stop(60_000);
    assertEquals(stream.events, ["opened", "closed"]);
    assertEquals((await client.rest()).endsWith("0\r\n\r\n"), false);
  });
});
