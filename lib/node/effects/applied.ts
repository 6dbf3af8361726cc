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
export class Applied implements AppliedState {
  state: StateMachine;
  id: EntryId;
  configuration: Configuration;

  /** Begins with what was recovered. */
  constructor({ state, id, configuration }: AppliedState) {
    this.state = state;
    this.id = id;
    this.configuration = configuration;
  }

  /** Bytes of memory that the state holds. */
  get heldBytes(): number {
    return this.state.heldBytes;
  }
}
