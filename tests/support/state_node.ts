/** A node of one's own for protocol tests: a real state machine behind writes and reads that end when the test says so. */

import type { Call, Command, CommandOrigin, Compare } from "../../lib/kv/commands.ts";
import { encodeCommand, stampCommand } from "../../lib/kv/commands.ts";
import type { Reply } from "../../lib/kv/replies.ts";
import type { Shown } from "../../lib/kv/rights.ts";
import type { UsersView } from "../../lib/kv/users.ts";
import type { NotDoneReason, ReadOutcome, StateView, WriteOutcome } from "../../lib/node/api.ts";
import { toIndex } from "../../lib/raft/types.ts";
import { FakeNode } from "./fake_node.ts";
import { emptyState, spanOf } from "./state.ts";

/** Does what it is asked in a microtask, or, while `holding`, when `release` is called. */
export class StateNode extends FakeNode {
  readonly machine = emptyState();
  override readonly state: StateView = this.machine;
  override readonly users: UsersView = this.machine.users;
  /** What waits for `release`, in order. */
  readonly waiting: (() => void)[] = [];
  /** The types of what was asked for, in order: Write or Read. */
  readonly asked: string[] = [];
  #next = 0;

  /** An empty node that leads, whose changes are told. */
  constructor() {
    super();
    this.machine.tell(this.changes);
  }

  /** See `KeyValueNode`. */
  override submit(command: Command, done: (outcome: WriteOutcome) => void, origin: CommandOrigin = {}): void {
    this.asked.push("Write");
    this.#later(() => done(this.#refused(this.refusal) ?? this.#do(command, origin)));
  }

  /** See `KeyValueNode`. */
  override read(done: (outcome: ReadOutcome) => void): void {
    this.asked.push("Read");
    this.#later(() => {
      this.machine.learnTime(this.wallClockMs);
      done(this.#refused(this.refusal) ?? { type: "Ready", index: toIndex(1) });
    });
  }

  /** See `KeyValueNode`. */
  override answer(call: Call, shown?: Shown): Reply {
    this.machine.learnTime(this.wallClockMs);
    return this.machine.read(call, { random: () => 0.5, shown });
  }

  /** See `KeyValueNode`. */
  override compare(compares: readonly Compare[] = []): boolean {
    return this.machine.compare(compares);
  }

  /** Ends the oldest request that waits. */
  release(): void {
    this.waiting.shift()?.();
  }

  #later(action: () => void): void {
    if (this.holding) this.waiting.push(action);
    else queueMicrotask(action);
  }

  #refused(reason: NotDoneReason | undefined): (WriteOutcome & { readonly type: "NotDone" }) | undefined {
    return reason === undefined ? undefined : { type: "NotDone", reason, leaderId: this.leaderId };
  }

  #do(command: Command, { session, login }: CommandOrigin): WriteOutcome {
    this.#next += 1;
    const result = this.machine.apply(
      this.#next,
      spanOf(stampCommand(encodeCommand(command, session, login), this.wallClockMs)),
    );
    this.userWatch.look(this.machine.users);
    return this.unknown ? { type: "Unknown" } : { type: "Done", result };
  }
}
