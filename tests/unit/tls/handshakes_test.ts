import { assertEquals } from "@std/assert";
import { CLOSINGS_MAX, HANDSHAKE_MS, Handshakes, HANDSHAKES_MAX } from "../../../lib/tls/handshakes.ts";
import { VirtualClock } from "../../support/memory/virtual_clock.ts";
import { turn } from "../../support/wait.ts";

Deno.test("one handshake more than there may be ends the oldest", () => {
  const handshakes = new Handshakes(new VirtualClock());
  const ended: number[] = [];
  for (let each = 0; each < HANDSHAKES_MAX; each++) handshakes.begin(() => ended.push(each));
  assertEquals([handshakes.size, ended], [HANDSHAKES_MAX, []]);
  handshakes.begin(() => ended.push(-1));
  handshakes.begin(() => ended.push(-2));
  assertEquals([handshakes.size, ended], [HANDSHAKES_MAX, [0, 1]]);
});

Deno.test("the last that is over is waited for, and what does not end by itself has its time", async () => {
  const clock = new VirtualClock();
  const closings = new Handshakes(clock, CLOSINGS_MAX);
  await closings.allOver();
  const over = closings.begin(() => {});
  closings.begin(() => {});
  let allOver = false;
  const waiting = closings.allOver().then(() => allOver = true);
  over();
  await turn();
  assertEquals([closings.size, allOver], [1, false]);
  await clock.until(() => allOver, HANDSHAKE_MS, "the other has had its time");
  await waiting;
});

Deno.test("closings have a bound of their own", () => {
  const closings = new Handshakes(new VirtualClock(), CLOSINGS_MAX);
  const ended: number[] = [];
  for (let each = 0; each <= CLOSINGS_MAX; each++) closings.begin(() => ended.push(each));
  assertEquals([closings.size, ended], [CLOSINGS_MAX, [0]]);
});

Deno.test("a handshake that is over gives its place back, and is not ended later", async () => {
  const clock = new VirtualClock();
  const handshakes = new Handshakes(clock);
  const ended: number[] = [];
  const over = handshakes.begin(() => ended.push(0));
  for (let each = 1; each < HANDSHAKES_MAX; each++) handshakes.begin(() => ended.push(each));
  over();
  over();
  handshakes.begin(() => ended.push(-1));
  assertEquals([handshakes.size, ended], [HANDSHAKES_MAX, []]);
  await clock.until(() => handshakes.size === 0, HANDSHAKE_MS, "the others have had their time");
  assertEquals([ended.length, ended.includes(0)], [HANDSHAKES_MAX, false]);
});

Deno.test("a handshake that goes on with nothing has its time and no more", async () => {
  const clock = new VirtualClock();
  const handshakes = new Handshakes(clock);
  let endedAt: number | undefined;
  handshakes.begin(() => endedAt = clock.now());
  await clock.until(() => endedAt !== undefined, HANDSHAKE_MS, "it is ended");
  assertEquals([endedAt, handshakes.size], [HANDSHAKE_MS, 0]);
});
