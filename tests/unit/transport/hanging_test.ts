/** Handshakes to which nobody answers: few at a time, and room again when one of them ends. */

import { assert, assertEquals } from "@std/assert";
import { SystemClock } from "../../../lib/node/clock/system_clock.ts";
import {
  HANGING_HANDSHAKES_MAX,
  HANGING_PAUSE_MS,
  HANGING_TOTAL_MAX,
  HangingHandshakes,
} from "../../../lib/transport/hanging.ts";
import { ShiftedClock } from "../../support/shifted_clock.ts";
import { turn, until } from "../../support/wait.ts";
import { TestNode, withNodes } from "./support.ts";
import { withCertificates } from "./tls_support.ts";

/** Enough for a handshake on a busy machine. */
const LIMITS = { handshakeTimeoutMs: 500, backoffMsMin: 1, backoffMsMax: 5, seedIntervalMs: 5 };

/** A port that accepts and says nothing. */
class SilentPort {
  readonly accepted: Deno.TcpConn[] = [];
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #accepting = this.#accept();

  get port(): number {
    return this.#listener.addr.port;
  }

  /** What it has accepted stays. */
  async stopListening(): Promise<void> {
    this.#listener.close();
    await this.#accepting;
  }

  async #accept(): Promise<void> {
    for await (const conn of this.#listener) this.accepted.push(conn);
  }
}

function hang(hanging: HangingHandshakes, address: string): void {
  hanging.add(address, { handshake: new Promise(() => {}), over: () => {} });
}

Deno.test("there is room at an address until so many hang there, and again when one ends", async () => {
  const hanging = new HangingHandshakes(new SystemClock());
  const { signal } = new AbortController();
  const handshakes = Array.from({ length: HANGING_HANDSHAKES_MAX }, () => Promise.withResolvers<void>());
  const ended: number[] = [];
  for (const [at, { promise }] of handshakes.entries()) {
    await hanging.room("a:1", signal);
    hanging.add("a:1", { handshake: promise, over: () => ended.push(at) });
  }
  await hanging.room("b:1", signal);
  let hasRoom = false;
  const waiting = hanging.room("a:1", signal).then(() => hasRoom = true);
  await turn();
  assertEquals([hasRoom, hanging.count("a:1"), ended], [false, HANGING_HANDSHAKES_MAX, []]);
  handshakes[2]?.reject(new Error("gone"));
  await waiting;
  assertEquals([hanging.count("a:1"), ended], [HANGING_HANDSHAKES_MAX - 1, [2]]);
  for (const { resolve } of handshakes) resolve();
  await turn();
  assertEquals(hanging.count("a:1"), 0);
});

Deno.test("who waits for room and gives up waits no longer", async () => {
  const hanging = new HangingHandshakes(new SystemClock());
  for (let at = 0; at < HANGING_HANDSHAKES_MAX; at++) {
    hang(hanging, "a:1");
  }
  const abort = new AbortController();
  const waiting = hanging.room("a:1", abort.signal);
  abort.abort();
  await waiting;
  await hanging.room("a:1", abort.signal);
});

Deno.test("a node that accepts and says nothing gets few handshakes, and further ones when it has ended those", async () => {
  await withCertificates(async ({ security }) => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const accepted: Deno.TcpConn[] = [];
    const accepting = (async () => {
      for await (const conn of listener) accepted.push(conn);
    })();
    const limits = { handshakeTimeoutMs: 20, backoffMsMin: 1, backoffMsMax: 5 };
    await withNodes([{ secret: "", security: security(0), limits }], async (zero) => {
      assert(zero !== undefined);
      zero.follow({ id: 1, address: `127.0.0.1:${listener.addr.port}` });
      await until(() => accepted.length === HANGING_HANDSHAKES_MAX, "so many hang");
      await until(() => zero.peer(1).problem?.includes("no TLS within 20 ms") === true, "the node knows why");
      await until(
        () => zero.options.security?.hanging.count(`127.0.0.1:${listener.addr.port}`) === HANGING_HANDSHAKES_MAX,
        "all",
      );
      for (let turns = 0; turns < 50; turns++) await turn();
      assertEquals(accepted.length, HANGING_HANDSHAKES_MAX);
      accepted[0]?.close();
      await until(() => accepted.length === HANGING_HANDSHAKES_MAX + 1, "it dials again");
    });
    listener.close();
    await accepting;
    for (const conn of accepted.slice(1)) conn.close();
  });
});

Deno.test("where no handshake ever ends one more is tried after each pause, up to a bound", async () => {
  const clock = new ShiftedClock();
  const hanging = new HangingHandshakes(clock);
  const { signal } = new AbortController();
  for (let at = 0; at < HANGING_HANDSHAKES_MAX; at++) hang(hanging, "a:1");
  while (hanging.count("a:1") < HANGING_TOTAL_MAX) {
    let hasRoom = false;
    const waiting = hanging.room("a:1", signal).then(() => hasRoom = true);
    clock.shiftMs += HANGING_PAUSE_MS - 60_000;
    await turn();
    assertEquals(hasRoom, false);
    clock.shiftMs += 60_000;
    await waiting;
    hang(hanging, "a:1");
  }
  assertEquals(hanging.waitMs("a:1"), Infinity);
  const waiting = hanging.room("a:1", signal);
  hanging.hurry("a:1");
  await waiting;
});

Deno.test("a node whose machine was lost while it hung is dialed again as soon as it dials itself", async () => {
  await withCertificates(async ({ security }) => {
    const lost = new SilentPort();
    await withNodes([{ secret: "", security: security(0), limits: LIMITS }], async (zero) => {
      assert(zero !== undefined);
      zero.follow({ id: 1, address: `127.0.0.1:${lost.port}` });
      await until(() => lost.accepted.length === HANGING_HANDSHAKES_MAX, "so many hang");
      await lost.stopListening();
      const one = await new TestNode(1, { secret: "", security: security(1), port: lost.port }).start();
      try {
        one.follow(zero);
        await until(() => zero.peer(1).reachable, "they connect");
      } finally {
        await one.transport.stop();
        for (const conn of lost.accepted) conn.close();
      }
    });
  });
});

Deno.test("a seed at which handshakes hang does not keep the others from being asked", async () => {
  await withCertificates(async ({ security }) => {
    const silent = new SilentPort();
    await withNodes([{ secret: "", security: security(0) }], async (zero) => {
      assert(zero !== undefined);
      const seeds = [`127.0.0.1:${silent.port}`, zero.address];
      const one = await new TestNode(1, { secret: "", security: security(1), limits: LIMITS, seeds }).start();
      try {
        await until(() => silent.accepted.length === HANGING_HANDSHAKES_MAX, "so many hang");
        const asked = zero.recorder.count("asked by 1");
        await until(() => zero.recorder.count("asked by 1") >= asked + 3, "the other one is asked on");
        assertEquals(silent.accepted.length, HANGING_HANDSHAKES_MAX);
      } finally {
        for (const conn of silent.accepted) conn.close();
        await silent.stopListening();
        await one.transport.stop();
      }
    });
  });
});
