/**
 * The oracle for a directory that a crash has left and nobody has damaged.
 *
 * Everything acknowledged is there; what was asked for and not acknowledged is there or not, in the order asked; nothing
 * else is there. A refusal is a failure.
 */

import { assertEquals } from "@std/assert";
import type { HardState } from "../../lib/raft/types.ts";
import { type History, type KnownSnapshot, logText } from "./history.ts";
import { errorText, type Found, type Outcome } from "./outcome.ts";

/** Who the directory belongs to, by the options that all tests open it with. */
const OWNER = '[{"nodeId":0,"clusterName":"test","identity":"0123456789abcdef"},';

/** Judges many outcomes by one history. Returns what is wrong, or undefined. */
export class Judge {
  readonly #history: History;
  /** The logs that may be found, by the index and term of the snapshot found. */
  readonly #logs = new Map<string, readonly string[]>();

  constructor(history: History) {
    this.#history = history;
  }

  judge(outcome: Outcome): string | undefined {
    if (outcome.type !== "Opened") return errorText(outcome);
    const { found } = outcome;
    if (!found.owner.startsWith(OWNER)) return `the owner is ${found.owner}`;
    return this.#judgeSnapshot(found.snapshot) ?? this.#judgeLog(found) ?? this.#judgeHardState(found);
  }

  #judgeSnapshot(found: KnownSnapshot): string | undefined {
    const { snapshot, unfinished } = this.#history;
    const allowed = [snapshot, ...unfinished.filter(({ id }) => id.index >= snapshot.id.index)];
    const match = allowed.find(({ id }) => id.index === found.id.index && id.term === found.id.term);
    const text = `the snapshot found ends at ${found.id.index} (term ${found.id.term})`;
    if (match === undefined) return `${text}, acknowledged is ${snapshot.id.index} (term ${snapshot.id.term})`;
    return match.content === found.content ? undefined : `${text}, and has another content than was written`;
  }

  #judgeLog({ snapshot, log }: Found): string | undefined {
    const allowed = this.#logsAfter(snapshot);
    if (allowed.includes(log)) return undefined;
    return `the log found is\n${log}\nand must be one of\n${allowed.join("\nor\n")}`;
  }

  #judgeHardState({ hardState, lastTerm }: Found): string | undefined {
    const allowed = this.#history.hardStates.map((state) => raised(state, lastTerm));
    if (allowed.some((state) => same(state, hardState))) return undefined;
    return `term and vote found are ${show(hardState)}, and must be one of ${allowed.map(show).join("; ")}`;
  }

  #logsAfter({ id }: KnownSnapshot): readonly string[] {
    const key = `${id.index}/${id.term}`;
    const known = this.#logs.get(key);
    if (known !== undefined) return known;
    const { acknowledged, appends } = this.#history;
    const logs = new Set<string>();
    for (let count = acknowledged; count <= appends.length; count++) {
      logs.add(logText(this.#history.logAfter(count, id)));
    }
    const result = Array.from(logs);
    this.#logs.set(key, result);
    return result;
  }
}

/** Throws unless a later start found exactly what an earlier one did. */
export function assertSame(outcome: Outcome, expected: Found, context: string): void {
  if (outcome.type !== "Opened") throw new Error(`${context}: ${errorText(outcome)}`);
  assertEquals(outcome.found, expected, context);
}

/** Raft 5.1: a log of a later term than the one saved shows that term; a vote in it would have been saved first. */
function raised(state: HardState, lastTerm: number): HardState {
  if (lastTerm <= state.currentTerm) return state;
  return { currentTerm: lastTerm as HardState["currentTerm"], votedFor: undefined };
}

function same(left: HardState, right: HardState): boolean {
  return left.currentTerm === right.currentTerm && left.votedFor === right.votedFor;
}

function show({ currentTerm, votedFor }: HardState): string {
  return `term ${currentTerm}, vote ${votedFor ?? "none"}`;
}
