import { assertEquals } from "@std/assert";
import { CatchUp } from "../../../lib/node/membership/catch_up.ts";
import { CAUGHT_UP_LAG_MS, CAUGHT_UP_MS, MEMBERSHIP_CHECK_MS, TICK_MS } from "../../../lib/node/limits.ts";
import type { PeerProgress, RaftStatus } from "../../../lib/raft/status.ts";
import { EMPTY_CONFIGURATION, toIndex, toTerm, toTicks, ZERO_ENTRY_ID } from "../../../lib/raft/types.ts";

/** A leader of term `term` that commits 10 entries at each look, and its learner 3. */
class Stage {
  readonly catchUp = new CatchUp();
  term = 1;
  role: RaftStatus["role"] = "Leader";
  looks = 0;

  /** Looks once more, with the learner `behind` looks behind. */
  look(behind: number, change: Partial<PeerProgress> = {}): readonly number[] {
    this.looks += 1;
    const progress: PeerProgress = {
      id: 3,
      state: "Replicate",
      matchIndex: toIndex(Math.max(0, 10 * (this.looks - behind))),
      nextIndex: toIndex(1),
      silentTicks: toTicks(0),
      ...change,
    };
    const status: RaftStatus = {
      id: 0,
      role: this.role,
      currentTerm: toTerm(this.term),
      votedFor: 0,
      leaderId: 0,
      commitIndex: toIndex(10 * this.looks),
      firstIndex: toIndex(1),
      lastEntry: ZERO_ENTRY_ID,
      lastDurable: ZERO_ENTRY_ID,
      snapshot: ZERO_ENTRY_ID,
      logBytes: 0,
      configuration: { ...EMPTY_CONFIGURATION, voters: [0, 1, 2], learners: [3] },
      termCommitted: true,
      progress: this.role === "Leader" ? [progress] : [],
      transferTarget: undefined,
      electionsStarted: 1,
    };
    return [...this.catchUp.look(status, this.looks * MEMBERSHIP_CHECK_MS)];
  }

  /** How many looks it takes until the learner has caught up, at most `most`. */
  looksUntilCaughtUp(look: () => readonly number[], most = 100): number {
    for (let count = 1; count <= most; count++) if (look().length > 0) return count;
    return Infinity;
  }
}

const LOOKS_HELD = CAUGHT_UP_MS / MEMBERSHIP_CHECK_MS;
const LAG_LOOKS = CAUGHT_UP_LAG_MS / MEMBERSHIP_CHECK_MS;

Deno.test("a learner has caught up once it has kept within the lag for as long as that is asked", () => {
  const near = new Stage();
  assertEquals(near.looksUntilCaughtUp(() => near.look(0)), LOOKS_HELD + 1);
  // As old as may be: close only from the moment on at which there is something so old to compare with.
  const edge = new Stage();
  assertEquals(edge.looksUntilCaughtUp(() => edge.look(LAG_LOOKS)), LAG_LOOKS + LOOKS_HELD + 1);
  const behind = new Stage();
  assertEquals(behind.looksUntilCaughtUp(() => behind.look(LAG_LOOKS + 1)), Infinity);
});

Deno.test("a break, silence, a snapshot under way or another term begin the time anew", () => {
  const breaks: readonly ((stage: Stage) => void)[] = [
    (stage) => void stage.look(100),
    (stage) => void stage.look(0, { silentTicks: toTicks(CAUGHT_UP_LAG_MS / TICK_MS + 1) }),
    (stage) => void stage.look(0, { state: "Snapshot" }),
    (stage) => void stage.look(0, { state: "Probe" }),
    (stage) => void (stage.term += 1),
    (stage) => {
      stage.role = "Follower";
      stage.look(0);
      stage.role = "Leader";
    },
  ];
  for (const [at, interrupt] of breaks.entries()) {
    const stage = new Stage();
    for (let count = 0; count < LOOKS_HELD; count++) assertEquals(stage.look(0), []);
    interrupt(stage);
    assertEquals(stage.looksUntilCaughtUp(() => stage.look(0)), LOOKS_HELD + 1, `break ${at}`);
  }
});
