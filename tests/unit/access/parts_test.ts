/** Passwords, the line in which they are worked on, the delays after failures, and passes between nodes. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { HASHES_AT_ONCE, HASHES_WAITING_MAX, HashQueue } from "../../../lib/access/hash_queue.ts";
import {
  DELAY_MS_MAX,
  FAILING_PAIRS_MAX,
  FAILURES_KEPT_MS,
  FIRST_DELAY_MS,
  FREE_FAILURES,
  LoginDelays,
} from "../../../lib/access/login_delays.ts";
import {
  connectionTo,
  makePass,
  PASS_CHARACTERS_MAX,
  PASS_MS,
  PassReader,
  type PassSubject,
} from "../../../lib/access/node_pass.ts";
import { hashPassword, isPassword, PASSWORD_BYTES, passwordProblem } from "../../../lib/access/passwords.ts";
import { encodeCommand } from "../../../lib/kv/commands.ts";
import { emptyState, spanOf } from "../../support/state.ts";
import { setUser } from "../../support/users.ts";

Deno.test("what is kept of a password is taken by the state, says nothing of it, and is another one each time", async () => {
  const password = "p\xc3\xa4ssword\0\xff";
  const [hash, again] = await Promise.all([hashPassword(password), hashPassword(password)]);
  assertNotEquals(hash, again);
  assertMatch(hash, /^scrypt:14:8:1:[0-9a-f]{32}:[0-9a-f]{64}$/);
  const result = emptyState().apply(1, spanOf(encodeCommand(setUser("root", { hash }))));
  assertEquals(result.type, "Reply");
  const right = await Promise.all([hash, again].map((kept) => isPassword(password, kept)));
  const wrong = await Promise.all([
    isPassword(`${password}x`, hash),
    isPassword(password.slice(1), hash),
    isPassword("", hash),
    isPassword(password, undefined),
  ]);
  assertEquals([right, wrong], [[true, true], [false, false, false, false]]);
});

Deno.test("a password has so many bytes at least and at most", () => {
  const { least, most } = PASSWORD_BYTES;
  for (
    const [length, isRight] of [[0, false], [least - 1, false], [least, true], [most, true], [most + 1, false]] as const
  ) {
    assertEquals(passwordProblem("x".repeat(length)) === undefined, isRight, `${length} bytes`);
  }
});

Deno.test("few passwords are worked on at a time, in order, and what is too much is turned away", async () => {
  const queue = new HashQueue();
  const ends: (() => void)[] = [];
  const begun: number[] = [];
  const run = (at: number) =>
    queue.run(`${at % 3}`, () => {
      begun.push(at);
      return new Promise<number>((resolve) => ends.push(() => resolve(at)));
    });
  const count = HASHES_AT_ONCE + HASHES_WAITING_MAX;
  const all = Array.from({ length: count }, (_, at) => run(at));
  assertEquals([begun.length, queue.isFull], [HASHES_AT_ONCE, true]);
  assertEquals(await run(count), undefined);
  for (let done = 0; done < count; done++) {
    ends.shift()?.();
    await all[done];
    await Promise.resolve();
    assert(begun.length <= done + 1 + HASHES_AT_ONCE, `${begun.length} begun after ${done + 1}`);
  }
  assertEquals(await Promise.all(all), Array.from({ length: count }, (_, at) => at));
  assertEquals(begun, Array.from({ length: count }, (_, at) => at));
  const failing = queue.run("", () => Promise.reject(new Error("no")));
  assertEquals(await failing.catch((error) => String(error)), "Error: no");
  const after = run(count + 1);
  ends.shift()?.();
  assertEquals(await after, count + 1);
});

Deno.test("who asks for the work of many passwords lets others in between: each has a turn", async () => {
  const queue = new HashQueue();
  const begun: string[] = [];
  const run = (who: string) =>
    queue.run(who, () => {
      begun.push(who);
      return Promise.resolve();
    });
  const running = Array.from({ length: HASHES_AT_ONCE }, () => run("many"));
  await Promise.all([...running, ...["many", "many", "many", "many", "one", "two", "two"].map(run)]);
  const first = Array<string>(HASHES_AT_ONCE).fill("many");
  assertEquals(begun, [...first, "many", "one", "two", "many", "two", "many", "many"]);
});

Deno.test("after some failures each further one doubles the delay of that pair alone, up to a bound, until it is forgotten", () => {
  const delays = new LoginDelays();
  let now = 1_000;
  const seen: number[] = [];
  for (let failure = 0; failure < FREE_FAILURES + 12; failure++) {
    seen.push(delays.delayMs("a alice", now));
    now += delays.delayMs("a alice", now);
    delays.failed("a alice", now);
  }
  assertEquals(seen.slice(0, FREE_FAILURES + 3), [0, 0, 0, FIRST_DELAY_MS, 2 * FIRST_DELAY_MS, 4 * FIRST_DELAY_MS]);
  assertEquals(Math.max(...seen), DELAY_MS_MAX);
  assertEquals([delays.delayMs("b alice", now), delays.delayMs("a bob", now)], [0, 0]);
  assertEquals(delays.delayMs("a alice", now + 1), DELAY_MS_MAX - 1);
  assertEquals(delays.delayMs("a alice", now + FAILURES_KEPT_MS), 0);
  delays.succeeded("a alice");
  assertEquals(delays.delayMs("a alice", now), 0);
  for (let at = 0; at < FREE_FAILURES; at++) delays.failed("first", now);
  for (let at = 0; at < FAILING_PAIRS_MAX - 1; at++) delays.failed(`pair ${at}`, now);
  assertEquals(delays.delayMs("first", now), FIRST_DELAY_MS);
  delays.failed("one more", now);
  assertEquals(delays.delayMs("first", now), 0, "The one that failed longest ago is forgotten");
});

Deno.test("a pass is worth something once, for its request, its node, its time and its secret, and nothing else", () => {
  const subject: PassSubject = { to: 1, method: "DELETE", path: "/v1/cluster/members/2", body: "" };
  const nowMs = 1_700_000_000_000;
  const secret = "0123456789abcdef";
  const make = () => makePass(secret, { subject, login: 7, nowMs });
  const reader = new PassReader(() => [secret]);
  const pass = make();
  assertEquals(
    new PassReader(() => []).read(pass, { subject, nowMs: [nowMs] }),
    undefined,
    "where there is no key",
  );
  const others: readonly PassSubject[] = [
    { ...subject, to: 2 },
    { ...subject, method: "POST" },
    { ...subject, path: "/v1/cluster/members/1" },
    { ...subject, body: "{}" },
    connectionTo(1),
  ];
  for (const other of others) assertEquals(reader.read(pass, { subject: other, nowMs: [nowMs] }), undefined);
  assertEquals(new PassReader(() => [`${secret}0`]).read(pass, { subject, nowMs: [nowMs] }), undefined);
  for (const late of [PASS_MS + 1, -PASS_MS - 1]) {
    assertEquals(reader.read(pass, { subject, nowMs: [nowMs + late] }), undefined);
  }
  const spread = (count: number) =>
    makePass("other", { subject, login: 7, nowMs, also: [...Array(count - 2).fill("other"), secret] });
  assertEquals(spread(4).length <= PASS_CHARACTERS_MAX, true);
  assertEquals([4, 5].map((count) => reader.read(spread(count), { subject, nowMs: [nowMs] })), [7, undefined]);
  for (let at = 0; at < pass.length; at++) {
    const changed = pass.slice(0, at) + (pass[at] === "1" ? "2" : "1") + pass.slice(at + 1);
    assertEquals(reader.read(changed, { subject, nowMs: [nowMs] }), undefined, changed);
  }
  for (const no of ["", "x", "7.1.2.3", `${pass} `, ` ${pass}`]) {
    assertEquals(reader.read(no, { subject, nowMs: [nowMs] }), undefined);
  }
  assertEquals(reader.read(pass, { subject, nowMs: [nowMs] }), 7);
  assertEquals(reader.read(pass, { subject, nowMs: [nowMs] }), undefined, "a second time");
  assertEquals(reader.read(make(), { subject, nowMs: [nowMs + PASS_MS] }), 7);
  assertEquals(reader.read(pass, { subject, nowMs: [nowMs + PASS_MS] }), undefined, "a second time, later");
});
