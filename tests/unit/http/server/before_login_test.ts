/** What an HTTP connection may do before a request of it had valid credentials: little, for a short time. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Login } from "../../../../lib/access/login.ts";
import type { HttpRequest } from "../../../../lib/http/http.ts";
import type { HttpLogins } from "../../../../lib/http/server/connection_login.ts";
import { BEFORE_LOGIN_SHARE_BYTES } from "../../../../lib/http/server/limits.ts";
import { LOGIN_TIMEOUT_MS, WRITE_CHECK_MS } from "../../../../lib/net/limits.ts";
import type { Registry } from "../../../../lib/observe/metrics.ts";
import { METRIC } from "../../../../lib/observe/names.ts";
import { until } from "../../../support/wait.ts";
import { type BenchOptions, request, textReply, withPort } from "./bench.ts";

const ALICE: Login = { name: "alice", id: 1 };
const WITH_CREDENTIALS = "Authorization: right\r\n";

/** Who has to log in; there are users as long as a test says so. */
class Logins implements HttpLogins {
  areNeeded = true;
  /** Whether credentials are known before a request is handled. */
  areKnown = false;

  isNeeded(login: Login | undefined): boolean {
    return this.areNeeded && login === undefined;
  }

  known(head: Omit<HttpRequest, "body">): Login | undefined {
    return this.areKnown && head.headers.has("authorization") ? ALICE : undefined;
  }
}

function optionsWith(logins: Logins, more: Partial<BenchOptions> = {}): BenchOptions {
  return {
    logins,
    judge: () => 1_000_000,
    handle: (one) => {
      if (one.headers.has("authorization")) one.noteLogin?.(ALICE);
      return textReply("done", one.headers.has("authorization") ? 200 : 401);
    },
    // A deadline of its own would close what waits.
    times: { headMs: 10 * LOGIN_TIMEOUT_MS, idleMs: 10 * LOGIN_TIMEOUT_MS, bodyMs: 10 * LOGIN_TIMEOUT_MS },
    ...more,
  };
}

function closedOf(metrics: Registry, reason: string): number {
  return metrics.counterFamily(METRIC.connectionsClosedBeforeLogin, ["port", "reason"]).counter(["http", reason]).value;
}

Deno.test("a connection without valid credentials in time is closed, in the middle of a request with 408, and others stay", () => {
  const logins = new Logins();
  return withPort(optionsWith(logins), async ({ connect, clock, metrics, listener }) => {
    const [known, unknown, silent, slow] = [await connect(), await connect(), await connect(), await connect()];
    await known.send(request("GET /", WITH_CREDENTIALS));
    assertEquals((await known.reply()).status, 200);
    await unknown.send(request("GET /"));
    assertEquals((await unknown.reply()).status, 401);
    const received = metrics.counter(METRIC.httpBytesReceived);
    const before = received.value;
    await slow.send("GET / HT");
    await until(() => listener.connections() === 4 && received.value === before + 8, "all are there");
    assertEquals(metrics.gauges.get(METRIC.httpConnectionsBeforeLogin)?.read(), 3);
    clock.shiftMs += LOGIN_TIMEOUT_MS + WRITE_CHECK_MS;
    assertEquals(await unknown.rest(), "");
    assertEquals(await silent.rest(), "");
    const told = await slow.reply();
    assertEquals(told.status, 408);
    assertStringIncludes(told.body, "Nobody has logged in in time");
    assertEquals(closedOf(metrics, "timeout"), 3);
    await known.send(request("GET /"));
    assertEquals((await known.reply()).status, 401, "each request is judged by itself");
  });
});

Deno.test("what is being answered when the time is over gets its answer, and a login counts then as well", () => {
  const held: (() => void)[] = [];
  const logins = new Logins();
  const options = optionsWith(logins, {
    handle: () => new Promise((resolve) => held.push(() => resolve(textReply("late")))),
  });
  return withPort(options, async ({ connect, clock, metrics }) => {
    const client = await connect();
    await client.send(request("GET /"));
    await until(() => held.length === 1, "it is being answered");
    clock.shiftMs += LOGIN_TIMEOUT_MS + WRITE_CHECK_MS;
    await until(() => closedOf(metrics, "timeout") === 1, "its time is over");
    held[0]?.();
    const reply = await client.reply();
    assertEquals([reply.body, reply.headers.get("connection"), await client.rest()], ["late", "close", ""]);
  });
});

Deno.test("where nobody has to log in no connection is bounded", () => {
  const logins = new Logins();
  logins.areNeeded = false;
  const limits = { connectionsMax: 1, addressConnectionsMax: 1 };
  return withPort(optionsWith(logins, { beforeLogin: limits }), async ({ connect, clock, metrics }) => {
    const clients = [await connect(), await connect()];
    clock.shiftMs += LOGIN_TIMEOUT_MS + WRITE_CHECK_MS;
    for (const client of clients) {
      await client.send(request("GET /"));
      assertEquals((await client.reply()).status, 401);
    }
    assertEquals([closedOf(metrics, "timeout"), closedOf(metrics, "total"), closedOf(metrics, "address")], [0, 0, 0]);
  });
});

Deno.test("one more than an address may have takes the place of its oldest without credentials alone", () => {
  const limits = { connectionsMax: 10, addressConnectionsMax: 2 };
  return withPort(optionsWith(new Logins(), { beforeLogin: limits }), async ({ connect, metrics }) => {
    const known = await connect();
    await known.send(request("GET /", WITH_CREDENTIALS));
    assertEquals((await known.reply()).status, 200);
    const strangers = [await connect(), await connect(), await connect()];
    assertEquals(await strangers[0]?.rest(), "");
    assertEquals(closedOf(metrics, "address"), 1);
    for (const [client, status] of [[known, 200], [strangers[1], 200], [strangers[2], 200]] as const) {
      await client?.send(request("GET /", WITH_CREDENTIALS));
      assertEquals((await client?.reply())?.status, status);
    }
  });
});

Deno.test("strangers together hold little of long requests, and those whose credentials are known are not refused for it", () => {
  const logins = new Logins();
  const size = 2 * BEFORE_LOGIN_SHARE_BYTES;
  const post = (headers = "") => `${request("POST /", `Content-Length: ${size}\r\n${headers}`)}`;
  return withPort(optionsWith(logins, { beforeLoginBytesMax: 2 * size - 1 }), async ({ connect, metrics }) => {
    const [first, second, third] = [await connect(), await connect(), await connect()];
    const received = metrics.counter(METRIC.httpBytesReceived);
    const sent = post("A: bc\r\n") + "x".repeat(size - 1);
    await first.send(sent);
    await until(() => received.value === sent.length, "the first has nearly all of it");
    await second.send(sent);
    const told = await second.reply();
    assertEquals([told.status, closedOf(metrics, "size")], [503, 1]);
    logins.areKnown = true;
    await third.send(post(WITH_CREDENTIALS) + "x".repeat(size));
    assertEquals((await third.reply()).status, 200);
    const short = await connect();
    await short.send(`${request("POST /", "Content-Length: 9\r\n")}user=name`);
    assertEquals((await short.reply()).status, 401, "a short one is judged as ever");
    await first.send("x");
    assertEquals((await first.reply()).status, 401);
    assertEquals(closedOf(metrics, "size"), 1);
  });
});
