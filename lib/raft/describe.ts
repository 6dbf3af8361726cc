/** Events, messages and updates as short lines of text: for golden scripts and for people who debug. The only formatter. */

import { unreachable } from "../base/assert.ts";
import type { Event } from "./events.ts";
import type { AppendEntries, AppendEntriesResult, Message } from "./messages.ts";
import { decodeCommands } from "./run.ts";
import type { Configuration, Entry, EntryId } from "./types.ts";
import type { Refusal, Update } from "./update.ts";

/** One line that tells everything the event says. */
export function describeEvent(event: Event): string {
  switch (event.type) {
    case "Receive":
      return `Receive ${describeMessage(event.message)}`;
    case "Propose":
      return `Propose #${event.id} ${
        decodeCommands(event.commands).map((command) => JSON.stringify(command)).join(" ")
      }`;
    case "Read":
      return `Read #${event.id}`;
    case "Persisted":
      return `Persisted write ${event.write} up to ${describeId(event.last)}`;
    case "ChangeMembership":
      return `ChangeMembership #${event.id} voters ${list(event.voters)} learners ${list(event.learners)}` +
        (event.level === undefined ? "" : ` level ${event.level}`);
    case "TransferLeadership":
      return `TransferLeadership to ${event.target ?? "anyone"}`;
    case "SnapshotTaken":
      return `SnapshotTaken at ${describeId(event.snapshot.lastIncluded)}, log kept from ${event.keepFrom}`;
    case "SnapshotInstalled":
      return `SnapshotInstalled at ${describeId(event.snapshot.lastIncluded)}`;
    case "SnapshotRejected":
      return `SnapshotRejected at ${describeId(event.lastIncluded)}`;
    case "PeerDisconnected":
      return `PeerDisconnected ${event.peer}`;
    case "PeerIntroduced":
      return `PeerIntroduced ${event.peer} ${event.knowsCluster ? "of a cluster" : "of none"}`;
    case "Quarantine":
      return `Quarantine ${event.isOn ? "begins" : "ends"}`;
    case "SendSnapshot":
      return `SendSnapshot ${event.peer}`;
    case "Tick":
    case "Stalled":
      return event.type;
    default:
      return unreachable(event);
  }
}

/** The effects of a step, one line each, in the order in which they are performed; none for a step without effects. */
export function describeUpdate(update: Update): readonly string[] {
  const lines: string[] = [];
  const { hardState } = update;
  if (hardState !== undefined) {
    const { currentTerm, votedFor, clusterId } = hardState;
    const cluster = clusterId === undefined ? "" : `, cluster ${clusterId}`;
    lines.push(`save term ${currentTerm}, vote ${votedFor ?? "none"}${cluster}`);
  }
  for (const { number, run } of update.writes) lines.push(`write ${number}: ${describeEntries(run.entries())}`);
  for (const { lastIncluded, offset, data, done } of update.snapshotChunks) {
    lines.push(`store ${describeId(lastIncluded)} bytes ${offset}+${data.length}${done ? ", the last" : ""}`);
  }
  for (const message of update.messages) lines.push(`send ${describeMessage(message)}`);
  for (const message of update.durableMessages) lines.push(`send when durable ${describeMessage(message)}`);
  if (update.apply.length > 0) lines.push(`apply ${describeEntries(update.apply.flatMap((run) => run.entries()))}`);
  for (const { id, index } of update.confirmedReads) lines.push(`confirm read #${id} at ${index}`);
  for (const { id, refusal } of update.refusedReads) lines.push(`refuse read #${id}: ${describeRefusal(refusal)}`);
  for (const { id, first } of update.accepted) lines.push(`accept #${id} from ${describeId(first)}`);
  for (const { id, refusal } of update.refused) lines.push(`refuse #${id}: ${describeRefusal(refusal)}`);
  return lines;
}

/** One line: the RPC, its direction and term, and its fields. */
export function describeMessage(message: Message): string {
  return `${message.type} ${message.from}->${message.to} term ${message.term}${describeFields(message)}`;
}

/** Entries as index/term and content, separated by blanks. */
export function describeEntries(entries: readonly Entry[]): string {
  return entries.map(describeEntry).join(" ");
}

/** A configuration by its ids. */
export function describeConfiguration({ voters, votersOld, learners, level }: Configuration): string {
  const joint = votersOld.length > 0 ? ` from ${list(votersOld)}` : "";
  const more = learners.length > 0 ? ` learners ${list(learners)}` : "";
  return `${list(voters)}${joint}${more}${level === undefined ? "" : ` level ${level}`}`;
}

function describeFields(message: Message): string {
  switch (message.type) {
    case "RequestVote":
      return `${kind(message)} last ${message.lastLogIndex}/${message.lastLogTerm}`;
    case "RequestVoteResult":
      return `${kind(message)} ${message.voteGranted ? "granted" : "refused"}`;
    case "AppendEntries":
      return describeAppend(message);
    case "AppendEntriesResult":
      return describeAppended(message);
    case "InstallSnapshot":
      return ` last ${message.lastIncludedIndex}/${message.lastIncludedTerm} offset ${message.offset}` +
        `${message.done ? ", the last chunk" : ""}`;
    case "InstallSnapshotResult":
      return ` last ${message.lastIncludedIndex} ${
        message.installed ? "installed" : message.rejected ? "rejected" : `next offset ${message.nextOffset}`
      }`;
    case "TimeoutNow":
      return "";
    case "ReadIndex":
      return ` token ${message.token}`;
    case "ReadIndexResult":
      return ` token ${message.token} ${message.confirmed ? `confirmed at ${message.readIndex}` : "refused"}`;
    default:
      return unreachable(message);
  }
}

function describeAppend(message: AppendEntries): string {
  const entries = message.entries === undefined ? "" : ` entries ${describeEntries(message.entries.entries())}`;
  const round = message.round > 0 ? ` round ${message.round}${message.confirm ? ", answer at once" : ""}` : "";
  return ` after ${message.prevLogIndex}/${message.prevLogTerm}${entries} commit ${message.leaderCommit}${round}`;
}

function describeAppended(result: AppendEntriesResult): string {
  const round = result.round > 0 ? ` round ${result.round}` : "";
  if (result.success) return ` match ${result.matchIndex}${round}`;
  return ` refused ${result.rejectedIndex}, conflict ${result.conflictIndex}/${result.conflictTerm}${round}`;
}

function kind(message: { readonly preVote: boolean; readonly leadershipTransfer?: boolean }): string {
  return `${message.preVote ? " pre-vote" : ""}${message.leadershipTransfer === true ? " by transfer" : ""}`;
}

function describeEntry(entry: Entry): string {
  const id = describeId(entry);
  if (entry.type === "Command") return `${id}:${JSON.stringify(entry.command)}`;
  return entry.type === "NoOp" ? `${id}:no-op` : `${id}:voters ${describeConfiguration(entry.configuration)}`;
}

function describeId({ index, term }: EntryId): string {
  return `${index}/${term}`;
}

function describeRefusal(refusal: Refusal): string {
  switch (refusal.reason) {
    case "NotLeader":
    case "Transferring":
      return `${refusal.reason}, leader ${refusal.leaderId ?? "unknown"}`;
    case "InvalidConfiguration":
      return `${refusal.reason}, ${refusal.what}`;
    case "LogFull":
    case "ChangeInProgress":
    case "TermNotCommitted":
      return refusal.reason;
    default:
      return unreachable(refusal);
  }
}

function list(ids: readonly number[]): string {
  return ids.length === 0 ? "none" : ids.join(",");
}
