/** What CLUSTER must say. */

import { FIRST_LEVEL, SPOKEN_VERSIONS } from "../../../lib/transport/versions.ts";
import { type Facts, hasBeenAt, isReachable } from "./facts.ts";
import type { WantedLine } from "./report_form.ts";

const FORM =
  /^node(\d+):5000, Peer Address: node(\d+):15000, Role: (\w+), Term: (\d+|unknown), Match Index: (\d+|unknown), Lag: (\d+|unknown), Reachable: (yes|no), Voter: (yes|no)(, Drained: yes)?(, Quarantined: yes)?, Protocol: (\d-\d|unknown)$/;

/** A line for each member, and the level. The own one is exact; what is told of another was true of it once. */
export function wantedCluster(facts: Facts): readonly WantedLine[] {
  const { members, level = FIRST_LEVEL } = facts.raft.configuration;
  return [
    ...members.map(({ id }): WantedLine => [`Node ${id}`, (value) => isMemberLine(value, id, facts)]),
    ["Level", level],
  ];
}

function isMemberLine(value: string, id: number, facts: Facts): boolean {
  const [form, client, peer, role, term, match, lag, reachable, voter, drained, out, protocol] = FORM.exec(value) ?? [];
  if (form === undefined || !hasBeenAt(facts, { id, place: client }) || !hasBeenAt(facts, { id, place: peer })) {
    return false;
  }
  // Who is connected has said where its clients find it.
  if (reachable === "yes" && Number(client) !== facts.world.server(id).listensAt) return false;
  if ((reachable === "yes") !== isReachable(facts, id)) return false;
  if ((voter === "yes") !== facts.raft.configuration.voters.includes(id)) return false;
  if ((drained !== undefined) !== (facts.raft.configuration.drained ?? []).includes(id)) return false;
  const { shadow, raft, server, world } = facts;
  // What another one has told of itself may be over.
  const mayBeOut = id === server.id ? server.isInQuarantine : world.memoryFlips.all.some((flip) => flip.id === id);
  if (out !== undefined && !mayBeOut) return false;
  const { versions: { oldest, newest } = SPOKEN_VERSIONS, isReplaced } = world.server(id);
  // Of who is not connected it is what its program spoke when it was, or nothing is known.
  if (protocol !== `${oldest}-${newest}` && reachable === "yes" && !isReplaced) return false;
  if (id === server.id) {
    if (role !== raft.role || Number(term) !== shadow.currentTerm) return false;
    if (Number(match) !== raft.lastDurable.index) return false;
  } else if (role === "Leader" && !world.shadows.hasLed(id, Number(term))) return false;
  if (term !== "unknown" && Number(term) > world.shadows.highestTerm) return false;
  if (match === "unknown") return lag === "unknown";
  if (Number(match) > world.shadows.highestIndex) return false;
  // Behind what somebody has said to be committed, and at least behind what this node knows.
  const isBehind = Number(lag) >= shadow.commitIndex - Number(match);
  return isBehind && (Number(lag) === 0 || Number(lag) + Number(match) <= world.shadows.highestCommit);
}
