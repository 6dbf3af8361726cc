/** The order of requests and replies, room, turns, back-pressure and the end, whatever the protocol. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../../lib/base/random.ts";
import {
  REQUESTS_IN_FLIGHT_BYTES_MAX,
  REQUESTS_IN_FLIGHT_MAX,
  REQUESTS_IN_FLIGHT_MIN,
  UNSENT_BYTES_MAX,
} from "../../../../lib/net/limits.ts";
import { ConversationBench, GOODBYE, UNFINISHED } from "./conversation_support.ts";

/** What is open, what comes behind it, and whether that begins meanwhile. */
const MEETINGS: readonly (readonly [open: string, next: string, begins: boolean])[] = [
  ["w", "w", true],
  ["w", "r", false],
  ["w", "a", false],
  ["w", "n", true],
  ["r", "w", false],
  ["r", "r", true],
  ["r", "a", false],
  ["r", "n", true],
  ["a", "w", false],
  ["a", "r", false],
  ["a", "a", false],
  ["a", "n", false],
];

for (const [open, next, begins] of MEETINGS) {
  Deno.test(`while ${open} is open, ${next} behind it ${begins ? "begins" : "waits"}`, () => {
    const bench = new ConversationBench();
    bench.conversation.receive(`${open}${next}`);
    assertEquals(bench.takeSeen(), begins ? `${open}0 ${next}1` : `${open}0`);
    assertEquals(bench.conversation.full, !begins || open === "a");
    bench.finish(`${open}0`);
    assertEquals(bench.takeSeen(), begins ? `${open}0.` : `${open}0. ${next}1`);
  });
}

Deno.test("what waits holds up everything behind it, whatever that is", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("wwrnw");
  assertEquals(bench.takeSeen(), "w0 w1");
  bench.finish("w1");
  assertEquals(bench.takeSeen(), "w1.");
  bench.finish("w0");
  assertEquals(bench.takeSeen(), "w0. r2 n3");
  bench.finish("r2");
  assertEquals([bench.takeSeen(), bench.takeOutput()], ["r2. w4", "w0 w1 r2 n3"]);
});

Deno.test("replies leave in the order of the requests, however these end", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("wwnw");
  bench.finish("w3");
  bench.finish("w1");
  assertEquals(bench.takeOutput(), "");
  bench.finish("w0");
  assertEquals(bench.takeOutput(), "w0 w1 n2 w3");
});

Deno.test("a reply that is not sent to its end holds back those behind it, and keeps the client busy", () => {
  const bench = new ConversationBench();
  bench.partial.add("r0");
  bench.conversation.receive(`rn${UNFINISHED}`);
  bench.finish("r0");
  assertEquals([bench.takeOutput(), bench.conversation.standing.type], ["", "Busy"]);
  bench.partial.clear();
  bench.conversation.outputSent();
  assertEquals([bench.takeOutput(), bench.conversation.standing], ["r0 n1", { type: "Receiving", request: 2 }]);
});

Deno.test("no more than so many requests are under way, and those that are over wait in the input", () => {
  const bench = new ConversationBench({ requestsPerTurnMax: Infinity });
  bench.conversation.receive("w".repeat(REQUESTS_IN_FLIGHT_MAX + 2));
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MAX, true]);
  // Its slot is taken until its reply can be sent.
  bench.finish("w1");
  assertEquals(bench.open.size, REQUESTS_IN_FLIGHT_MAX - 1);
  bench.finish("w0");
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MAX, true]);
  bench.finish("w2");
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MAX - 1, false]);
});

Deno.test("with many connections fewer requests of each are under way, also of one that began before the others", () => {
  const bench = new ConversationBench({ requestsPerTurnMax: Infinity });
  bench.conversation.receive("w".repeat(REQUESTS_IN_FLIGHT_MAX + 1));
  assertEquals(bench.open.size, REQUESTS_IN_FLIGHT_MAX);
  bench.connections = 1_000;
  for (let at = 0; at <= REQUESTS_IN_FLIGHT_MAX - REQUESTS_IN_FLIGHT_MIN; at++) {
    assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MAX - at, true]);
    bench.finish(`w${at}`);
  }
  assertEquals([bench.open.size, bench.open.has(`w${REQUESTS_IN_FLIGHT_MAX}`)], [REQUESTS_IN_FLIGHT_MIN, true]);
});

Deno.test("of requests that are long together no more are under way than with many connections", () => {
  const bench = new ConversationBench({ requestsPerTurnMax: Infinity });
  bench.conversation.receive("w".repeat(REQUESTS_IN_FLIGHT_MIN));
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MIN, false]);
  bench.conversation.receive("w".padEnd(REQUESTS_IN_FLIGHT_BYTES_MAX));
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MIN, true]);
  bench.finish("w0");
  const last = `w${REQUESTS_IN_FLIGHT_MIN}`;
  assertEquals([bench.open.size, bench.conversation.full, bench.open.has(last)], [REQUESTS_IN_FLIGHT_MIN, true, true]);
  for (let at = 1; at < REQUESTS_IN_FLIGHT_MIN; at++) bench.finish(`w${at}`);
  assertEquals([bench.open.size, bench.conversation.full], [1, false]);
  bench.conversation.receive("w".repeat(REQUESTS_IN_FLIGHT_MAX));
  assertEquals([bench.open.size, bench.conversation.full], [REQUESTS_IN_FLIGHT_MAX, true]);
});

Deno.test("a read that was confirmed before its turn is not done where the state is known not to be sound by then", () => {
  const bench = new ConversationBench({ replyBytes: UNSENT_BYTES_MAX });
  bench.conversation.receive("rrr");
  bench.link.reading = false;
  bench.finish("r2");
  bench.finish("r1");
  bench.finish("r0");
  assertEquals(bench.takeSeen(), "r0 r1 r2 r0.");
  bench.isQuarantined = true;
  bench.link.reading = true;
  bench.link.unsentBytes = 0;
  bench.conversation.outputSent();
  assertEquals(bench.takeSeen(), "r1! r2!");
});

Deno.test("a client that does not read is sent no more than its room, and nothing is begun for it", () => {
  const bench = new ConversationBench({ replyBytes: UNSENT_BYTES_MAX / 4 });
  bench.link.reading = false;
  bench.conversation.receive("n".repeat(20));
  assertEquals(bench.seen.length, 4);
  let turns = 0;
  for (; bench.conversation.full && turns < 100; turns++) {
    bench.link.unsentBytes = 0;
    bench.conversation.outputSent();
  }
  assertEquals([bench.seen.length, turns], [20, 5]);
  assertEquals(bench.takeOutput().match(/n\d+/g)?.length, 20);
});

Deno.test("replies that became ready while the client did not read leave once it reads", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("ww");
  bench.link.unsentBytes = UNSENT_BYTES_MAX + 1;
  bench.finish("w0");
  bench.finish("w1");
  assertEquals(bench.takeOutput(), "");
  bench.link.unsentBytes = 0;
  bench.conversation.outputSent();
  assertEquals(bench.takeOutput(), "w0 w1");
});

Deno.test("reads are done in order, each when its reply is next, and hold up writes until then", () => {
  const bench = new ConversationBench({ replyBytes: UNSENT_BYTES_MAX });
  bench.link.reading = false;
  bench.conversation.receive("rrnrrw");
  for (const name of ["r1", "r4", "r3", "r0"]) bench.finish(name);
  assertEquals(bench.takeSeen(), "r0 r1 n2 r3 r4 r0.");
  for (const seen of ["r1.", "", "r3.", "r4.", "w5"]) {
    bench.link.unsentBytes = 0;
    bench.conversation.outputSent();
    assertEquals(bench.takeSeen(), seen);
  }
  bench.finish("w5");
  bench.link.unsentBytes = 0;
  bench.conversation.outputSent();
  assertEquals(bench.takeOutput().match(/[rnw]\d/g), ["r0", "r1", "n2", "r3", "r4", "w5"]);
});

Deno.test("a read behind a long reply is done when that one is sent to its end", () => {
  const bench = new ConversationBench();
  bench.partial.add("r0");
  bench.conversation.receive("rr");
  bench.finish("r0");
  bench.finish("r1");
  assertEquals(bench.takeSeen(), "r0 r1 r0.");
  bench.partial.clear();
  bench.conversation.outputSent();
  assertEquals([bench.takeSeen(), bench.takeOutput()], ["r1.", "r0 r1"]);
});

Deno.test("in one turn of the loop only a share of the input is taken, and the rest in the next ones", async () => {
  const bench = new ConversationBench({ requestsPerTurnMax: 3 });
  bench.conversation.receive("n".repeat(7));
  assertEquals([bench.takeSeen(), bench.conversation.full], ["n0 n1 n2", true]);
  // What happens meanwhile does not take more.
  bench.conversation.outputSent();
  assertEquals(bench.takeSeen(), "");
  await bench.clock.turn();
  assertEquals(bench.takeSeen(), "n3 n4 n5");
  await bench.clock.turn();
  assertEquals([bench.takeSeen(), bench.conversation.full, bench.link.wakes > 0], ["n6", false, true]);
});

Deno.test("what a request begins last is answered before the connection ends, and nothing behind it is looked at", () => {
  const bench = new ConversationBench();
  bench.conversation.receive(`w${GOODBYE}ww`);
  assertEquals([bench.takeSeen(), bench.link.finished], ["w0", false]);
  bench.finish("w0");
  assertEquals([bench.takeSeen(), bench.takeOutput()], [`w0. ${GOODBYE}1 end`, `w0 ${GOODBYE}1`]);
  assertEquals([bench.link.finished, bench.conversation.full, bench.input.hasInput], [true, false, false]);
});

Deno.test("when no more input comes, everything that came is done, a last word said, and the link finished", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("wrn");
  bench.conversation.inputEnded();
  assertEquals([bench.takeSeen(), bench.link.finished], ["w0", false]);
  bench.finish("w0");
  bench.finish("r1");
  assertEquals(bench.takeSeen(), "w0. r1 n2 last word end r1.");
  assertEquals([bench.takeOutput(), bench.link.finished], ["w0 r1 n2", true]);
});

Deno.test("a stopping server drops what is held, answers what is open, and finishes the link", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("wrw");
  bench.conversation.stop();
  assertEquals([bench.link.finished, bench.conversation.standing.type], [false, "Busy"]);
  bench.finish("w0");
  assertEquals([bench.takeSeen(), bench.takeOutput(), bench.link.finished], ["w0 end w0.", "w0", true]);
  bench.conversation.receive("w");
  assertEquals(bench.takeSeen(), "");
});

Deno.test("what ends behind its connection is let go of", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("wr");
  bench.conversation.closed();
  bench.finish("w0");
  assertEquals(bench.takeSeen(), "w0 end closed w0.");
  assertEquals(bench.conversation.full, false);
});

Deno.test("a client is busy, in the middle of a request, or idle, with or without something to lose", () => {
  const bench = new ConversationBench();
  const { conversation } = bench;
  assertEquals(conversation.standing, { type: "Idle" });
  bench.holdsState = true;
  assertEquals(conversation.standing, { type: "Holding" });
  conversation.receive(UNFINISHED);
  assertEquals(conversation.standing, { type: "Receiving", request: 0 });
  conversation.receive("w");
  assertEquals(conversation.standing, { type: "Busy" });
  bench.finish("w0");
  assertEquals(conversation.standing, { type: "Holding" });
});

Deno.test("who is too slow with a request is told so, and the link finished", () => {
  const bench = new ConversationBench();
  bench.conversation.receive(UNFINISHED);
  bench.conversation.requestTooSlow();
  assertEquals([bench.takeOutput(), bench.link.finished], ["too slow", true]);
});

Deno.test("slots are used again, and hold on to nothing meanwhile", () => {
  const bench = new ConversationBench();
  bench.conversation.receive("w");
  const slot = bench.open.get("w0");
  bench.finish("w0");
  assert(slot !== undefined && slot.exchange === bench.nothing);
  bench.conversation.receive("r");
  assert(bench.open.get("r1") === slot && slot.turn === "Read");
  bench.finish("r1");
  assertEquals(bench.takeOutput(), "w0 r1");
});

Deno.test("each wait is measured from when its bytes came to when it had ended", async () => {
  const bench = new ConversationBench();
  bench.conversation.receive("w");
  await bench.clock.advance(250);
  bench.finish("w0");
  const { count, sum } = bench.metrics.commandSeconds;
  assertEquals([count, sum], [1, 0.25]);
});

/** What a request may not begin beside. */
const EXCLUDED: Readonly<Record<string, string>> = { w: "ra", r: "wa", a: "wra", n: "a" };

Deno.test("random conversations: nothing begins beside what it must wait for, reads are done and replies come in order", async () => {
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    const replyBytes = seed % 20 === 0 ? UNSENT_BYTES_MAX / 3 : 10;
    const bench = new ConversationBench({ requestsPerTurnMax: random.pick([1, 5, 1_000]), replyBytes });
    bench.link.reading = random.chance(0.5);
    const letters = Array.from({ length: random.between(1, 80) }, () => random.pick([..."wwwwrrrna"]));
    let sent = 0;
    let done = 0;
    let output = "";
    for (let step = 0; done < letters.length; step++) {
      assert(step < 5_000, `seed ${seed}: the conversation is stuck`);
      if (sent < letters.length && !bench.conversation.full && random.chance(0.3)) {
        const piece = letters.slice(sent, sent + random.between(1, 12)).join("");
        sent += piece.length;
        bench.conversation.receive(piece);
      } else if (bench.open.size > 0 && random.chance(0.7)) bench.finish(random.pick([...bench.open.keys()]));
      else if (random.chance(0.5)) await bench.clock.turn();
      else {
        bench.link.unsentBytes = 0;
        bench.conversation.outputSent();
      }
      output += bench.link.output.replaceAll("x", "");
      bench.link.output = "";
      done = output.split(" ").length - 1;
    }
    assertEquals(output.match(/[wrna]\d+/g), letters.map((letter, at) => `${letter}${at}`), `seed ${seed}`);
    checkOverlaps(bench.seen, `seed ${seed}`);
    const reads = bench.seen.filter((event) => /^r\d+\.$/.test(event));
    const inOrder = letters.flatMap((letter, at) => letter === "r" ? [`r${at}.`] : []);
    assertEquals(reads, inOrder, `seed ${seed}`);
  }
});

/** Starts come in order, and none lies between the start and the end of what excludes it. */
function checkOverlaps(seen: readonly string[], where: string): void {
  const open = new Set<string>();
  let next = 0;
  for (const event of seen) {
    if (event.endsWith(".")) {
      open.delete(event.slice(0, -1));
      continue;
    }
    const letter = event.charAt(0);
    assertEquals(event, `${letter}${next}`, where);
    next += 1;
    const excluded = [...open].filter((name) => (EXCLUDED[letter] ?? "").includes(name.charAt(0)));
    assertEquals(excluded, [], `${where}: ${event} began`);
    if (letter !== "n") open.add(event);
  }
}
