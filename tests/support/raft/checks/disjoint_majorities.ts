/**
 * Raft 6: at no moment can two servers be elected by majorities that have no server in common. What counts is the
 * configuration of each server that could win: whose log is at least as new as what is durable on a majority by that very
 * configuration. Older configurations may be on servers that nobody votes for any more.
 */

import { hasQuorum } from "../../../../lib/raft/quorum.ts";
import type { Configuration, NodeId } from "../../../../lib/raft/types.ts";
import type { CheckedServer, RaftCheck, Step, Violate } from "./check.ts";
import type { ShadowLog, Shadows } from "./shadow.ts";

/** Looks at all servers once two of them go by configurations that could decide apart. */
export class DisjointMajorities implements RaftCheck {
  readonly name = "disjoint-majorities";
  readonly #shadows: Shadows;
  readonly #violate: Violate;
  /** The voters in force on each server that was ever seen, as a text and as they are. */
  readonly #inForce = new Map<NodeId, { readonly text: string; readonly configuration: Configuration }>();
  /** Servers whose directory is new: they vote for nobody before they are admitted. */
  readonly #new = new Set<NodeId>();
  /** By the texts of two configurations. */
  readonly #areApart = new Map<string, boolean>();
  /** Pairs of servers whose configurations could decide apart. */
  #suspects: readonly (readonly [NodeId, NodeId])[] = [];

  constructor(shadows: Shadows, violate: Violate) {
    this.#shadows = shadows;
    this.#violate = violate;
  }

  /** See `RaftCheck`. */
  stepped({ id, rejoins }: CheckedServer, { raft: { configuration } }: Step): void {
    if (!rejoins) this.#new.delete(id);
    if (this.#inForce.get(id)?.configuration !== configuration) {
      this.#inForce.set(id, { text: `${configuration.voters}|${configuration.votersOld}`, configuration });
      this.#suspects = this.#pairsApart();
    }
    for (const [first, second] of this.#suspects) {
      if (!this.#canWin(first) || !this.#canWin(second)) continue;
      const [one, other] = [first, second].map((server) => this.#inForce.get(server)?.text);
      this.#violate(`nodes ${first} and ${second} could both be elected, by majorities of ${one} and of ${other}`);
    }
  }

  /** See `RaftCheck`. */
  wiped({ id }: CheckedServer): void {
    this.#new.add(id);
  }

  #pairsApart(): readonly (readonly [NodeId, NodeId])[] {
    const all = [...this.#inForce];
    return all.flatMap(([first, { text, configuration }], at) =>
      all.slice(at + 1).filter(([, other]) => {
        if (other.text === text) return false;
        const key = `${text} ${other.text}`;
        const known = this.#areApart.get(key) ?? areApart(configuration, other.configuration);
        this.#areApart.set(key, known);
        return known;
      }).map(([second]) => [first, second] as const)
    );
  }

  #canWin(id: NodeId): boolean {
    const configuration = this.#inForce.get(id)?.configuration;
    if (configuration === undefined || this.#new.has(id)) return false;
    const candidate = this.#shadows.of(id);
    return hasQuorum(configuration, (voter) => {
      return voter === id || (!this.#new.has(voter) && isAsNew(candidate, this.#shadows.of(voter)));
    });
  }
}

/** Raft 5.4.1, with what the voter would have after a loss of power. */
function isAsNew(candidate: ShadowLog, voter: ShadowLog): boolean {
  const term = candidate.termAt(candidate.lastIndex) ?? 0;
  const held = voter.termAt(voter.durableIndex) ?? 0;
  return term > held || (term === held && candidate.lastIndex >= voter.durableIndex);
}

/** Whether the servers can be divided so that each of the two configurations has its majorities on one side. */
function areApart(first: Configuration, second: Configuration): boolean {
  if (first.voters.length === 0 || second.voters.length === 0) return false;
  const all = [...new Set([...first.voters, ...first.votersOld, ...second.voters, ...second.votersOld])];
  for (let side = 0; side < 2 ** all.length; side++) {
    const isOn = (id: NodeId) => (side >> all.indexOf(id)) % 2 === 1;
    if (hasQuorum(first, isOn) && hasQuorum(second, (id) => !isOn(id))) return true;
  }
  return false;
}
