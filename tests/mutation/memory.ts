/** Planted bugs of the memory limit. */

import { type Mutation, slip } from "./mutation.ts";

const GROWTH = "lib/kv/command_growth.ts";
const COLLECTOR = "lib/cluster/idle_collector.ts";
const BUDGET = "lib/node/memory/memory_budget.ts";

/** In the order of their numbers. */
export const MEMORY_SLIPS: readonly Mutation[] = [
  slip("M420", "Writes that other nodes pass on are admitted whatever they add", {
    file: "lib/node/writes/proposals.ts",
    find: '    if (typeof command === "string") growth.read(command);\n',
    replace:
      '    if (!("order" in write)) return undefined;\n    if (typeof command === "string") growth.read(command);\n',
  }),
  slip("M421", "SETRANGE counts its own bytes, and not the gap in front of them", {
    file: "lib/kv/calls/strings.ts",
    find: "grows: bytesOfSetRange }",
    replace: "grows: (call) => Math.min(bytesOfSetRange(call), wordAt(call, 1).length + wordAt(call, 3).length) }",
  }),
  slip("M422", "A delete is refused when memory is full", {
    file: GROWTH,
    find: 'if (encoded[2] === "D" || encoded[2] === "A") return;',
    replace: 'if (encoded[2] === "D") return this.#add(RECORD_BYTES, true); if (encoded[2] === "A") return;',
  }),
  slip("M423", "What was admitted and is not applied yet does not count", {
    file: BUDGET,
    find: "this.#usedBytes + promisedBytes + bytes <=",
    replace: "this.#usedBytes + Math.min(promisedBytes, 0) + bytes <=",
  }),
  slip("M424", "What a write was promised is kept after its outcome", {
    file: "lib/node/writes/pending_writes.ts",
    find: "this.#growthBytes -= growthBytes;",
    replace: "void growthBytes;",
  }),
  slip("M425", "A follower without memory takes entries all the same", {
    file: "lib/node/driver.ts",
    find: "if (!memory.takes(bytes)) return false;",
    replace: "memory.takes(bytes);",
  }),
  slip("M426", "The list of a transaction that is done when a comparison fails does not count", {
    file: GROWTH,
    find: "for (const call of otherwise) this.#addCall(call);",
    replace: "for (const call of otherwise.slice(0, 0)) this.#addCall(call);",
  }),
  slip("M1023", "A process that is busy collects its heap as if it had nothing to do", {
    file: COLLECTOR,
    find: "this.#idleLooks = isIdle ? this.#idleLooks + 1 : 0;",
    replace: "this.#idleLooks += isIdle ? 1 : 1;",
  }),
  slip("M1024", "An idle process collects its heap again and again", {
    file: COLLECTOR,
    find: "this.#wasBusy = false;",
    replace: "this.#idleLooks = 0;",
  }),
  slip("M1025", "A heap is collected in the way that keeps its pages", {
    file: COLLECTOR,
    find: 'collect: () => gc({ type: "major", flavor: "last-resort" }),',
    replace: "collect: () => (gc as () => void)(),",
  }),
];
