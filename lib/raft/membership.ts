/** Changes of the configuration by joint consensus, with learners (Raft 6, thesis 4.2.1); one at a time. */

import { fault } from "../base/faults.ts";
import type { Core, LeadingCore } from "./core.ts";
import { isLeading } from "./core.ts";
import type { ChangeMembership } from "./events.ts";
import { clusterIdToGive } from "./founding.ts";
import { isJoint, isVoter } from "./quorum.ts";
import { appendAsLeader, sendEmpty } from "./replication.ts";
import {
  type IdRange,
  isRetired,
  keepsMemberLists,
  MEMBER_LISTS_LEVEL,
  retire,
  RETIRED_RANGES_MAX,
} from "./retired.ts";
import { becomeFollower } from "./roles.ts";
import { bestSuccessor, sendTimeoutNow } from "./transfer.ts";
import { Run } from "./run.ts";
import { type Configuration, type Member, MEMBERS_MAX, NODE_ID_MAX, type NodeId, toIndex } from "./types.ts";
import type { Refusal } from "./update.ts";

/** Appends the joint configuration, or the new one itself when it has the same voters; or refuses. */
export function handleChangeMembership(core: Core, event: ChangeMembership): void {
  const refusal = refusalOf(core, event);
  if (refusal !== undefined || !isLeading(core)) {
    core.outbox.refuse({ id: event.id, refusal: refusal ?? { reason: "NotLeader", leaderId: core.leaderId } });
    return;
  }
  const first = { index: toIndex(core.log.lastIndex + 1), term: core.currentTerm };
  appendConfiguration(core, target(core.log.configuration, event));
  core.outbox.accept({ id: event.id, first });
}

/** At the end of a leader's step: leaves a committed joint configuration, also one begun by an earlier leader. */
export function leaveJoint(core: LeadingCore): void {
  const { log, roleState } = core;
  const { configuration } = log;
  // B1: like any change, not before an entry of the own term is committed, and only on top of a committed one.
  if (!isJoint(configuration) || !isSettled(core) || !roleState.termCommitted || fault("raft/jointKept")) return;
  const { voters, learners } = configuration;
  const members = configuration.members.filter(({ id }) => voters.includes(id) || learners.includes(id));
  appendConfiguration(core, { members, voters, votersOld: [], learners });
}

/** At the end of a leader's step: gives the cluster its id. Like any change: on top of a committed configuration (B1). */
export function nameCluster(core: LeadingCore): void {
  const { configuration } = core.log;
  if (isJoint(configuration) || !isSettled(core) || !core.roleState.termCommitted) return;
  const clusterId = clusterIdToGive(core);
  if (clusterId !== undefined) appendConfiguration(core, { ...configuration, clusterId });
}

/** Raft 6: a leader that is no voter of the new configuration steps down once it is committed. */
export function stepDownIfRemoved(core: LeadingCore): void {
  const { log, roleState } = core;
  if (isVoter(log.configuration, core.id) || !isSettled(core)) return;
  for (const peer of roleState.progress.values()) if (peer.state === "Replicate") sendEmpty(core, peer);
  // Thesis 3.10: the cluster need not wait for an election timeout.
  const successor = bestSuccessor(core);
  if (successor !== undefined && successor.matchIndex === log.lastIndex) sendTimeoutNow(core, successor.id);
  becomeFollower(core, { term: core.currentTerm, leaderId: undefined });
}

/** Whether the configuration in force is committed: only then may another follow (B1, B18). */
function isSettled(core: Core): boolean {
  return core.log.configurationIndex <= core.commitIndex;
}

function appendConfiguration(core: LeadingCore, configuration: Configuration): void {
  const { clusterId, level } = core.log.configuration;
  // Whoever asks for a change knows neither id nor level of the cluster, nor who was removed or drained, and must not lose them.
  const kept = { ...(clusterId === undefined ? {} : { clusterId }), ...(level === undefined ? {} : { level }) };
  const retired = retiredBy(core.log.configuration, configuration);
  const { drained: wanted = core.log.configuration.drained ?? [], ...rest } = configuration;
  const drained = ascending(wanted.filter((id) => configuration.members.some((member) => member.id === id)));
  const next = {
    ...kept,
    ...rest,
    ...(retired.length === 0 ? {} : { retired }),
    ...(drained.length === 0 ? {} : { drained }),
  };
  const id = { index: toIndex(core.log.lastIndex + 1), term: core.currentTerm };
  appendAsLeader(core, Run.of([{ type: "Configuration", ...id, configuration: next }]));
}

/** Who was removed before, and the members that are none any more. */
function retiredBy(current: Configuration, next: Configuration): readonly IdRange[] {
  const { members, retired = [] } = current;
  // The change that removes a server may be the one with which the list begins.
  if (!keepsMemberLists(current) && !keepsMemberLists(next)) return retired;
  const left = members.map(({ id }) => id).filter((id) => !next.members.some((member) => member.id === id));
  return left.length === 0 ? retired : retire(retired, left);
}

function refusalOf(core: Core, event: ChangeMembership): Refusal | undefined {
  if (!isLeading(core)) return { reason: "NotLeader", leaderId: core.leaderId };
  if (core.roleState.transfer !== undefined) return { reason: "Transferring", leaderId: core.id };
  if (!core.roleState.termCommitted) return { reason: "TermNotCommitted" };
  const isBusy = isJoint(core.log.configuration) || !isSettled(core);
  if (isBusy || fault("raft/changeRefused")) return { reason: "ChangeInProgress" };
  const what = flawOf(event) ?? retiredAmong(core.log.configuration, event) ?? strangerAmong(core, event) ??
    fallOf(core, event) ?? earlyDrain(core, event);
  return what === undefined ? undefined : { reason: "InvalidConfiguration", what };
}

/** What is wrong with the wish, in words; undefined when nothing is. */
function flawOf({ members, voters, learners }: ChangeMembership): string | undefined {
  const ids = new Set(members.map(({ id }) => id));
  const named = [...voters, ...learners];
  if (ids.size !== members.length) return "A member is listed twice";
  if (ids.size > MEMBERS_MAX) return `There are more than ${MEMBERS_MAX} members`;
  if (new Set(named).size !== named.length) return "A server is listed twice among voters and learners";
  if (voters.length === 0) return "There must be at least one voter";
  for (const id of named) {
    if (!Number.isInteger(id) || id < 0 || id > NODE_ID_MAX) {
      return `Server id ${id} is not between 0 and ${NODE_ID_MAX}`;
    }
    if (!ids.has(id)) return `Server ${id} is not among the members`;
  }
  if (named.length !== members.length) return "A member is neither voter nor learner";
  return undefined;
}

/** An id is used once, and a list without end would be in every configuration. */
function retiredAmong(current: Configuration, { members }: ChangeMembership): string | undefined {
  const gone = members.find(({ id }) => isRetired(current, id));
  if (gone !== undefined) return `Server ${gone.id} was removed, and its id is never used again`;
  const ranges = retiredBy(current, { ...current, members }).length;
  return ranges > RETIRED_RANGES_MAX ? `Removed ids make more than ${RETIRED_RANGES_MAX} ranges` : undefined;
}

/**
 * Thesis 4.2.1, divergence D13: a new voter is a learner first, here until it holds the configuration that names it. A
 * server that knows no members votes for nobody, so as a voter it could leave a joint configuration leaderless for ever.
 */
function strangerAmong(core: LeadingCore, { voters }: ChangeMembership): string | undefined {
  const { log, roleState } = core;
  for (const id of voters) {
    if (id === core.id || isVoter(log.configuration, id)) continue;
    const learner = roleState.progress.get(id);
    if (learner === undefined) return `Server ${id} must be a learner before it can be a voter`;
    if (learner.matchIndex < log.configurationIndex) return `Server ${id} has not caught up yet`;
  }
  return undefined;
}

/** What is on stays on: entries that need it may stand in the log. */
function fallOf({ log: { configuration } }: Core, { level }: ChangeMembership): string | undefined {
  if (level === undefined || configuration.level === undefined || level >= configuration.level) return undefined;
  return `The level is ${configuration.level} and cannot fall to ${level}`;
}

/** Before all members can keep the list nobody is drained. */
function earlyDrain({ log: { configuration } }: Core, { drained = [] }: ChangeMembership): string | undefined {
  if (drained.length === 0 || keepsMemberLists(configuration)) return undefined;
  return `Servers can be drained from level ${MEMBER_LISTS_LEVEL} on`;
}

/** The configuration to append: joint unless the voters stay the same (then any majority of old and new overlap anyway). */
function target(
  current: Configuration,
  { members, voters, learners, drained, level }: ChangeMembership,
): Configuration {
  const wishes = { ...(drained === undefined ? {} : { drained }), ...(level === undefined ? {} : { level }) };
  const next = { members: byId(members), voters: ascending(voters), learners: ascending(learners), ...wishes };
  if (next.voters.join() === current.voters.join()) return { ...next, votersOld: [] };
  const leaving = current.members.filter(({ id }) =>
    current.voters.includes(id) && !members.some((member) => member.id === id)
  );
  return { ...next, members: byId([...members, ...leaving]), votersOld: current.voters };
}

function byId(members: readonly Member[]): readonly Member[] {
  return [...members].sort((left, right) => left.id - right.id);
}

function ascending(ids: readonly NodeId[]): readonly NodeId[] {
  return [...ids].sort((left, right) => left - right);
}
