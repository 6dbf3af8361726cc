/** A node as one connection sees it, with everything the connection asked of it, in order: replies are judged by it. */

import { type Call, type Command, type CommandOrigin, type Compare, encodeCommand } from "../../../lib/kv/commands.ts";
import type { Reply } from "../../../lib/kv/replies.ts";
import type { ReadOutcome, RunNode, StateView, WriteOutcome } from "../../../lib/node/api.ts";
import type { Node } from "../../../lib/node/node.ts";
import { type Commands, decodeCommands } from "../../../lib/raft/run.ts";
import type { Registry } from "../../../lib/observe/metrics.ts";
import type { Span } from "../../../lib/store/span.ts";
import type { Moment } from "../reference.ts";
import { ObservedNode } from "./observed_node.ts";

/** One read or write that a connection asked for. */
export interface Asked {
  /** The command as it stands in the log, but for its time; undefined for a read. */
  readonly encoded: string | undefined;
  /** Undefined until there is one. */
  outcome: WriteOutcome | ReadOutcome | undefined;
}

/** Who is told. */
export interface Recorder {
  /** Something begins. */
  asks(asked: Asked): void;
  /** It has ended, and the connection is about to hear of it. */
  ended(asked: Asked): void;
  /** The connection looks at the state, which is that of this moment, for so many requests behind the oldest without a reply. */
  looks(moment: Moment, place: number): void;
}

/** Passes everything on, and what the connection counts stays out of the metrics of the node. */
export class RecordingNode extends ObservedNode implements RunNode {
  readonly #node: Node;
  readonly #metrics: Registry;
  readonly #recorder: Recorder;

  constructor(node: Node, { metrics, recorder }: { readonly metrics: Registry; readonly recorder: Recorder }) {
    super(node);
    this.#node = node;
    this.#metrics = metrics;
    this.#recorder = recorder;
  }

  override get metrics(): Registry {
    return this.#metrics;
  }

  override write(command: Command, done: (outcome: WriteOutcome) => void, login?: number): void {
    const asked = this.#begin(encodeCommand(command, undefined, login));
    super.write(command, (outcome) => {
      this.#end(asked, outcome);
      done(outcome);
    }, login);
  }

  override submit(command: Command, done: (outcome: WriteOutcome) => void, origin?: CommandOrigin): void {
    const asked = this.#begin(encodeCommand(command, origin?.session, origin?.login));
    super.submit(command, (outcome) => {
      this.#end(asked, outcome);
      done(outcome);
    }, origin);
  }

  submitRun(commands: Commands, done: (outcome: WriteOutcome, place: number) => void): void {
    const asked = decodeCommands(commands).map((encoded) => this.#begin(encoded));
    this.#node.submitRun(commands, (outcome, place) => {
      for (const each of asked.slice(place, place + 1)) this.#end(each, outcome);
      done(outcome, place);
    });
  }

  override read(done: (outcome: ReadOutcome) => void, requests = 1): void {
    const asked = Array.from({ length: requests }, () => this.#begin(undefined));
    this.#node.read((outcome) => {
      for (const each of asked) this.#end(each, outcome);
      done(outcome);
    }, requests);
  }

  lookUp(keys: Iterable<Span>, tell: (value: Span | undefined) => void): void {
    let place = 0;
    this.#node.lookUp(keys, (value) => {
      this.#look(place);
      place += 1;
      tell(value);
    });
  }

  override get state(): StateView {
    this.#look();
    return super.state;
  }

  override answer(call: Call): Reply {
    this.#look();
    return super.answer(call);
  }

  override compare(compares: readonly Compare[]): boolean {
    this.#look();
    return super.compare(compares);
  }

  #look(place = 0): void {
    this.#recorder.looks({ index: this.#node.driver.applied.id.index, nowMs: this.#node.state.readTimeMs }, place);
  }

  #begin(encoded: string | undefined): Asked {
    const asked: Asked = { encoded, outcome: undefined };
    this.#recorder.asks(asked);
    return asked;
  }

  #end(asked: Asked, outcome: WriteOutcome | ReadOutcome): void {
    asked.outcome = outcome;
    this.#recorder.ended(asked);
  }
}
