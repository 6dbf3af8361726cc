/**
 * Thesis 6.4: what confirms a read is an answer to something that the leader sent after the read was asked for. Whether an
 * older answer would have given the right index by luck does not matter.
 */

import type { Message, ReadIndexResult } from "../../../../lib/raft/messages.ts";
import type { NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedCore, CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import { isMajority, majoritySets } from "./quorum_at_commit.ts";

/** One leader in one term. Moments are numbers of steps. */
interface Leadership {
  readonly term: number;
  /** When each round was first sent. */
  readonly sentAt: Map<number, number>;
  /** The moment after which each peer is known to have followed. */
  readonly followedAt: Map<NodeId, number>;
  /** When each read that waits was asked for, or began to wait anew. */
  readonly askedAt: Map<string, number>;
}

/** Remembers questions, rounds and answers. */
export class ReadRounds implements RaftCheck {
  readonly name = "read-rounds";
  readonly #leaderships = new WeakMap<object, Leadership>();
  /** Whose each question of a follower is, by the name that its answer carries. */
  readonly #askers = new Map<string, object>();
  readonly #violate: Violate;
  #now = 0;

  constructor(violate: Violate) {
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped(server: CheckedServer, step: Step): void {
    this.#now += 1;
    this.#follow(server, step);
    this.#lead(server, step);
  }

  /** A follower's question has a name of its own, and only its answer confirms it. */
  #follow(server: CheckedServer, { event, update }: Step): void {
    for (const message of sentBy(update)) {
      if (message.type !== "ReadIndex") continue;
      const name = nameOf(server.id, message);
      const asker = this.#askers.get(name);
      this.#askers.set(name, server.life);
      if (asker !== undefined) this.#violate(`node ${server.id} asks ${name} for a second time`);
    }
    if (event.type !== "Receive" || event.message.type !== "ReadIndexResult") return;
    const name = nameOf(server.id, event.message);
    if (update.confirmedReads.length === 0 || this.#askers.get(name) === server.life) return;
    this.#violate(`node ${server.id} takes the answer to ${name}, which an earlier process asked`);
  }

  #lead(server: CheckedServer, { raft, event, update }: Step): void {
    if (raft.role !== "Leader") return void this.#leaderships.delete(server.life);
    const leadership = this.#leadershipOf(server, raft.currentTerm);
    if (event.type === "Read") leadership.askedAt.set(`own ${event.id}`, this.#now);
    // What others said before the process stood still is as old as the pause.
    if (event.type === "Stalled") {
      for (const name of leadership.askedAt.keys()) leadership.askedAt.set(name, this.#now);
    }
    if (event.type === "Receive") this.#receive(leadership, event.message);
    for (const message of sentBy(update)) {
      if (message.type !== "AppendEntries" && message.type !== "InstallSnapshot") continue;
      if (!leadership.sentAt.has(message.round)) leadership.sentAt.set(message.round, this.#now);
    }
    for (const { id } of update.confirmedReads) this.#judge(server, { raft, leadership, name: `own ${id}` });
    for (const message of sentBy(update)) {
      if (message.type !== "ReadIndexResult") continue;
      const asker = message.to;
      if (message.confirmed) this.#judge(server, { raft, leadership, name: nameOf(asker, message), asker });
    }
    for (const { id } of [...update.confirmedReads, ...update.refusedReads]) leadership.askedAt.delete(`own ${id}`);
  }

  #receive(leadership: Leadership, message: Message): void {
    if (message.type === "ReadIndex") {
      const name = nameOf(message.from, message);
      // A duplicate is the same question; its answer counts whichever of the two it is for.
      if (!leadership.askedAt.has(name)) leadership.askedAt.set(name, this.#now);
    }
    if (message.type !== "AppendEntriesResult" && message.type !== "InstallSnapshotResult") return;
    const sentAt = message.term === leadership.term ? leadership.sentAt.get(message.round) : undefined;
    if (sentAt === undefined) return;
    const { followedAt } = leadership;
    followedAt.set(message.from, Math.max(followedAt.get(message.from) ?? 0, sentAt));
  }

  #judge(
    server: CheckedServer,
    { raft, leadership, name, asker }: {
      readonly raft: CheckedCore;
      readonly leadership: Leadership;
      readonly name: string;
      readonly asker?: NodeId;
    },
  ): void {
    const askedAt = leadership.askedAt.get(name);
    if (askedAt === undefined) return;
    for (const set of majoritySets(raft.configuration)) {
      const following = set.filter((id) =>
        id === server.id || id === asker || (leadership.followedAt.get(id) ?? 0) >= askedAt
      );
      if (isMajority(following, set)) continue;
      this.#violate(
        `node ${server.id} confirms read ${name}: since it was asked for, only ${following} of ${set} have answered`,
      );
    }
  }

  #leadershipOf({ life }: CheckedServer, term: number): Leadership {
    const known = this.#leaderships.get(life);
    if (known?.term === term) return known;
    const leadership = { term, sentAt: new Map(), followedAt: new Map(), askedAt: new Map() };
    this.#leaderships.set(life, leadership);
    return leadership;
  }
}

/** A round that begins in a step which saves the hard state leaves when that is durable. */
function sentBy({ messages, durableMessages }: Step["update"]): readonly Message[] {
  return durableMessages.length === 0 ? messages : [...messages, ...durableMessages];
}

function nameOf(asker: NodeId, { incarnation, token }: Pick<ReadIndexResult, "incarnation" | "token">): string {
  return `question ${token} of node ${asker} in life ${incarnation}`;
}
