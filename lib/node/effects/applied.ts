/** What is applied: the state machine and its place in the log. */

import type { StateMachine } from "../../kv/state_machine.ts";
import type { Configuration, EntryId } from "../../raft/types.ts";

/** A state, the last entry that it holds, and the configuration in force there. */
export interface AppliedState {
  readonly state: StateMachine;
  readonly id: EntryId;
  readonly configuration: Configuration;
}

/** The present one. Everybody may read it, as an `AppliedState`; only the `Applier` writes it. With a snapshot it is another state machine. */
export type Applied = { -readonly [K in keyof AppliedState]: AppliedState[K] };
