import { assert, assertEquals } from "@std/assert";
import { DelayLine } from "./delay_line.ts";
import { measureRoundTrip } from "./round_trip.ts";
import { roundTripsMore } from "./rows.ts";

const DELAY_MS = 200;
const PIECES = 20;

Deno.test("a delay line keeps the order of bytes, and pieces that are under way together arrive together", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using line = new DelayLine({ port: 0, target: listener.addr.port, oneWayMs: DELAY_MS });
  using dialer = await Deno.connect({ hostname: "127.0.0.1", port: line.port });
  using acceptor = await listener.accept();
  const sentAt = performance.now();
  const sending = (async () => {
    for (let piece = 0; piece < PIECES; piece++) {
      await dialer.write(Uint8Array.of(piece));
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  const received: number[] = [];
  const buffer = new Uint8Array(64);
  while (received.length < PIECES) {
    const count = await acceptor.read(buffer);
    assert(count !== null, "the line closed the connection");
    if (received.length === 0) assert(performance.now() - sentAt >= DELAY_MS - 1, "the first byte came too early");
    received.push(...buffer.subarray(0, count));
  }
  // One after the other they would take 20 times as long, whatever else the machine does.
  assert(performance.now() - sentAt < DELAY_MS * PIECES, "the delays of pieces add up");
  assertEquals(received, Array.from({ length: PIECES }, (_, at) => at));
  await sending;
});

Deno.test("a line ends both of its connections when one of them ends", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  await using line = new DelayLine({ port: 0, target: listener.addr.port, oneWayMs: 1 });
  const dialer = await Deno.connect({ hostname: "127.0.0.1", port: line.port });
  using acceptor = await listener.accept();
  await dialer.write(Uint8Array.of(7));
  dialer.close();
  const buffer = new Uint8Array(8);
  assertEquals(await acceptor.read(buffer), 1);
  assertEquals(await acceptor.read(buffer), null);
});

Deno.test("a round trip takes both ways, and what distance adds is counted in round trips", async () => {
  // A timer counts whole milliseconds, and leaves out what is left of one.
  assert(await measureRoundTrip(5) >= 8);
  assertEquals(roundTripsMore(25, { near: 3, roundTripMs: 11 }), 2);
});
