/** The peer port when accepts fail: accepts are what the test says, and time passes when it says so. */

import { assertEquals } from "@std/assert";
import { FAILED_ACCEPTS_PER_TURN_MAX } from "../../../lib/base/accepting.ts";
import { Acceptor, type AcceptorOptions } from "../../../lib/transport/acceptor.ts";
import { DEFAULT_TRANSPORT_LIMITS } from "../../../lib/transport/limits.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";

/** Accepts fail as `failures` says; then one server comes, which is turned away, and nobody more. */
class Bench {
  readonly clock = new VirtualClock();
  readonly acceptor: Acceptor;
  readonly running: Promise<void>;
  readonly failures: Error[];
  /** Whether the server got through. */
  came = false;
  readonly #closed = Promise.withResolvers<void>();

  constructor(failures: readonly Error[]) {
    this.failures = [...failures];
    const listener = {
      accept: () => this.#accept(),
      close: () => this.#closed.resolve(),
    };
    // What a server that is turned away does not reach is left out.
    const options = {
      context: { clock: this.clock, limits: DEFAULT_TRANSPORT_LIMITS, log: () => {} },
      isClosed: () => true,
    };
    this.acceptor = new Acceptor(listener as unknown as Deno.TcpListener, options as unknown as AcceptorOptions);
    this.running = this.acceptor.run();
  }

  async #accept(): Promise<Deno.TcpConn> {
    const failure = this.failures.shift();
    if (failure !== undefined) throw failure;
    if (this.came) {
      await this.#closed.promise;
      throw new Deno.errors.BadResource("Listener has been closed");
    }
    return { close: () => this.came = true } as unknown as Deno.TcpConn;
  }

  /** Ends when the acceptor has. */
  async stop(): Promise<void> {
    this.acceptor.stop();
    await this.clock.advance(0);
    await this.running;
  }
}

function goneClients(count: number): readonly Error[] {
  return Array.from({ length: count }, () => new Deno.errors.NotConnected("is not connected (os error 107)"));
}

Deno.test("strangers that are gone before they are accepted do not hold a server up", async () => {
  const bench = new Bench(goneClients(FAILED_ACCEPTS_PER_TURN_MAX - 1));
  await bench.clock.settle();
  assertEquals(bench.came, true);
  await bench.stop();
});

Deno.test("a flood of strangers that are gone leaves turns of the event loop to others, and a stop ends it", async () => {
  const bench = new Bench(goneClients(10 * FAILED_ACCEPTS_PER_TURN_MAX));
  for (let turns = 1; turns <= 3; turns++) {
    await bench.clock.settle();
    assertEquals(bench.failures.length, (10 - turns) * FAILED_ACCEPTS_PER_TURN_MAX);
    await bench.clock.turn();
  }
  await bench.stop();
  assertEquals(bench.failures.length, 6 * FAILED_ACCEPTS_PER_TURN_MAX);
});

Deno.test("for want of a descriptor the peer port waits a moment, and a stop ends the wait", async () => {
  const lack = Object.assign(new Error("Too many open files"), { code: "EMFILE" });
  const bench = new Bench([lack, lack]);
  await bench.clock.advance(DEFAULT_TRANSPORT_LIMITS.acceptPauseMs);
  assertEquals([bench.came, bench.failures.length], [false, 0]);
  await bench.clock.advance(DEFAULT_TRANSPORT_LIMITS.acceptPauseMs);
  assertEquals(bench.came, true);
  await bench.stop();

  const waiting = new Bench([lack]);
  await waiting.clock.settle();
  await waiting.stop();
  assertEquals(waiting.came, false);
});
