/** The commands of clients on their way in: what is too long is refused before anything else is done with it. */

import {
  type Command,
  COMMAND_BYTES_MAX,
  encodeCommand,
  KEY_BYTES_MAX,
  type SessionUse,
  VALUE_BYTES_MAX,
} from "../../kv/commands.ts";
import type { NodeWriter, WriteOutcome } from "../api.ts";
import type { Stages } from "../parts.ts";

type Needed = Pick<Stages, "raft" | "proposals" | "submissions">;

/** Encodes commands. */
export class Writer implements NodeWriter {
  readonly #parts: Needed;

  constructor(parts: Needed) {
    this.#parts = parts;
  }

  /** See `NodeWriter`. */
  write(command: Command, done: (outcome: WriteOutcome) => void): void {
    const key = "key" in command ? command.key : "";
    const value = "value" in command ? command.value : "";
    const encoded = encodeCommand(command);
    const isTooLarge = key.length > KEY_BYTES_MAX || value.length > VALUE_BYTES_MAX ||
      encoded.length > COMMAND_BYTES_MAX;
    if (isTooLarge) return this.#refuseTooLarge(done);
    this.#parts.proposals.write(encoded, done);
  }

  /** See `NodeWriter`. */
  submit(command: Command, done: (outcome: WriteOutcome) => void, session?: SessionUse): void {
    const encoded = encodeCommand(command, session);
    if (encoded.length > COMMAND_BYTES_MAX) return this.#refuseTooLarge(done);
    this.#parts.submissions.add(encoded, done);
  }

  #refuseTooLarge(done: (outcome: WriteOutcome) => void): void {
    const { leaderId } = this.#parts.raft;
    queueMicrotask(() => done({ type: "NotDone", reason: "TooLarge", leaderId }));
  }
}
