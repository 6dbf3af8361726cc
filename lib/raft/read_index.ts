/**
 * Linearizable reads without clocks (thesis 6.4, Raft 8, divergence D15): a leader notes its commit index, lets a majority
 * answer a round that began afterwards, and only then says that the state at that index may be read. Followers ask their
 * leader, and the question is the asker's own answer (divergence D20).
 */

import { assert } from "../base/assert.ts";
import { fault } from "../base/faults.ts";
import { type Core, isLeading, type LeadingCore, type PendingRead, type Reader } from "./core.ts";
import type { Read } from "./events.ts";
import type { ReadIndex, ReadIndexResult } from "./messages.ts";
import type { ReadPoint } from "./options.ts";
import { quorumValue } from "./quorum.ts";
import { mustAnswer, sendEmpty, tellCommit } from "./replication.ts";
import { type NodeId, toIndex } from "./types.ts";

/** Readers of this server's driver: confirmed by a round of its own when it leads, by the leader when it follows. */
export function handleRead(core: Core, event: Read): void {
  if (isLeading(core)) {
    if (isFull(core) || fault("raft/readRefused")) {
      core.outbox.refuseRead({ id: event.id, refusal: { reason: "LogFull" } });
    } else takeRead(core, { type: "Local", id: event.id });
    return;
  }
  if (core.leaderId === undefined) {
    refuseLocal(core, { id: event.id, leaderId: undefined });
    return;
  }
  if (core.forwardedReads.size >= core.limits.pendingReadsMax) {
    core.outbox.refuseRead({ id: event.id, refusal: { reason: "LogFull" } });
    return;
  }
  core.lastToken += 1;
  core.forwardedReads.set(core.lastToken, { id: event.id, sinceTicks: core.ticks });
  core.outbox.send({
    type: "ReadIndex",
    from: core.id,
    to: core.leaderId,
    term: core.currentTerm,
    incarnation: core.options.incarnation,
    token: core.lastToken,
  });
}

/** A peer asks. Only members are answered with an index: others would wait for entries that never come. */
export function handleReadIndex(core: Core, message: ReadIndex): void {
  const { from, incarnation, token } = message;
  const reader = { type: "Remote", from, incarnation, token } as const;
  const mayTake = isLeading(core) && core.roleState.progress.has(from) && !isFull(core);
  if (mayTake && !fault("raft/readIndexRefused")) takeRead(core, reader);
  else refuseReadIndex(core, message);
}

/** Tells a peer that this server cannot confirm its read: it does not lead, or leads no more. */
export function refuseReadIndex(core: Core, asked: Omit<Extract<Reader, { type: "Remote" }>, "type">): void {
  const { from, incarnation, token } = asked;
  const result = { confirmed: false, readIndex: toIndex(0), timeMs: 0, incarnation, token };
  core.outbox.send({ type: "ReadIndexResult", from: core.id, to: from, term: core.currentTerm, ...result });
}

/** The leader answered a question of this life of the process, or a late answer to an earlier one came (B6, B17). */
export function handleReadIndexResult(core: Core, result: ReadIndexResult): void {
  if (result.incarnation !== core.options.incarnation || result.from !== core.leaderId) return;
  const read = core.forwardedReads.get(result.token);
  if (read === undefined) return;
  core.forwardedReads.delete(result.token);
  if (result.confirmed) core.outbox.confirmRead({ id: read.id, index: result.readIndex, timeMs: result.timeMs });
  else refuseLocal(core, { id: read.id, leaderId: core.leaderId });
}

/** The leader changed or is unknown: what was asked of the old one is refused, and the driver asks again. */
export function failForwardedReads(core: Core): void {
  for (const { id } of core.forwardedReads.values()) refuseLocal(core, { id, leaderId: core.leaderId });
  core.forwardedReads.clear();
}

/** Questions or answers get lost: what waits for an election timeout is refused. */
export function expireForwardedReads(core: Core): void {
  for (const [token, read] of core.forwardedReads) {
    if (core.ticks - read.sinceTicks < core.limits.electionTimeoutTicksMin) return;
    core.forwardedReads.delete(token);
    refuseLocal(core, { id: read.id, leaderId: core.leaderId });
  }
}

/** A leader steps down: no round of its term confirms anything any more. */
export function failLeaderReads(core: LeadingCore, leaderId: NodeId | undefined): void {
  const { heldReads, pendingReads } = core.roleState;
  for (const reader of [...pendingReads.map((read) => read.reader), ...heldReads]) {
    if (reader.type === "Local") refuseLocal(core, { id: reader.id, leaderId });
    else refuseReadIndex(core, reader);
  }
}

/** After a pause of the process only answers to a round that began after it count (B7). */
export function restartRounds(core: LeadingCore): void {
  const { roleState } = core;
  if (roleState.pendingReads.length === 0) return;
  roleState.round += 1;
  roleState.pendingReads = roleState.pendingReads.map((read) => ({ ...read, round: roleState.round }));
}

/** At the end of a leader's step: begins, asks and confirms what can be. */
export function settleReads(core: LeadingCore): void {
  const { roleState } = core;
  if (roleState.termCommitted && roleState.heldReads.length > 0) beginRound(core, roleState.heldReads.splice(0));
  if (roleState.pendingReads.length === 0) return;
  if (!fault("raft/confirmationPutOff")) confirmReads(core);
  askRound(core);
}

function takeRead(core: LeadingCore, reader: Reader): void {
  // Raft 8: until it has committed an entry of its own term, a leader does not know which entries are committed (B4).
  if (core.roleState.termCommitted) beginRound(core, [reader]);
  else core.roleState.heldReads.push(reader);
}

function beginRound(core: LeadingCore, readers: readonly Reader[]): void {
  const { roleState } = core;
  roleState.round += 1;
  const commitIndex = toIndex(core.commitIndex);
  const point = core.options.readPoint?.(commitIndex) ?? { index: commitIndex, timeMs: 0 };
  assert(point.index >= commitIndex && point.index <= core.log.lastIndex, `Cannot read at ${point.index}`);
  for (const reader of readers) roleState.pendingReads.push({ reader, point, round: roleState.round });
}

/** Asks the voters that no message has asked yet for the round of the last read that waits. */
function askRound(core: LeadingCore): void {
  for (const peer of core.roleState.progress.values()) {
    // A peer in Snapshot answers with its next chunk.
    if (mustAnswer(core, peer) && peer.state !== "Snapshot") sendEmpty(core, peer);
  }
}

/** Confirms the reads whose round, or a later one, a majority has answered (B5). */
function confirmReads(core: LeadingCore): void {
  const { roleState } = core;
  const confirmedRounds = new Map<NodeId, number>();
  const confirmed: PendingRead[] = [];
  const waiting: PendingRead[] = [];
  for (const read of roleState.pendingReads) {
    const asker = read.reader.type === "Remote" ? read.reader.from : core.id;
    const confirmedRound = confirmedRounds.get(asker) ?? confirmedRoundFor(core, asker);
    confirmedRounds.set(asker, confirmedRound);
    (read.round <= confirmedRound ? confirmed : waiting).push(read);
  }
  if (confirmed.length === 0) return;
  roleState.pendingReads = waiting;
  for (const { reader, point } of confirmed) {
    if (reader.type === "Remote") confirmRemote(core, { reader, point });
    else core.outbox.confirmRead({ id: reader.id, index: toIndex(point.index), timeMs: point.timeMs });
  }
}

/**
 * The last round that confirms the reads of `asker`. Its question counts for its own reads, and for no others: it takes the
 * confirmation only while still in this term, so it was in it when the round began (divergence D20).
 */
function confirmedRoundFor(core: LeadingCore, asker: NodeId): number {
  const { round, progress } = core.roleState;
  return quorumValue(
    core.log.configuration,
    (id) => id === core.id || id === asker ? round : progress.get(id)?.answeredRound ?? 0,
  );
}

function confirmRemote(
  core: LeadingCore,
  { reader, point }: { readonly reader: Extract<Reader, { type: "Remote" }>; readonly point: ReadPoint },
): void {
  const { from, incarnation, token } = reader;
  const peer = core.roleState.progress.get(from);
  // The reader waits until it has applied the index: it shall not wait for the next heartbeat to hear of the commit.
  if (peer !== undefined) tellCommit(core, peer);
  const { index, timeMs } = point;
  const result = { confirmed: true, readIndex: toIndex(index), timeMs, incarnation, token };
  core.outbox.send({ type: "ReadIndexResult", from: core.id, to: from, term: core.currentTerm, ...result });
}

function isFull(core: LeadingCore): boolean {
  const { heldReads, pendingReads } = core.roleState;
  return heldReads.length + pendingReads.length >= core.limits.pendingReadsMax;
}

function refuseLocal(core: Core, what: { readonly id: number; readonly leaderId: NodeId | undefined }): void {
  core.outbox.refuseRead({ id: what.id, refusal: { reason: "NotLeader", leaderId: what.leaderId } });
}
