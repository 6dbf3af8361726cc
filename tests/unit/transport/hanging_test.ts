/** Handshakes to which nobody answers: few at a time, and room again when one of them ends. */

import { assert, assertEquals } from "@std/assert";
import { HANGING_HANDSHAKES_MAX, HangingHandshakes } from "../../../lib/transport/hanging.ts";
import { turn, until } from "../../support/wait.ts";
import { withNodes } from "./support.ts";
import { withCertificates } from "./tls_support.ts";

Deno.test("there is room at an address until so many hang there, and again when one ends", async () => {
  const hanging = new HangingHandshakes();
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
  const hanging = new HangingHandshakes();
  for (let at = 0; at < HANGING_HANDSHAKES_MAX; at++) {
    hanging.add("a:1", { handshake: new Promise(() => {}), over: () => {} });
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
