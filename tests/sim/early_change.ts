/**
 * Asks each new leader at once to change the members. It must refuse: until an entry of its term is committed it may have a
 * configuration that another one has replaced (the bug of 2015, docs/known-bugs.md).
 */

import type { Step } from "../support/raft/checks/check.ts";
import type { Check } from "./check.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** Far from the numbers that the operator and the nodes give their changes. */
const FIRST_ID = 2_000_000;
/** With fewer a change might leave a sole voter. */
const VOTERS_MIN = 3;

/** Counts what was refused for that reason. */
export class EarlyChange implements Check {
  readonly name = "early-change";
  readonly #world: World;
  /** The term in which each process was asked last. */
  readonly #terms = new WeakMap<object, number>();
  #lastId = FIRST_ID;

  constructor(world: World) {
    this.#world = world;
  }

  /** See `Check`. */
  stepped(server: SimServer, { raft, update }: Step): void {
    for (const { id, refusal } of update.refused) {
      if (id > FIRST_ID && id <= this.#lastId && refusal.reason === "TermNotCommitted") {
        this.#world.counts.add("operator/early-change");
      }
    }
    if (raft.role !== "Leader" || this.#terms.get(server.life) === raft.currentTerm) return;
    this.#terms.set(server.life, raft.currentTerm);
    this.#ask(server, raft);
  }

  #ask(server: SimServer, { configuration: { members, voters, votersOld, learners } }: Step["raft"]): void {
    const demoted = voters.findLast((id) => id !== server.id);
    if (demoted === undefined || voters.length < VOTERS_MIN || votersOld.length > 0) return;
    this.#lastId += 1;
    server.node?.driver.enqueue({
      type: "ChangeMembership",
      id: this.#lastId,
      members,
      voters: voters.filter((id) => id !== demoted),
      learners: [...learners, demoted],
    });
  }
}
