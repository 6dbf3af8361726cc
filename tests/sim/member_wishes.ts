/** Changes of the members that cannot be asked for at every moment: they are asked for until they are done, or given up. */

import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const DEMOTION_TRIES = 10;
const PROMOTION_MS_MAX = 300;
const PROMOTION_TRIES = 30;
const REMOVAL_TRIES = 40;
const DRAIN_TRIES = 40;
const REPLACEMENT_TRIES = 120;
const JOINED_TRIES = 6;
const JOINED_MS_MAX = 3_000;

/** What the wishes work with. */
export interface MemberWishesParts {
  readonly operator: Operator;
  /** Does something at a random moment before so many ms are over. */
  later(action: () => void, msMax: number): void;
  isOver(): boolean;
}

/** Asks the operator, who asks the leader. */
export class MemberWishes {
  readonly #world: World;
  readonly #parts: MemberWishesParts;

  constructor(world: World, parts: MemberWishesParts) {
    this.#world = world;
    this.#parts = parts;
  }

  /** Makes a voter a learner, for a while. */
  demote(tries = DEMOTION_TRIES): void {
    const { operator, later, isOver } = this.#parts;
    if (isOver()) return;
    if (operator.demote()) {
      this.#world.counts.add("operator/demote");
      this.#world.trace(() => "fault operator/demote");
      this.#promoteLater();
    } else if (tries > 1) later(() => this.demote(tries - 1), PROMOTION_MS_MAX);
  }

  /** Removes a server: where the others could not go on, or an election is under way, it is refused. */
  remove(tries = REMOVAL_TRIES, before = this.#removed()): void {
    const { operator, later, isOver } = this.#parts;
    if (isOver() || tries === 0 || this.#removed() > before) return;
    operator.remove();
    later(() => this.remove(tries - 1, before), PROMOTION_MS_MAX);
  }

  /** Drains a server or undrains one, until one of the wishes is done or all were refused. */
  drain(tries = DRAIN_TRIES, before = this.#parts.operator.drains): void {
    const { operator, later, isOver } = this.#parts;
    if (isOver() || tries === 0 || operator.drains > before) return;
    operator.drain();
    later(() => this.drain(tries - 1, before), PROMOTION_MS_MAX);
  }

  /** Adds a server; often another one is to be removed after that. */
  add(inPlaceOfAnother: boolean): void {
    if (this.#parts.operator.add() === undefined) return;
    this.#promoteJoinedLater();
    if (inPlaceOfAnother) this.#parts.later(() => this.remove(), JOINED_MS_MAX);
  }

  /** As `member replace` does it: adds a server, waits until it is a voter, and removes another; then perhaps the next one. */
  replace(): void {
    const { operator, isOver } = this.#parts;
    const old = operator.pickMember();
    const fresh = isOver() ? undefined : operator.add();
    if (fresh !== undefined) this.#goOnReplacing({ fresh, old }, REPLACEMENT_TRIES);
  }

  #goOnReplacing(pair: { readonly fresh: SimServer; readonly old: SimServer }, tries: number): void {
    const { operator, later, isOver } = this.#parts;
    const { fresh, old } = pair;
    const { members, voters } = this.#world.configuration();
    if (isOver() || tries === 0 || fresh.isRemoved) return;
    if (old.isRemoved && voters.includes(fresh.id)) {
      this.#world.counts.add("operator/replace");
      this.#world.trace(() => `server ${fresh.id} has replaced server ${old.id}`);
      return this.replace();
    }
    if (voters.includes(fresh.id)) operator.remove(old);
    else if (members.some(({ id }) => id === fresh.id)) operator.promoteLearner(fresh.id);
    else operator.announce(fresh);
    later(() => this.#goOnReplacing(pair, tries - 1), PROMOTION_MS_MAX);
  }

  #removed(): number {
    return this.#world.servers.filter(({ isRemoved }) => isRemoved).length;
  }

  /** A learner is to vote again before long; whether it can be asked for depends on the moment. */
  #promoteLater(tries = PROMOTION_TRIES): void {
    this.#parts.later(() => {
      if (this.#parts.isOver()) return;
      if (this.#parts.operator.promote()) this.#world.counts.add("operator/promote");
      else if (tries > 1) this.#promoteLater(tries - 1);
    }, PROMOTION_MS_MAX);
  }

  /** A learner that does not become a voter by itself is asked for, time and again: it must catch up first. */
  #promoteJoinedLater(tries = JOINED_TRIES): void {
    this.#parts.later(() => {
      if (this.#parts.isOver()) return;
      this.#parts.operator.promoteJoined();
      if (tries > 1) this.#promoteJoinedLater(tries - 1);
    }, JOINED_MS_MAX);
  }
}
