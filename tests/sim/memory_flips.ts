/** Bits that change in the memory of nodes: what was planted, and in which state it still is. */

import type { Random } from "../../lib/base/random.ts";
import type { StateMachine } from "../../lib/kv/state_machine.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import { damageMemory, type DamageSite } from "../../lib/store/damage.ts";
import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

/** What a bit of can change. */
export const DAMAGE_SITES: readonly DamageSite[] = [
  "Key",
  "Value",
  "Revision",
  "Deadline",
  "Hash",
  "Place",
  "Order",
  "Due",
];

/** Those that show nowhere but in a read of that record. */
const HIDDEN_SITES: readonly DamageSite[] = ["Value", "Revision"];
/** How often is looked for a node that has the record, with a pause between. */
const LOOKS = 40;
const LOOK_MS = 100;

/** One that was planted. */
export interface MemoryFlip {
  readonly id: NodeId;
  readonly site: DamageSite;
  readonly key: string;
  readonly atMs: number;
  /** The last entry that the state held then: all digests up to there are right. */
  readonly index: number;
  /** It is damaged for as long as it lasts: a snapshot of the leader and a new process have another one. */
  readonly state: StateMachine;
}

/** Writes a record that no client asks for, and changes a bit of it on one node as soon as that has it; `done` is told. */
export function flipLater(
  world: World,
  { operator, random, isOver }: {
    readonly operator: Operator;
    readonly random: Random;
    readonly isOver: () => boolean;
  },
  done: () => void,
): void {
  const key = `cold ${world.clock.now()}`;
  const site = random.pick(HIDDEN_SITES);
  const { id } = random.pick(world.servers);
  world.clock.busy = true;
  // Whether it is done is seen by who has it.
  operator.leader()?.node?.write({ type: "Put", key, value: key }, () => {});
  const look = (looks: number): void => {
    const server = world.server(id);
    if (isOver() || looks === 0) return;
    const isThere = server.state === "Running" && !server.isGuest && operator.mayLose(server);
    if (isThere && world.memoryFlips.plant(server, { site, key, atMs: world.clock.now() }) !== undefined) {
      world.trace(() => `node ${id}: a bit changes in memory: ${site} of ${key}`);
      done();
    } else world.clock.after(LOOK_MS, () => look(looks - 1));
  };
  look(LOOKS);
}

/** Knows every bit that was changed. */
export class MemoryFlips {
  readonly all: MemoryFlip[] = [];

  /** Changes a bit of a record on one node. Undefined when it is not there. */
  plant(server: SimServer, { site, key, atMs }: Pick<MemoryFlip, "site" | "key" | "atMs">): MemoryFlip | undefined {
    const applied = server.node?.driver.applied;
    if (applied === undefined || applied.state.peek(key) === undefined) return undefined;
    const { state, id: { index } } = applied;
    damageMemory(site, () => state.peek(key));
    const flip = { id: server.id, site, key, atMs, index, state };
    this.all.push(flip);
    return flip;
  }

  /** The bits that are wrong in what a node has now. */
  in({ node }: SimServer): readonly MemoryFlip[] {
    const state = node?.driver.applied.state;
    return state === undefined ? [] : this.all.filter((flip) => flip.state === state);
  }

  /** Whether what a node has now is damaged. */
  isIn(server: SimServer): boolean {
    return this.all.length > 0 && this.in(server).length > 0;
  }

  /** Whether the digest of that node, or of any, may be another one at an entry. */
  explains(index: number, id?: NodeId): boolean {
    return this.all.some((flip) => {
      return (id === undefined || flip.id === id) && flip.index < index && index <= flip.state.lastApplied;
    });
  }
}
