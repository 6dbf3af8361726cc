/** A node that is cut off on request: no connection in either direction, no word to the others why, and all is mended later. */

import { assertEquals } from "@std/assert";
import { join, numbered, withNodes } from "./support.ts";
import { until } from "../../support/wait.ts";

const QUICK = { pingIntervalMs: 20, pongTimeoutMs: 400, backoffMsMax: 40 };
const THREE_QUICK = [{ limits: QUICK }, { limits: QUICK }, { limits: QUICK }];

Deno.test("an isolated node loses every peer in both directions, and the others keep each other", async () => {
  await withNodes(THREE_QUICK, async (zero, one, two) => {
    zero.follow(one, two);
    one.follow(zero, two);
    two.follow(zero, one);
    const nodes = [zero, one, two];
    const isWhole = () => nodes.every((node) => node.transport.peers().every(({ reachable }) => reachable));
    await until(isWhole, "all are connected");

    zero.transport.isolate(true);
    await until(() => !one.peer(0).reachable && !two.peer(0).reachable, "the others notice");
    assertEquals(zero.transport.send(numbered(1)), false);
    await until(() => one.peer(0).problem !== undefined, "another node tries in vain");
    assertEquals([one.peer(2).reachable, two.peer(1).reachable], [true, true]);
    assertEquals(zero.recorder.messages, []);
    const warnings = nodes.flatMap(({ log }) => log.filter((line) => line.startsWith("warn")));
    assertEquals(warnings, [], "nobody is told of wrong settings");

    zero.transport.isolate(false);
    await until(isWhole, "all are connected again");
    zero.post(numbered(2));
    await until(() => one.recorder.messages.length === 1, "a message arrives");
  });
});

Deno.test("peers that come while a node is isolated are met afterwards", async () => {
  await withNodes([{ limits: QUICK }, { limits: QUICK }], async (zero, one) => {
    zero.transport.isolate(true);
    zero.follow(one);
    one.follow(zero);
    await until(() => one.peer(0).problem !== undefined, "the peer tries in vain");
    assertEquals(zero.peer(1).reachable, false);
    zero.transport.isolate(false);
    await join(zero, one);
  });
});
