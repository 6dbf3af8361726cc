/** Writes that other nodes passed on to this one: proposed here if it leads, their outcomes sent back. Never passed on again. */

import type { RaftNode } from "../../raft/raft_node.ts";
import type { NodeId, Term } from "../../raft/types.ts";
import type { Forward } from "../../transport/forward.ts";
import type { Transport } from "../../transport/transport.ts";
import type { WriteOutcome } from "../api.ts";
import { FORWARDED_OUTCOME_BYTES_MAX, FORWARDED_RESULT_BYTES_TARGET, FORWARDERS_MAX } from "../limits.ts";
import type { Proposals } from "./proposals.ts";
import { encodeOutcome, isForAnotherLeader } from "./outcomes.ts";

/** Who proposes them, and by what the outcomes go back. */
export interface ForwardedWritesParts {
  readonly self: NodeId;
  readonly raft: Pick<RaftNode, "currentTerm">;
  readonly proposals: Pick<Proposals, "write">;
  readonly transport: Pick<Transport, "send" | "flush">;
}

/** The frames of one sender that were taken one behind the other (ADR 16). */
interface Chain {
  /** The highest number that has come of the sender, taken or refused. */
  lastId: number;
  /** In which all of it is proposed: of what this node took as leader of an earlier term the log may have lost something. */
  readonly term: Term;
  /** Nothing of it was refused for another leader to do. */
  isWhole: boolean;
}

const REFUSED: WriteOutcome = { type: "NotDone", reason: "NotLeader", leaderId: undefined };

/**
 * Takes the writes of each `Forward` once, and none behind one that this leader has not taken: a frame that comes again, or after a
 * later one of its sender, is dropped; one behind a gap or a refusal is refused.
 */
export class ForwardedWrites {
  readonly #parts: ForwardedWritesParts;
  /** The newest chain of each life of a node, the one heard last at the end. */
  readonly #chains = new Map<string, Chain>();

  constructor(parts: ForwardedWritesParts) {
    this.#parts = parts;
  }

  /** Proposes the commands, in order; answers when all have their outcome, in parts when that is long. */
  take(forward: Forward): void {
    const chain = this.#follow(forward);
    if (chain === undefined) return;
    const answer = new Answer(forward, this.#parts);
    for (const [at, command] of forward.commands.entries()) {
      const done = (outcome: WriteOutcome) => {
        if (isForAnotherLeader(outcome)) chain.isWhole = false;
        answer.add(at, outcome);
      };
      if (chain.isWhole) this.#parts.proposals.write(command, done);
      else answer.add(at, REFUSED);
    }
  }

  /** The chain that the frame belongs to, not whole where the frame must not be taken; undefined for one that came too late. */
  #follow({ from, incarnation, id, after }: Forward): Chain | undefined {
    const life = `${from} ${incarnation}`;
    const { currentTerm: term } = this.#parts.raft;
    const known = this.#chains.get(life);
    if (known !== undefined && id <= known.lastId) return undefined;
    const isNext = known !== undefined && after === known.lastId && term === known.term;
    const chain = isNext ? known : { lastId: id, term, isWhole: after === 0 };
    chain.lastId = id;
    this.#chains.delete(life);
    this.#chains.set(life, chain);
    for (const oldest of this.#chains.keys()) {
      if (this.#chains.size <= FORWARDERS_MAX) break;
      this.#chains.delete(oldest);
    }
    return chain;
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
