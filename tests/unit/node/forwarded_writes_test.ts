/** Writes that other nodes pass on: each is done once, however often its frame comes. */

import { assertEquals } from "@std/assert";
import type { WriteOutcome } from "../../../lib/node/api.ts";
import { decodeOutcome } from "../../../lib/node/writes/outcomes.ts";
import { ForwardedWrites } from "../../../lib/node/writes/forwarded_writes.ts";
import { FORWARDED_RESULT_BYTES_TARGET, FORWARDERS_MAX } from "../../../lib/node/limits.ts";
import { toTerm } from "../../../lib/raft/types.ts";
import type { Forward, ForwardResult, PeerMessage } from "../../../lib/transport/forward.ts";

/** Keeps the results that are sent. */
function transportTo(sent: ForwardResult[]): { send(message: PeerMessage): boolean; flush(): void } {
  return {
    send: (message) => message.type === "ForwardResult" && sent.push(message) > 0,
    flush: () => {},
  };
}

class Leader {
  readonly written: string[] = [];
  readonly sent: ForwardResult[] = [];
  readonly writes: ForwardedWrites;

  constructor() {
    this.writes = new ForwardedWrites({
      self: 0,
      raft: { currentTerm: toTerm(1) },
      proposals: {
        write: (command: string, done: (outcome: WriteOutcome) => void) => {
          this.written.push(command);
          done({ type: "Done", result: { type: "Reply", revision: this.written.length, reply: null } });
        },
      },
      transport: transportTo(this.sent),
    });
  }

  take(id: number, { from = 1, incarnation = 7 }: Partial<Pick<Forward, "from" | "incarnation">> = {}): void {
    const commands = [`${from}/${incarnation}/${id}`];
    this.writes.take({ type: "Forward", from, to: 0, incarnation, id, after: 0, commands });
  }
}

Deno.test("a forward that comes twice is done and answered once", () => {
  const leader = new Leader();
  for (const id of [1, 1, 2, 1, 2, 3]) leader.take(id);
  assertEquals(leader.written, ["1/7/1", "1/7/2", "1/7/3"]);
  assertEquals(leader.sent.map(({ id }) => id), [1, 2, 3]);
});

Deno.test("each node and each of its lives counts for itself", () => {
  const leader = new Leader();
  leader.take(5);
  leader.take(1, { incarnation: 8 });
  leader.take(1, { from: 2 });
  leader.take(5);
  leader.take(1, { incarnation: 8 });
  assertEquals(leader.written, ["1/7/5", "1/8/1", "2/7/1"]);
});

Deno.test("a bounded number of lives is remembered, those heard last", () => {
  const leader = new Leader();
  for (let incarnation = 0; incarnation < FORWARDERS_MAX; incarnation++) leader.take(1, { incarnation });
  leader.take(2, { incarnation: 0 });
  leader.take(1, { incarnation: FORWARDERS_MAX });
  const { length } = leader.written;
  leader.take(2, { incarnation: 0 });
  leader.take(1, { incarnation: 2 });
  assertEquals(leader.written.length, length);
  // The one forgotten.
  leader.take(1, { incarnation: 1 });
  assertEquals(leader.written.length, length + 1);
});

Deno.test("long outcomes go back in parts, each once and in order, whichever is known first", () => {
  const waiting: ((outcome: WriteOutcome) => void)[] = [];
  const sent: ForwardResult[] = [];
  const writes = new ForwardedWrites({
    self: 0,
    raft: { currentTerm: toTerm(1) },
    proposals: { write: (_command, done) => void waiting.push(done) },
    transport: transportTo(sent),
  });
  writes.take({
    type: "Forward",
    from: 1,
    to: 0,
    incarnation: 7,
    id: 1,
    after: 0,
    commands: ["a", "b", "c", "d", "e"],
  });
  const outcomes = waiting.map((_, at): WriteOutcome => {
    const reply = `${at}`.repeat(FORWARDED_RESULT_BYTES_TARGET / 2);
    return { type: "Done", result: { type: "Reply", revision: at + 1, reply } };
  });
  for (const at of [1, 0, 2, 4, 3]) waiting[at]?.(outcomes[at] ?? { type: "Unknown" });
  assertEquals(sent.map((result) => [result.first, result.outcomes.length]), [[0, 2], [2, 2], [4, 1]]);
  assertEquals(sent.flatMap((result) => result.outcomes.map(decodeOutcome)), outcomes);
});
