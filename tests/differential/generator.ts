/** Makes sequences: the same seed and number always give the same one. */

import { Random } from "../../lib/base/random.ts";
import { Draw } from "./draw.ts";
import {
  CONNECTION_MAKERS,
  DEADLINE_MAKERS,
  HELLO_MAKERS,
  KEY_MAKERS,
  KEYSPACE_MAKERS,
  scanOptions,
} from "./key_makers.ts";
import { plain, type Sequence, type Step } from "./sequence.ts";
import { type Maker, STRING_MAKERS } from "./string_makers.ts";

const STEPS_MIN = 5;
const STEPS_MAX = 40;
/** The share of sequences that have the keyspace for themselves. They run one after the other, so they are few. */
const EXCLUSIVE_SHARE = 0.12;
/** Commands that a word less or more would turn into one whose reply is not determined. */
const UNCHANGED: ReadonlySet<string> = new Set(["SCAN", "FLUSHALL", "FLUSHDB", "HELLO", "RESET", "QUIT", "CLIENT"]);

/** A sequence. `seed` is 0 to 2^32-1. */
export function makeSequence(seed: number, number: number): Sequence {
  const chance = new Random((Math.imul(seed, 0x9e3779b1) + number) >>> 0);
  const isExclusive = chance.chance(EXCLUSIVE_SHARE);
  const draw = new Draw(chance.uint32(), { prefix: isExclusive ? "" : `q${number}:`, isExclusive });
  const clients = draw.chance(0.65) ? 1 : 2;
  const protocols = Array.from({ length: clients }, () => draw.chance(0.3) ? 3 : 2);
  const writer = new SequenceWriter(draw, {
    clients,
    transactions: draw.chance(0.3) ? 0.25 : 0.02,
    deadlines: draw.chance(0.3) ? 0.7 : 0,
  });
  const wanted = draw.between(STEPS_MIN, STEPS_MAX);
  while (writer.steps.length < wanted) writer.add();
  return {
    seed,
    number,
    isExclusive,
    isPipelined: draw.chance(0.7),
    protocols,
    keys: draw.keys,
    steps: writer.steps.slice(0, STEPS_MAX),
  };
}

interface Shape {
  readonly clients: number;
  /** How often a transaction begins. */
  readonly transactions: number;
  /** How often a command is one about deadlines. */
  readonly deadlines: number;
}

/** Adds steps, and knows which clients may be in a transaction. */
class SequenceWriter {
  readonly steps: Step[] = [];
  readonly #draw: Draw;
  readonly #shape: Shape;
  readonly #queueing = new Set<number>();
  #client = 0;

  constructor(draw: Draw, shape: Shape) {
    this.#draw = draw;
    this.#shape = shape;
  }

  /** One command, or the beginning, middle or end of a transaction, or a loop. */
  add(): void {
    const draw = this.#draw;
    if (draw.chance(0.35)) this.#client = draw.below(this.#shape.clients);
    const client = this.#client;
    if (draw.chance(this.#shape.transactions)) this.#transaction(client);
    else if (!this.#queueing.has(client) && draw.chance(draw.isExclusive ? 0.06 : 0.01)) {
      this.steps.push({ client, command: ["SCAN", ...scanOptions(draw)], isScan: true });
    } else if (draw.isExclusive && draw.chance(0.03)) {
      // What KEYS says is the measure for what RANDOMKEY may say.
      this.#push(client, ["RANDOMKEY"]);
      this.#push(client, ["KEYS", "*"]);
    } else if (draw.chance(0.004)) this.#push(client, ["QUIT"]);
    else this.#push(client, this.#command(client));
  }

  #transaction(client: number): void {
    const draw = this.#draw;
    if (this.#queueing.has(client)) {
      this.#push(client, [draw.pick(["EXEC", "EXEC", "EXEC", "DISCARD", "MULTI"])]);
      return;
    }
    if (draw.chance(0.6)) {
      this.#push(client, ["WATCH", ...draw.several(1, 2)]);
      // Somebody, maybe the client itself, may come in between.
      if (draw.chance(0.4)) {
        const other = draw.below(this.#shape.clients);
        this.#push(other, this.#command(other));
      }
    }
    this.#push(client, ["MULTI"]);
    const count = draw.between(0, 5);
    for (let done = 0; done < count; done++) this.#push(client, this.#command(client));
    if (draw.chance(0.3)) {
      const other = draw.below(this.#shape.clients);
      this.#push(other, this.#command(other));
    }
    if (draw.chance(0.85)) this.#push(client, [draw.chance(0.85) ? "EXEC" : "DISCARD"]);
  }

  #command(client: number): readonly string[] {
    const draw = this.#draw;
    const command = pickMaker(draw, this.#makers(client)).make(draw);
    const cased = [draw.anyCase(command[0] ?? ""), ...command.slice(1)];
    return draw.chance(0.03) && !UNCHANGED.has(command[0] ?? "") ? changeArity(draw, cased) : cased;
  }

  #makers(client: number): readonly Maker[] {
    const draw = this.#draw;
    if (draw.isExclusive && draw.chance(0.2)) return KEYSPACE_MAKERS;
    if (draw.chance(0.08)) return draw.chance(0.1) && !this.#queueing.has(client) ? HELLO_MAKERS : CONNECTION_MAKERS;
    if (draw.chance(this.#shape.deadlines)) return DEADLINE_MAKERS;
    return draw.chance(0.6) ? STRING_MAKERS : KEY_MAKERS;
  }

  #push(client: number, command: readonly string[]): void {
    const name = (command[0] ?? "").toUpperCase();
    if (name === "MULTI") this.#queueing.add(client);
    if (["EXEC", "DISCARD", "RESET", "QUIT"].includes(name) && command.length === 1) this.#queueing.delete(client);
    this.steps.push(plain(client, ...command));
  }
}

function pickMaker(draw: Draw, makers: readonly Maker[]): Maker {
  let left = draw.below(makers.reduce((sum, maker) => sum + maker.weight, 0));
  for (const maker of makers) {
    left -= maker.weight;
    if (left < 0) return maker;
  }
  throw new Error("Cannot pick from no makers");
}

/** A word less or a word more. */
function changeArity(draw: Draw, command: readonly string[]): readonly string[] {
  if (draw.chance(0.5) && command.length > 1) return command.slice(0, draw.between(1, command.length - 1));
  return [...command, draw.chance(0.5) ? draw.key() : draw.pick(["NX", "x", "", "GET", "REPLACE"])];
}
