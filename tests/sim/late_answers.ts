/**
 * A leader loses its office and gets it back before answers from its first term have all arrived. One follower cannot hear it
 * then, so what it said long ago is all that the leader has of it, and must not count (docs/known-bugs.md, B17).
 */

import type { Random } from "../../lib/base/random.ts";
import type { NodeId } from "../../lib/raft/types.ts";
import type { Operator } from "./operator.ts";
import type { SimServer } from "./server.ts";
import type { World } from "./world.ts";

const LASTS_MS = 2_500;
const LOOK_MS = 10;

/** Repeats answers to the leader of now, and hands the leadership to another server and back; `done` hears that it came back. */
export function answerLate(
  world: World,
  parts: { readonly operator: Operator; readonly random: Random; readonly isOver: () => boolean },
  done: () => void,
): void {
  const leader = parts.operator.leader();
  if (leader === undefined) return;
  const { life } = leader;
  const others = world.running().filter(({ id }) => id !== leader.id && world.configuration().voters.includes(id));
  const [successor, deaf] = parts.random.chance(0.5) ? others : others.toReversed();
  if (successor === undefined || deaf === undefined) return;
  const { clock, networkFaults } = world;
  const end = clock.now() + LASTS_MS;
  networkFaults.repeatAnswers(leader.id, end);
  handOver(leader, successor.id);
  let isHandedBack = false;
  const look = (): void => {
    if (parts.isOver()) return;
    if (!isHandedBack && leads(successor)) {
      isHandedBack = true;
      networkFaults.block(leader.id, deaf.id);
      handOver(successor, leader.id);
    }
    const isBack = isHandedBack && life.alive && leads(leader);
    if (!isBack && clock.now() < end) return void clock.after(LOOK_MS, look);
    if (isBack) done();
    clock.after(Math.max(0, end - clock.now()), () => networkFaults.heal());
  };
  look();
}

function leads({ node }: SimServer): boolean {
  return node?.status().raft.role === "Leader";
}

function handOver(from: SimServer, target: NodeId): void {
  from.node?.driver.enqueue({ type: "TransferLeadership", target });
}
