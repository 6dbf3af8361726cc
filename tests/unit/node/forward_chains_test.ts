/** Several frames of writes under way to a leader: whatever becomes of one of them, no write overtakes another and none is done twice. */

import { assertEquals } from "@std/assert";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { Flights } from "../../../lib/node/writes/flights.ts";
import { ForwardedWrites } from "../../../lib/node/writes/forwarded_writes.ts";
import {
  DEFAULT_PENDING_LIMITS,
  FLIGHT_BYTES_MAX,
  FLIGHT_GATHERING_MS,
  FLIGHTS_MAX,
  GATHERED_MAX,
} from "../../../lib/node/limits.ts";
import type { QueuedWrite } from "../../../lib/node/writes/pending_writes.ts";
import { Submissions } from "../../../lib/node/writes/submissions.ts";
import { type Configuration, EMPTY_CONFIGURATION, type NodeId, type Role, toTerm } from "../../../lib/raft/types.ts";
import { decodeCommands, encodeCommands } from "../../../lib/raft/run.ts";
import type { Forward, ForwardResult } from "../../../lib/transport/forward.ts";

const TIMEOUT_MS = 1_000;
const NOT_LEADING: WriteOutcome = { type: "NotDone", reason: "NotLeader", leaderId: undefined };

/** A leader: takes frames, and does what it is told with each write. */
class Leader {
  /** Taken, in this order; refused ones are missing. */
  readonly done: string[] = [];
  readonly answers: ForwardResult[] = [];
  readonly raft = { currentTerm: toTerm(1) };
  /** Which commands it refuses for not leading. */
  refuses: (command: string) => boolean = () => false;
  /** Taken and not answered yet, while this is set. */
  waiting: (() => void)[] | undefined;
  readonly #writes: ForwardedWrites;

  constructor(readonly id: NodeId) {
    this.#writes = new ForwardedWrites({
      self: id,
      raft: this.raft,
      proposals: { write: (command, settle) => this.#write(command, settle) },
      transport: {
        send: (message) => message.type === "ForwardResult" && this.answers.push(message) > 0,
        flush: () => {},
      },
    });
  }

  take(frame: Forward): void {
    this.#writes.take({ ...frame, to: this.id });
  }

  #write(command: string, settle: (outcome: WriteOutcome) => void): void {
    if (this.refuses(command)) return settle(NOT_LEADING);
    this.done.push(command);
    const revision = this.done.length;
    const answer = () => settle({ type: "Done", result: { type: "Put", revision, created: true } });
    if (this.waiting === undefined) answer();
    else this.waiting.push(answer);
  }
}

/** A follower whose frames the test carries. */
class Follower {
  readonly sent: Forward[] = [];
  /** Command and how it ended, in this order. */
  readonly ended: string[] = [];
  readonly raft: { readonly id: NodeId; role: Role; leaderId: NodeId; configuration: Configuration } = {
    id: 0,
    role: "Follower",
    leaderId: 2,
    configuration: EMPTY_CONFIGURATION,
  };
  readonly proposed: string[] = [];
  readonly proposals = {
    size: 0,
    hasOlder: false,
    add: ({ command }: QueuedWrite) => void this.proposed.push(...decodeCommands(encodeCommands([command]))),
  };
  readonly time = { now: 0 };
  isConnected = true;
  readonly submissions: Submissions;

  constructor() {
    this.submissions = new Submissions({
      raft: this.raft,
      proposals: this.proposals,
      flights: new Flights({
        self: 0,
        incarnation: 7,
        transport: { send: (frame) => this.isConnected && frame.type === "Forward" && this.sent.push(frame) > 0 },
      }),
      inbox: { wake: () => {} },
      clock: { now: () => this.time.now },
      tickTime: this.time,
      quarantine: { isFenced: false },
      timeoutMs: TIMEOUT_MS,
      limits: DEFAULT_PENDING_LIMITS,
    });
  }

  /** Each command in a frame of its own. */
  frames(...commands: readonly string[]): void {
    for (const command of commands) {
      this.add(command);
      this.time.now += FLIGHT_GATHERING_MS;
      this.submissions.pump();
    }
  }

  add(command: string): void {
    const name = command.slice(0, 8);
    this.submissions.add(command, ({ type }) => this.ended.push(`${name} ${type}`));
  }

  tick(): void {
    this.submissions.expire();
    this.submissions.pump();
  }

  /** Takes what the leader has answered. */
  hear(leader: Leader): void {
    for (const answer of leader.answers.splice(0)) this.submissions.takeResult(answer);
  }
}

function setUp(): { readonly follower: Follower; readonly leader: Leader; take(...places: number[]): void } {
  const follower = new Follower();
  const leader = new Leader(2);
  const take = (...places: number[]) => {
    for (const place of places) {
      const frame = follower.sent[place];
      if (frame === undefined) throw new Error(`There is no frame ${place}`);
      leader.take(frame);
    }
  };
  return { follower, leader, take };
}

Deno.test("frames follow each other without waiting for answers, each behind the one before", () => {
  const { follower, leader, take } = setUp();
  follower.frames("a", "b", "c");
  assertEquals(follower.sent.map(({ id, after, commands }) => [id, after, ...commands]), [
    [1, 0, "a"],
    [2, 1, "b"],
    [3, 2, "c"],
  ]);
  take(0, 1, 2);
  follower.hear(leader);
  follower.frames("d");
  assertEquals(follower.sent.slice(3).map(({ id, after }) => [id, after]), [[4, 0]], "nothing is under way any more");
  assertEquals([leader.done, follower.ended], [["a", "b", "c"], ["a Done", "b Done", "c Done"]]);
});

Deno.test("while a frame is under way the next one gathers for a moment, or until many wait", () => {
  const { follower } = setUp();
  for (const command of ["a", "b", "c"]) {
    follower.add(command);
    follower.submissions.pump();
  }
  assertEquals(follower.sent.map(({ commands }) => commands), [["a"]]);
  follower.time.now += FLIGHT_GATHERING_MS;
  follower.submissions.pump();
  assertEquals(follower.sent.map(({ commands }) => commands), [["a"], ["b", "c"]]);
  for (let count = 0; count < GATHERED_MAX; count++) follower.add("d");
  follower.submissions.pump();
  assertEquals(follower.sent[2]?.commands.length, GATHERED_MAX);
});

Deno.test("a bounded number of frames and bytes is under way", () => {
  const many = setUp().follower;
  many.frames(...Array.from({ length: FLIGHTS_MAX + 5 }, (_, at) => `${at}`));
  assertEquals(many.sent.length, FLIGHTS_MAX);
  const long = setUp().follower;
  long.frames(...["a", "b", "c", "d"].map((name) => name.repeat(FLIGHT_BYTES_MAX / 2)));
  assertEquals(long.sent.length, 2);
});

Deno.test("a frame behind a lost one is refused, and follows when the fate of the lost one is settled", () => {
  const { follower, leader, take } = setUp();
  follower.frames("a", "b", "c");
  take(0, 2);
  follower.hear(leader);
  follower.tick();
  follower.frames("d");
  assertEquals([leader.done, follower.ended, follower.sent.length], [["a"], ["a Done"], 3], "b is under way");
  follower.submissions.disconnected(leader.id);
  follower.tick();
  take(3);
  follower.hear(leader);
  assertEquals(leader.done, ["a", "c", "d"]);
  assertEquals(follower.ended, ["a Done", "b Unknown", "c Done", "d Done"]);
});

Deno.test("the deadline of a lost frame settles its fate too", () => {
  const { follower, leader, take } = setUp();
  follower.frames("a");
  follower.time.now += TIMEOUT_MS / 2;
  follower.frames("b");
  take(1);
  follower.hear(leader);
  follower.time.now = TIMEOUT_MS + 1;
  follower.tick();
  take(2);
  follower.hear(leader);
  assertEquals([leader.done, follower.ended], [["b"], ["a Unknown", "b Done"]]);
});

Deno.test("a frame that comes after a later one is dropped: what was refused behind it has gone another way", () => {
  const { follower, leader, take } = setUp();
  follower.frames("a", "b", "c");
  take(0, 2, 1, 2, 0);
  follower.hear(leader);
  follower.submissions.disconnected(leader.id);
  follower.tick();
  take(3, 1, 2, 3);
  follower.hear(leader);
  assertEquals([leader.done, follower.ended], [["a", "c"], ["a Done", "b Unknown", "c Done"]]);
});

Deno.test("behind a write that was refused nothing is taken, though the leader goes on, until all of the chain is answered", () => {
  const { follower, leader, take } = setUp();
  leader.refuses = (command) => command === "b";
  follower.frames("a", "b", "c");
  leader.waiting = [];
  take(0, 1);
  leader.refuses = () => false;
  take(2);
  follower.hear(leader);
  follower.tick();
  assertEquals([leader.done, follower.sent.length], [["a"], 3], "a is not answered");
  leader.waiting.splice(0).forEach((answer) => answer());
  leader.waiting = undefined;
  follower.hear(leader);
  follower.tick();
  assertEquals(follower.sent.slice(3).map(({ after, commands }) => [after, ...commands]), [[0, "b", "c"]]);
  take(3);
  follower.hear(leader);
  assertEquals([leader.done, follower.ended], [["a", "b", "c"], ["a Done", "b Done", "c Done"]]);
});

Deno.test("of a frame that was refused in part the rest comes again in its order, and what follows it behind it", () => {
  const { follower, leader, take } = setUp();
  for (const command of ["a", "b", "c"]) follower.add(command);
  follower.submissions.pump();
  follower.frames("d");
  leader.refuses = (command) => command !== "a";
  take(0, 1);
  leader.refuses = () => false;
  follower.hear(leader);
  follower.tick();
  take(2);
  follower.hear(leader);
  assertEquals(leader.done, ["a", "b", "c", "d"]);
  assertEquals(follower.ended, ["a Done", "b Done", "c Done", "d Done"]);
});

Deno.test("a leader that led before takes no frame of a chain that began in its earlier term", () => {
  const { follower, leader, take } = setUp();
  leader.waiting = [];
  follower.frames("a", "b");
  take(0);
  leader.raft.currentTerm = toTerm(3);
  take(1);
  follower.hear(leader);
  assertEquals([leader.done, follower.ended], [["a"], []]);
});

Deno.test("a leader that was started again takes nothing in the middle of a chain", () => {
  const { follower, leader, take } = setUp();
  follower.frames("a", "b");
  take(0);
  const again = new Leader(leader.id);
  for (const frame of follower.sent.slice(1)) again.take(frame);
  assertEquals([again.done, again.answers.map(({ outcomes }) => outcomes)], [[], [["NNotLeader"]]]);
});

Deno.test("another leader gets nothing while frames are under way to the old one, then everything in order", () => {
  const { follower, leader, take } = setUp();
  const next = new Leader(1);
  follower.frames("a", "b");
  follower.raft.leaderId = next.id;
  follower.frames("c");
  assertEquals(follower.sent.length, 2);
  take(0);
  leader.refuses = () => true;
  take(1);
  follower.hear(leader);
  follower.tick();
  assertEquals(follower.sent[2]?.to, next.id);
  for (const frame of follower.sent.slice(2)) next.take(frame);
  follower.hear(next);
  assertEquals([leader.done, next.done, follower.ended], [["a"], ["b", "c"], ["a Done", "b Done", "c Done"]]);
});

Deno.test("a node that becomes leader proposes nothing while frames are under way, or writes of an earlier term are open", () => {
  const { follower, leader } = setUp();
  follower.frames("a");
  follower.raft.role = "Leader";
  follower.frames("b");
  assertEquals(follower.proposed, []);
  follower.submissions.disconnected(leader.id);
  follower.proposals.hasOlder = true;
  follower.tick();
  follower.frames("c");
  assertEquals([follower.proposed, follower.ended], [[], ["a Unknown"]]);
  follower.proposals.hasOlder = false;
  follower.tick();
  follower.frames("d");
  assertEquals(follower.proposed, ["b", "c", "d"]);
});

Deno.test("a frame that could not be sent uses no number", () => {
  const { follower } = setUp();
  follower.frames("a");
  follower.isConnected = false;
  follower.frames("b");
  follower.isConnected = true;
  follower.frames("c");
  assertEquals(follower.sent.map(({ id, after, commands }) => [id, after, ...commands]), [[1, 0, "a"], [
    2,
    1,
    "b",
    "c",
  ]]);
});
