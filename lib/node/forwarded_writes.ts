/** Writes that other nodes passed on to this one: proposed here if it leads, their outcomes sent back. Never passed on again. */

import type { NodeId } from "../raft/types.ts";
import type { Forward, ForwardResult } from "../transport/forward.ts";
import type { WriteOutcome } from "./api.ts";
import { encodeOutcome } from "./forwarded_outcome.ts";
import { FORWARDED_OUTCOME_BYTES_MAX, FORWARDED_RESULT_BYTES_TARGET, FORWARDERS_MAX } from "./limits.ts";

/** What forwarded writes ask of their node. */
export interface ForwardedWritesPorts {
  readonly self: NodeId;
  /** See `Driver.write`. */
  write(command: string, done: (outcome: WriteOutcome) => void): void;
  /** Sends and flushes; what cannot be sent is an unknown outcome for the one that waits. */
  send(message: ForwardResult): void;
}

/** Takes the writes of each `Forward` once: one that comes again, or after a later one of its sender, is dropped. */
export class ForwardedWrites {
  readonly #ports: ForwardedWritesPorts;
  /** The newest number of each life of a node, the one heard last at the end. */
  readonly #lastIds = new Map<string, number>();

  constructor(ports: ForwardedWritesPorts) {
    this.#ports = ports;
  }

  /** Proposes the commands, in order; answers when all have their outcome, in parts when that is long. */
  take(forward: Forward): void {
    if (!this.#isNew(forward)) return;
    const answer = new Answer(forward, this.#ports);
    for (const [at, command] of forward.commands.entries()) {
      this.#ports.write(command, (outcome) => answer.add(at, outcome));
    }
  }

  #isNew({ from, incarnation, id }: Forward): boolean {
    const life = `${from} ${incarnation}`;
    const last = this.#lastIds.get(life) ?? 0;
    // A node numbers its forwards upwards, and sends none before it knows the fate of the one before or has given it up.
    if (id <= last) return false;
    this.#lastIds.delete(life);
    this.#lastIds.set(life, id);
    for (const oldest of this.#lastIds.keys()) {
      if (this.#lastIds.size <= FORWARDERS_MAX) break;
      this.#lastIds.delete(oldest);
    }
    return true;
  }
}

/** Outcomes come in any order: a refused write hears of it before one that was accepted earlier. */
class Answer {
  readonly #forward: Forward;
  readonly #ports: ForwardedWritesPorts;
  readonly #outcomes: (string | undefined)[];
  #sent = 0;
  #ready = 0;
  #readyBytes = 0;

  constructor(forward: Forward, ports: ForwardedWritesPorts) {
    this.#forward = forward;
    this.#ports = ports;
    this.#outcomes = new Array<string | undefined>(forward.commands.length).fill(undefined);
  }

  add(at: number, outcome: WriteOutcome): void {
    this.#outcomes[at] = textOf(outcome);
    for (let next = this.#outcomes[this.#ready]; next !== undefined; next = this.#outcomes[this.#ready]) {
      this.#ready += 1;
      this.#readyBytes += next.length;
      if (this.#readyBytes >= FORWARDED_RESULT_BYTES_TARGET) this.#send();
    }
    if (this.#ready === this.#outcomes.length) this.#send();
  }

  #send(): void {
    const first = this.#sent;
    if (this.#ready === first) return;
    const outcomes: string[] = [];
    for (let at = first; at < this.#ready; at++) {
      outcomes.push(this.#outcomes[at] ?? "");
      this.#outcomes[at] = "";
    }
    this.#sent = this.#ready;
    this.#readyBytes = 0;
    const { from: to, incarnation, id } = this.#forward;
    this.#ports.send({ type: "ForwardResult", from: this.#ports.self, to, incarnation, id, first, outcomes });
  }
}

/** An answer that no frame can hold is told of as done, since it was. */
function textOf(outcome: WriteOutcome): string {
  const text = encodeOutcome(outcome);
  if (text.length <= FORWARDED_OUTCOME_BYTES_MAX || outcome.type !== "Done") return text;
  const { revision } = outcome.result;
  const reply = { error: "ERR the command was done, and its reply is too long to be passed on; ask the leader" };
  return encodeOutcome({ type: "Done", result: { type: "Reply", revision, reply } });
}
