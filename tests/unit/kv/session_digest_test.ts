/** The digest of the sessions: kept up to date by every change, and cheap to take a session out of. */

import { assert, assertEquals } from "@std/assert";
import { hash64 } from "../../../lib/base/hash.ts";
import { Random } from "../../../lib/base/random.ts";
import type { CommandResult } from "../../../lib/kv/results.ts";
import { ANSWER_BYTES_MAX, Sessions } from "../../../lib/kv/sessions.ts";
import { SWEPT_PER_ENTRY_MAX } from "../../../lib/kv/state_machine.ts";

const OF_NONE = "0".repeat(16);
const ANSWERS_EACH = 20;
const HASH = "0123456789abcdef";

function answer(bytes: number): CommandResult {
  return { type: "Reply", revision: 1, reply: "a".repeat(bytes) };
}

/** The same sessions, whose digest is made from nothing but what a snapshot holds. */
function remade(sessions: Sessions): Sessions {
  const made = new Sessions();
  for (const id of sessions.beginSnapshot()) {
    const record = sessions.snapshotOf(id);
    assert(record !== undefined);
    made.load(record);
  }
  sessions.endSnapshot();
  return made;
}

Deno.test("after any operations the digest is that of the same sessions made anew, and nothing is left of those that end", () => {
  const random = new Random(71);
  let sessions = new Sessions();
  let now = 0;
  let ended = 0;
  for (let step = 1; step <= 2_000; step++) {
    now += random.below(10);
    const { size } = sessions;
    if (size < 4 || random.chance(0.02)) sessions.open(step, { ttlMs: 100 + random.below(900), now });
    else if (random.chance(0.2)) sessions.sweep(now, 3);
    if (sessions.size < size) ended++;
    for (const open of sessions.beginSnapshot()) {
      if (random.chance(0.005)) ended += sessions.close(open) ? 1 : 0;
      if (random.chance(0.1)) sessions.renew(open, now);
      if (!random.chance(0.5)) continue;
      const bytes = random.chance(0.1) ? random.below(2 * ANSWER_BYTES_MAX) : random.below(50);
      sessions.keep({ id: open, sequence: step, hash: HASH }, answer(bytes));
    }
    sessions.endSnapshot();
    const made = remade(sessions);
    assertEquals(sessions.digest, made.digest, `after step ${step}`);
    if (random.chance(0.01)) sessions = made;
  }
  assert(ended > 20, `${ended} times sessions ended`);
  assert(sessions.size > 0);
  for (const each of [remade(sessions), sessions]) {
    each.sweep(Infinity, each.size);
    assertEquals([each.size, each.digest], [0, OF_NONE]);
  }
});

Deno.test("sessions that end have nothing hashed, however many end with one entry and whatever they keep", () => {
  let hashes = 0;
  const sessions = new Sessions((part) => {
    hashes++;
    return hash64(part);
  });
  for (let id = 1; id <= SWEPT_PER_ENTRY_MAX + 1; id++) {
    sessions.open(id, { ttlMs: 1_000, now: 0 });
    for (let sequence = 1; sequence <= ANSWERS_EACH; sequence++) {
      sessions.keep({ id, sequence, hash: HASH }, answer(100));
    }
  }
  assert(hashes > sessions.size * ANSWERS_EACH, `${hashes} hashes to fill them`);
  hashes = 0;
  sessions.close(1);
  sessions.sweep(Infinity, SWEPT_PER_ENTRY_MAX);
  assertEquals([hashes, sessions.size, sessions.digest], [0, 0, OF_NONE]);
});
