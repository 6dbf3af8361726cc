import { assert, assertEquals, assertRejects } from "@std/assert";
import { dial, DialTimeoutError } from "../../../lib/transport/dial.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

/** A connection that only counts how often it is closed. */
function fakeSocket(): { readonly socket: Deno.TcpConn; closed: number } {
  const fake = { closed: 0, socket: { close: () => void (fake.closed += 1) } as unknown as Deno.TcpConn };
  return fake;
}

const ENDPOINT = { hostname: "192.0.2.1", port: 9 };

Deno.test("a dial that takes too long is given up, and a late success is closed", async () => {
  const clock = new VirtualClock();
  const pending = Promise.withResolvers<Deno.TcpConn>();
  let aborted = false;
  const dialing = dial(ENDPOINT, {
    clock,
    timeoutMs: 1_000,
    signal: new AbortController().signal,
    connect: ({ signal }) => {
      signal.addEventListener("abort", () => aborted = true);
      return pending.promise;
    },
  });
  const rejected = assertRejects(() => dialing, DialTimeoutError, "1000 ms");
  await clock.advance(999);
  assertEquals(aborted, false);
  await clock.advance(1);
  await rejected;
  assert(aborted);
  const late = fakeSocket();
  pending.resolve(late.socket);
  await pending.promise;
  await Promise.resolve();
  assertEquals(late.closed, 1);
});

Deno.test("a dial ends early when its owner stops", async () => {
  const owner = new AbortController();
  const dialing = dial(ENDPOINT, {
    clock: new VirtualClock(),
    timeoutMs: 1_000,
    signal: owner.signal,
    connect: () => new Promise(() => {}),
  });
  owner.abort();
  await assertRejects(() => dialing, DialTimeoutError);
});

Deno.test("a dial gives the connection or the system's error", async () => {
  const clock = new VirtualClock();
  const signal = new AbortController().signal;
  const fake = fakeSocket();
  const connect = () => Promise.resolve(fake.socket);
  assert(await dial(ENDPOINT, { clock, timeoutMs: 1_000, signal, connect }) === fake.socket);
  await clock.advance(5_000);
  assertEquals(fake.closed, 0);
  const refuse = () => Promise.reject(new Deno.errors.ConnectionRefused("refused"));
  await assertRejects(
    () => dial(ENDPOINT, { clock, timeoutMs: 1_000, signal, connect: refuse }),
    Deno.errors.ConnectionRefused,
  );
});
