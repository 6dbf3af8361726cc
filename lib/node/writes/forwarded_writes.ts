/** Writes that other nodes passed on to this one: proposed here if it leads, their outcomes sent back. Never passed on again. */

import type { NodeId } from "../../raft/types.ts";
import type { Forward } from "../../transport/forward.ts";
import type { Transport } from "../../transport/transport.ts";
import type { WriteOutcome } from "../api.ts";
import { encodeOutcome } from "./forwarded_outcome.ts";
import { FORWARDED_OUTCOME_BYTES_MAX, FORWARDED_RESULT_BYTES_TARGET, FORWARDERS_MAX } from "../limits.ts";
import type { Proposals } from "./proposals.ts";

/** Who proposes them, and by what the outcomes go back. */
export interface ForwardedWritesParts {
  readonly self: NodeId;
  readonly proposals: Pick<Proposals, "write">;
  readonly transport: Pick<Transport, "send" | "flush">;
}

/** Takes the writes of each `Forward` once: one that comes again, or after a later one of its sender, is dropped. */
export class ForwardedWrites {
  readonly #parts: ForwardedWritesParts;
  /** The newest number of each life of a node, the one heard last at the end. */
  readonly #lastIds = new Map<string, number>();

  constructor(parts: ForwardedWritesParts) {
    this.#parts = parts;
  }

  /** Proposes the commands, in order; answers when all have their outcome, in parts when that is long. */
  take(forward: Forward): void {
    if (!this.#isNew(forward)) return;
    const answer = new Answer(forward, this.#parts);
    for (const [at, command] of forward.commands.entries()) {
      this.#parts.proposals.write(command, (outcome) => answer.add(at, outcome));
    }
  }

  #isNew({ from, incarnation, id }: Forward): boolean {
    const life = `${from} ${incarnation}`;
    const last = this.#lastIds.get(life) ?? 0;
    // A node numbers its forwards upwards, and sends none (`FLIGHTS_MAX`) before it knows the fate of the one before or has
    // given it up.
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
  readonly #parts: ForwardedWritesParts;
  readonly #outcomes: (string | undefined)[];
  #sent = 0;
  #ready = 0;
  #readyBytes = 0;

  constructor(forward: Forward, parts: ForwardedWritesParts) {
    this.#forward = forward;
    this.#parts = parts;
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
    const { self, transport } = this.#parts;
    // What cannot be sent is an unknown outcome for the one that waits.
    if (transport.send({ type: "ForwardResult", from: self, to, incarnation, id, first, outcomes })) transport.flush();
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
