/** Replies of the HTTP port over real sockets: framing, order, names of requests, the handler's own refusals. */

import { assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import type { HttpReply, HttpRequest } from "../../../../lib/http/http.ts";
import { LONG_BODY_BYTES } from "../../../../lib/http/server/limits.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { request, textReply, withPort } from "./bench.ts";
import { until } from "../../../support/wait.ts";
import type { ShiftedClock } from "../../../support/shifted_clock.ts";

Deno.test("a reply says its length, the date and the name of the request, and the connection goes on", () =>
  withPort({}, async ({ connect, seen, metrics }) => {
    const client = await connect();
    await client.send(request("GET /a?b=c", "X-Request-Id: my.id-1_2\r\n"));
    const { status, headers, body } = await client.reply();
    assertEquals([status, body], [200, "GET /a "]);
    assertEquals([...headers], [
      ["content-type", "text/plain"],
      ["content-length", "7"],
      ["date", "Sun, 06 Nov 1994 08:49:37 GMT"],
      ["x-request-id", "my.id-1_2"],
    ]);
    await client.send(request("PUT /b", "Content-Length: 3\r\n") + "\0\xff\r");
    assertEquals((await client.reply()).body, "PUT /b \0\xff\r");
    assertEquals(seen.map(({ query, id }) => [query, id === "my.id-1_2"]), [["b=c", true], ["", false]]);
    assertMatch(seen[0]?.remote ?? "", /^127\.0\.0\.1:\d+$/);
    assertEquals(metrics.gauges.get(METRIC.httpConnections)?.read(), 1);
  }));

Deno.test("a name of a request that is no name is not taken over, and each fresh one is another", () =>
  withPort({}, async ({ connect }) => {
    const client = await connect();
    const ids = new Set<string | undefined>();
    for (const given of ["", "a b", "a\xe4", "a/b", "x".repeat(65)]) {
      await client.send(request("GET /", `X-Request-Id: ${given}\r\n`));
      const id = (await client.reply()).headers.get("x-request-id");
      assertNotEquals(id, given);
      assertMatch(id ?? "", /^[a-z0-9]{8}-[a-z0-9]+$/);
      ids.add(id);
    }
    assertEquals(ids.size, 5);
  }));

Deno.test("requests sent at once are answered in order, also when the first takes longer", () => {
  const first = Promise.withResolvers<HttpReply>();
  return withPort(
    { handle: ({ path }) => path === "/0" ? first.promise : textReply(path) },
    async ({ connect, seen }) => {
      const client = await connect();
      await client.send(Array.from({ length: 500 }, (_, at) => request(`GET /${at}`)).join(""));
      await until(() => seen.length === 1, "the first request is handled");
      first.resolve(textReply("/0"));
      for (let at = 0; at < 500; at++) assertEquals((await client.reply()).body, `/${at}`);
    },
  );
});

Deno.test("HEAD, 204 and 304 have no body, and the connection goes on", () =>
  withPort({ handle: ({ path }) => textReply("abc", Number(path.slice(1))) }, async ({ connect }) => {
    const client = await connect();
    await client.send(request("HEAD /200") + request("GET /204") + request("GET /304") + request("GET /200"));
    const head = await client.reply(true);
    assertEquals([head.status, head.headers.get("content-length")], [200, "3"]);
    for (const status of [204, 304]) {
      const reply = await client.reply();
      assertEquals([reply.status, reply.headers.has("content-length")], [status, false]);
    }
    assertEquals((await client.reply()).body, "abc");
  }));

Deno.test("the connection is closed after the reply when the client wants that", () =>
  withPort({}, async ({ connect, listener }) => {
    const cases = [request("GET /", "Connection: close\r\n"), "GET / HTTP/1.0\r\n\r\n"];
    for (const text of cases) {
      const client = await connect();
      await client.send(text);
      const { headers, body } = await client.reply();
      assertEquals([headers.get("connection"), body, await client.rest()], ["close", "GET / ", ""]);
      client.socket.close();
    }
    const kept = await connect();
    await kept.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    assertEquals((await kept.reply()).headers.get("connection"), "keep-alive");
    await until(() => listener.connections() === 1, "the closed ones are forgotten");
  }));

Deno.test("a client that has closed its side gets the replies to all it sent", () =>
  withPort({}, async ({ connect }) => {
    const client = await connect();
    await client.send(request("GET /1") + request("GET /2"));
    await client.socket.closeWrite();
    assertMatch(await client.rest(), /GET \/1 HTTP[^]*GET \/2 $/);
  }));

Deno.test("the body is asked for with 100 Continue only when it is wanted", () =>
  withPort({ judge: ({ path }) => path === "/no" ? 0 : 10 }, async ({ connect }) => {
    const client = await connect();
    await client.send(request("PUT /yes", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
    assertEquals((await client.reply()).status, 100);
    await client.send("ab");
    assertEquals((await client.reply()).body, "PUT /yes ab");
    await client.send(request("PUT /no", "Expect: 100-continue\r\nContent-Length: 2\r\n"));
    assertEquals((await client.reply()).status, 413);
    assertEquals(await client.rest(), "");
  }));

Deno.test("a refusal is a problem, counted, and the last reply of its connection", () =>
  withPort({}, async ({ connect, metrics, seen }) => {
    const client = await connect();
    await client.send(`${request("PUT /", "Content-Length: 1001\r\n")}${request("GET /")}`);
    const { status, headers, body } = await client.reply();
    assertEquals([status, headers.get("content-type"), headers.get("connection")], [
      413,
      "application/problem+json",
      "close",
    ]);
    const detail = "The body is longer than 1000 bytes";
    assertEquals(JSON.parse(body), {
      type: "about:blank",
      title: "Content Too Large",
      status: 413,
      code: "too_large",
      detail,
    });
    assertEquals(await client.rest(), "");
    assertEquals([seen.length, metrics.counter(METRIC.httpRequestsRefused).value], [0, 1]);
  }));

Deno.test("the reply of a client that sends a long body unasked is not lost", () =>
  withPort({ judge: () => textReply("no", 403) }, async ({ connect, seen }) => {
    const client = await connect();
    const sending = client.send(request("PUT /", "Content-Length: 4000000\r\n") + "x".repeat(4_000_000));
    assertEquals((await client.reply()).status, 403);
    await sending;
    assertEquals([await client.rest(), seen.length], ["", 0]);
  }));

Deno.test("what the handler refuses at the head closes nothing when there is no body", () =>
  withPort({ judge: () => textReply("no", 403) }, async ({ connect, seen }) => {
    const client = await connect();
    await client.send(request("GET /1") + request("GET /2"));
    assertEquals([(await client.reply()).status, (await client.reply()).status], [403, 403]);
    assertEquals(seen, []);
  }));

Deno.test("a bug of the handler is answered with 500 and logged, and others go on", async () => {
  const bugs: [name: string, handle: () => HttpReply | Promise<HttpReply>][] = [
    ["throws", () => {
      throw new Error("oops");
    }],
    ["rejects", () => Promise.reject(new Error("oops"))],
    ["breaks out of a header", () => ({ status: 200, headers: [["A", "oops\r\nB: c"]], body: "" })],
    ["breaks out of a name", () => ({ status: 200, headers: [["oops\r\nB", "c"]], body: "" })],
  ];
  for (const [name, handle] of bugs) {
    await withPort({ handle }, async ({ connect, logged, listener }) => {
      const client = await connect();
      await client.send(request("GET /", "X-Request-Id: this-one\r\n"));
      const { status, headers } = await client.reply();
      assertEquals([status, headers.get("x-request-id"), headers.has("b")], [500, "this-one", false], name);
      assertMatch(logged.join("\n"), /^Bug on the HTTP connection .*this-one.*(oops|breaks the head)/, name);
      assertEquals(await client.rest(), "");
      assertEquals(typeof listener.port, "number");
    });
  }
});

Deno.test("a long body is handled in a turn of its own, a short one in that of its end", async () => {
  let clock: ShiftedClock | undefined;
  const handle = ({ body }: HttpRequest) => textReply(`${body.length} ${clock?.isInTimer}`);
  await withPort({ judge: () => LONG_BODY_BYTES, handle }, async ({ connect, clock: ofPort }) => {
    clock = ofPort;
    const client = await connect();
    for (const [length, isInTimer] of [[LONG_BODY_BYTES, true], [LONG_BODY_BYTES - 1, false]] as const) {
      await client.send(request("PUT /b", `Content-Length: ${length}\r\n`) + "x".repeat(length));
      assertEquals((await client.reply()).body, `${length} ${isInTimer}`);
    }
  });
});
