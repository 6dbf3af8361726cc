/** The digest of a state: equal where the log was, other where anything that the log made is other. */

import { assert, assertEquals, assertMatch, assertNotEquals } from "@std/assert";
import { Random } from "../../../lib/base/random.ts";
import { type Command, encodeCommand, type SessionUse, stampCommand } from "../../../lib/kv/commands.ts";
import { ANSWERS_KEPT_MAX, type KeptAnswer, type SessionRecord } from "../../../lib/kv/sessions.ts";
import type { StateMachine } from "../../../lib/kv/state_machine.ts";
import { blocksOf, emptyState, spanOf, stateOf } from "../../support/state.ts";

const NOW_MS = 1_700_000_000_000;
const HASH = "0123456789abcdef";

interface LogLine {
  readonly command: Command;
  readonly timeMs: number;
  readonly session?: SessionUse;
}

function apply(state: StateMachine, { command, timeMs, session }: LogLine): void {
  state.apply(state.lastApplied + 1, spanOf(stampCommand(encodeCommand(command, session), timeMs)));
}

/** Keys come and go and expire; sessions are opened, used over and over, closed and forgotten. */
function drawLine(random: Random, at: number): LogLine {
  const timeMs = NOW_MS + at * random.below(20);
  const key = `k${random.below(50)}`;
  const session = random.chance(0.6) ? { id: 1 + random.below(3), sequence: 1 + random.below(at + 1) } : undefined;
  const commands: readonly (readonly [number, Command])[] = [
    [at < 3 ? 1 : 0.02, { type: "OpenSession", ttlMs: 1_000 + random.below(5_000) }],
    [0.02, { type: "CloseSession", session: 1 + random.below(at + 1) }],
    [0.3, { type: "Put", key, value: "v".repeat(random.below(200)) }],
    [0.3, { type: "Call", call: ["SET", key, "x", "PX", `${1 + random.below(2_000)}`] }],
    [1, { type: "Call", call: ["APPEND", key, "more"] }],
  ];
  const command = commands.find(([chance]) => random.chance(chance))?.[1] ?? { type: "Advance" };
  const isUsed = session !== undefined && (command.type === "Put" || command.type === "Call");
  return { command, timeMs, ...(isUsed ? { session } : {}) };
}

Deno.test("after the same entries the digest is the same, whatever the seed, and through snapshots at any place", () => {
  const random = new Random(29);
  let first = emptyState(1);
  let second = emptyState(2);
  const seen = new Set<string>();
  let sessionsMost = 0;
  for (let at = 0; at < 2_000; at++) {
    const line = drawLine(random, at);
    apply(first, line);
    apply(second, line);
    assertEquals(first.digest, second.digest, `after entry ${first.lastApplied}`);
    seen.add(first.digest);
    sessionsMost = Math.max(sessionsMost, first.sessions);
    if (!random.chance(0.02)) continue;
    const loaded = stateOf(blocksOf(first));
    assert(loaded !== undefined);
    assertEquals(loaded.digest, first.digest, `loaded from a snapshot at ${first.lastApplied}`);
    if (random.chance(0.5)) first = loaded;
    else second = loaded;
  }
  assertMatch(first.digest, /^1:[0-9a-f]{16}$/);
  assert(seen.size > 1_000, `${seen.size} digests`);
  assert(sessionsMost >= 2, `${sessionsMost} sessions`);
});

Deno.test("when sessions have been closed or have ended, the digest is that of a state that never had them", () => {
  const used = emptyState();
  apply(used, { command: { type: "OpenSession", ttlMs: 1_000 }, timeMs: NOW_MS });
  apply(used, { command: { type: "OpenSession", ttlMs: 2_000 }, timeMs: NOW_MS });
  for (let sequence = 1; sequence <= ANSWERS_KEPT_MAX + 40; sequence++) {
    const session = { id: 1 + sequence % 2, sequence };
    apply(used, { command: { type: "Call", call: ["DEL", "none"] }, timeMs: NOW_MS, session });
  }
  apply(used, { command: { type: "CloseSession", session: 1 }, timeMs: NOW_MS });
  assertEquals(used.sessions, 1);
  apply(used, { command: { type: "Advance" }, timeMs: NOW_MS + 3_000 });
  assertEquals(used.sessions, 0);
  const fresh = emptyState();
  apply(fresh, { command: { type: "Advance" }, timeMs: NOW_MS + 3_000 });
  assertEquals(used.digest, fresh.digest);
});

/** The digest of a state of one session. */
function digestWith(change: Partial<SessionRecord>): string {
  const state = emptyState();
  const answers: readonly KeptAnswer[] = [[1, "{}", HASH], [2, null, HASH]];
  state.loading.sessions.load({ id: 5, ttlMs: 1_000, expiresAt: NOW_MS, floor: 0, answers, owner: 0, ...change });
  state.finishLoading({ index: 9, timeMs: 0 });
  return state.digest;
}

Deno.test("each part of a session counts, and so does the time", () => {
  const digests = [
    digestWith({}),
    digestWith({ id: 6 }),
    digestWith({ ttlMs: 1_001 }),
    digestWith({ expiresAt: NOW_MS + 1 }),
    digestWith({ floor: 1 }),
    digestWith({ owner: 2 }),
    digestWith({ owner: 3 }),
    digestWith({ answers: [] }),
    digestWith({ answers: [[1, "{}", HASH]] }),
    digestWith({ answers: [[1, "{}", HASH], [2, "{}", HASH]] }),
    digestWith({ answers: [[1, "{}", HASH], [3, null, HASH]] }),
    digestWith({ answers: [[1, "{}", HASH], [2, null, "f".repeat(16)]] }),
  ];
  assertEquals(new Set(digests).size, digests.length);
  const [early, late] = [emptyState(), emptyState()];
  early.finishLoading({ index: 9, timeMs: 1 });
  late.finishLoading({ index: 9, timeMs: 2 });
  assertNotEquals(early.digest, late.digest);
});
