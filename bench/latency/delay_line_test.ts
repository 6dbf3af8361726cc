import { assert, assertEquals } from "@std/assert";
import type { Timer } from "../../lib/base/clock.ts";
import { VirtualClock } from "../../tests/support/memory/virtual_clock.ts";
import { waitFor, withDeadline } from "../../tests/support/wait.ts";
import { DelayLine } from "./delay_line.ts";
import { measureRoundTrip } from "./round_trip.ts";
import { roundTripsMore } from "./rows.ts";

const DELAY_MS = 200;
const PIECES = 20;

/** Simulated time that tells how many pieces the line has taken: it sets a timer for each. */
class LineClock extends VirtualClock {
  timers = 0;

  override after(delayMs: number, action: () => void): Timer {
    this.timers += 1;
    return super.after(delayMs, action);
  }
}

Deno.test("a delay line keeps each piece for its time, and pieces that are under way together arrive in their order", async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const clock = new LineClock();
  await using line = new DelayLine({ port: 0, target: listener.addr.port, oneWayMs: DELAY_MS, clock });
  using dialer = await Deno.connect({ hostname: "127.0.0.1", port: line.port });
  using acceptor = await listener.accept();
  for (let piece = 0; piece < PIECES; piece++) {
    await dialer.write(Uint8Array.of(piece));
    await waitFor(() => clock.timers === piece + 1 ? true : undefined, {
      what: "the line takes the piece",
      everyMs: 1,
    });
    await clock.advance(1);
  }
  // None of them is due yet, and then one in every millisecond: their times neither shrink nor add up.
  await clock.advance(DELAY_MS - PIECES - 1);
  const buffer = new Uint8Array(64);
  for (let piece = 0; piece < PIECES; piece++) {
    await clock.advance(1);
    const count = await withDeadline(acceptor.read(buffer), { what: `piece ${piece} arrives` });
    assertEquals([...buffer.subarray(0, count ?? 0)], [piece]);
  }
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
