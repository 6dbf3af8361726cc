/** Random and mutated conversations, split anywhere: the pieces never change the replies, and nothing throws. */

import { assert, assertEquals } from "@std/assert";
import { Random } from "../../../../lib/base/random.ts";
import { SessionBench } from "./session_support.ts";

const INPUTS = 20_000;
const SEED = 20_260;

/** Pieces of conversations. None shows figures that depend on time or on bytes received. */
const PIECES: readonly string[] = [
  "PUT key1 value1\n",
  "PUT key1 \xc3\xbc\xe2\x82\xac\r\n",
  'PUT "a key" "a\\nb\\x00"\n',
  "GET key1\n",
  "g 'a key'\r\n",
  "DELETE key1\n",
  "PUT --key k --value v w\n",
  "PUT -k k -v v\n",
  "GET --key=k\n",
  "STATUS\n",
  "LOGSIZE\nCLUSTER\n",
  "LOGS 3\n",
  "SNAPSHOT\n",
  "HISTORY\n",
  "!!\n",
  "!2\n",
  "HELP PUT\n",
  "EXIT\n",
  "GET / HTTP/1.1\r\n",
  "POST / HTTP/1.1\r\n",
  "\r\n",
  "\x00\xff\n",
  'PUT k "open\n',
  "!",
  "PUT k ",
  "\"'\\x",
];

function makeInput(random: Random): string {
  let input = "";
  for (let count = random.below(8) + 1; count > 0; count--) input += mutate(random.pick(PIECES), random);
  return input;
}

function mutate(piece: string, random: Random): string {
  if (random.chance(0.6)) return piece;
  const at = random.below(piece.length + 1);
  const noise = String.fromCharCode(random.below(256)).repeat(random.below(4));
  return piece.slice(0, at) + noise + piece.slice(at + random.below(3));
}

function split(input: string, random: Random): string[] {
  const chunks: string[] = [];
  for (let at = 0; at < input.length;) {
    const length = random.chance(0.3) ? 1 : 1 + random.below(input.length);
    chunks.push(input.slice(at, at + length));
    at += length;
  }
  return chunks;
}

async function converse(chunks: readonly string[]): Promise<string> {
  const bench = new SessionBench();
  for (const chunk of chunks) {
    for (let turns = 0; bench.session.full && !ended(bench); turns++) {
      assert(turns < 1_000, "The session never takes input again");
      await Promise.resolve();
    }
    if (ended(bench)) break;
    bench.session.receive(chunk);
  }
  if (!ended(bench)) bench.session.inputEnded();
  for (let turns = 0; !ended(bench); turns++) {
    assert(turns < 1_000, "The session never ends");
    await Promise.resolve();
  }
  assert(
    bench.link.aborted || bench.metrics.received.value ===
        bench.metrics.succeeded.value + bench.metrics.failed.value + bench.metrics.redirected.value,
  );
  return bench.link.aborted ? "(aborted)" : bench.takeOutput();
}

function ended(bench: SessionBench): boolean {
  return bench.link.finished || bench.link.aborted;
}

Deno.test(`${INPUTS} random conversations get the same replies however they are split`, async () => {
  const random = new Random(SEED);
  for (let round = 0; round < INPUTS; round++) {
    const input = makeInput(random);
    const whole = await converse([input]);
    const parts = await converse(split(input, random));
    assertEquals(parts, whole, `seed ${SEED}, round ${round}: ${JSON.stringify(input)}`);
  }
});
