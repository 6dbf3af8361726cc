/** Generators of what travels between servers and stands on disk: numbers, texts, configurations, entries, messages. */

import type { Random } from "../../lib/base/random.ts";
import { stringToBytes } from "../../lib/base/bytes.ts";
import type { Message } from "../../lib/raft/messages.ts";
import {
  type Configuration,
  type Entry,
  type EntryId,
  type Index,
  type Member,
  type NodeId,
  type Role,
  type Term,
  toIndex,
  toTerm,
} from "../../lib/raft/types.ts";
import { CHECKS_HEARD_MAX } from "../../lib/transport/limits.ts";
import type { Greeting, PeerStatus, StateCheck } from "../../lib/transport/transport.ts";
import { SPOKEN_VERSIONS } from "../../lib/transport/versions.ts";
import { anyBytes, anyText } from "./mutators.ts";
import { runOf } from "../support/runs.ts";

const COUNTS: readonly number[] = [
  0,
  1,
  2,
  255,
  65_536,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
  2 ** 32,
  2 ** 53 - 2,
  2 ** 53 - 1,
];
const IDS: readonly number[] = [0, 1, 2, 7, 2 ** 31 - 1];
const ROLES: readonly Role[] = ["Follower", "PreCandidate", "Candidate", "Leader"];
const MESSAGE_KINDS = 9;

/** A non-negative safe integer, often one at a limit. */
export function anyCount(random: Random): number {
  if (random.chance(0.4)) return random.pick(COUNTS);
  return random.chance(0.7) ? random.below(1_000) : Math.floor(random.fraction() * 2 ** random.between(1, 53));
}

/** A count as an index. */
export function anyIndex(random: Random): Index {
  return toIndex(anyCount(random));
}

/** A count as a term. */
export function anyTerm(random: Random): Term {
  return toTerm(anyCount(random));
}

/** A count as both. */
export function anyEntryId(random: Random): EntryId {
  return { index: anyIndex(random), term: anyTerm(random) };
}

/** A node id, often one at a limit. */
export function anyId(random: Random): NodeId {
  return random.chance(0.5) ? random.pick(IDS) : random.below(2 ** 31);
}

/** A configuration that keeps to all that its type promises; addresses are any text. */
export function anyConfiguration(random: Random): Configuration {
  const ids = Array.from(new Set(Array.from({ length: random.below(6) }, () => anyId(random)))).sort((a, b) => a - b);
  const members: Member[] = ids.map((id) => ({
    id,
    address: anyText(random, 12),
    clientAddress: anyText(random, 12),
    identity: random.chance(0.5) ? "" : "0123456789abcdef",
  }));
  const [voters, votersOld, learners]: NodeId[][] = [[], [], []];
  const joint = random.chance(0.3);
  for (const id of ids) {
    if (random.chance(0.7)) voters?.push(id);
    else learners?.push(id);
    if (joint && random.chance(0.7)) votersOld?.push(id);
  }
  return { members, voters: voters ?? [], votersOld: votersOld ?? [], learners: learners ?? [] };
}

/** Up to `countMax` entries of one term, from `first` on. */
export function anyEntries(random: Random, first: EntryId, countMax = 5): Entry[] {
  return Array.from({ length: random.below(countMax + 1) }, (_, at): Entry => {
    const id = { index: toIndex(first.index + at), term: first.term };
    if (random.chance(0.1)) return { type: "NoOp", ...id };
    if (random.chance(0.2)) return { type: "Configuration", ...id, configuration: anyConfiguration(random) };
    return { type: "Command", ...id, command: anyBytes(random, 40) };
  });
}

/** What an address may look like to a codec: any of the characters that occur in one. */
function anyAddress(random: Random): string {
  const host = random.pick(["127.0.0.1", "node-1.example", "[::1]", "a".repeat(255), ""]);
  return host === "" ? "" : `${host}:${random.between(1, 65_535)}`;
}

/** What a node says of itself in a handshake. */
export function anyGreeting(random: Random): Greeting {
  return {
    versions: { oldest: random.below(SPOKEN_VERSIONS.newest + 1), newest: SPOKEN_VERSIONS.newest + random.below(3) },
    clusterId: anyText(random, 20),
    clusterName: anyText(random, 20),
    nodeId: anyId(random),
    incarnation: anyCount(random),
    identity: anyText(random, 20),
    rejoin: random.chance(0.5),
    configurationIndex: anyCount(random),
    membersFingerprint: anyText(random, 20),
    clientAddress: anyAddress(random),
    peerAddress: anyAddress(random),
  };
}

/** What a node tells its peers once a second. */
export function anyStatus(random: Random): PeerStatus {
  return {
    role: random.pick(ROLES),
    term: anyTerm(random),
    leaderId: random.chance(0.3) ? undefined : anyId(random),
    commitIndex: anyIndex(random),
    lastApplied: anyIndex(random),
    lastDurable: anyEntryId(random),
    clientAddress: anyAddress(random),
    httpAddress: random.chance(0.2) ? "" : `host-${random.below(9)}.test:${random.between(1, 65_535)}`,
    ...(random.chance(0.5)
      ? {}
      : { checks: Array.from({ length: random.below(CHECKS_HEARD_MAX + 1) }, () => anyCheck(random)) }),
    ...(random.chance(0.5) ? {} : { suspect: true }),
    ...(random.chance(0.5) ? {} : { quarantined: true }),
  };
}

function anyCheck(random: Random): StateCheck {
  const digits = Array.from({ length: 16 }, () => random.below(16).toString(16)).join("");
  return { index: anyIndex(random), digest: `${random.below(9)}:${digits}` };
}

/** 32 hex digits. */
export function anyNonce(random: Random): string {
  return Array.from({ length: 32 }, () => random.below(16).toString(16)).join("");
}

/** A message of any type. */
export function anyMessage(random: Random): Message {
  const envelope = { from: anyId(random), to: anyId(random), term: anyTerm(random) };
  const flag = () => random.chance(0.5);
  switch (random.below(MESSAGE_KINDS)) {
    case 0: {
      const last = { lastLogIndex: anyIndex(random), lastLogTerm: anyTerm(random) };
      return { type: "RequestVote", ...envelope, preVote: flag(), leadershipTransfer: flag(), ...last };
    }
    case 1:
      return { type: "RequestVoteResult", ...envelope, preVote: flag(), voteGranted: flag(), ...anyTimes(random) };
    case 2:
      return {
        type: "AppendEntriesResult",
        ...envelope,
        success: flag(),
        matchIndex: anyIndex(random),
        rejectedIndex: anyIndex(random),
        conflictIndex: anyIndex(random),
        conflictTerm: anyTerm(random),
        round: anyCount(random),
        ...(flag() ? { dateMs: anyCount(random) } : {}),
      };
    case 3: {
      const last = { lastIncludedIndex: anyIndex(random), nextOffset: anyCount(random) };
      return {
        type: "InstallSnapshotResult",
        ...envelope,
        ...last,
        installed: flag(),
        rejected: flag(),
        round: anyCount(random),
      };
    }
    case 4:
      return { type: "TimeoutNow", ...envelope };
    case 5:
      return { type: "ReadIndex", ...envelope, incarnation: anyCount(random), token: anyCount(random) };
    case 6: {
      const asked = { incarnation: anyCount(random), token: anyCount(random) };
      const point = { readIndex: anyIndex(random), timeMs: anyCount(random) };
      return { type: "ReadIndexResult", ...envelope, ...asked, confirmed: flag(), ...point };
    }
    default:
      return random.chance(0.3) ? anyChunk(random, envelope) : anyAppendEntries(random, envelope);
  }
}

/** What the driver adds to some messages. */
function anyTimes(random: Random): { readonly timeMs?: number; readonly dateMs?: number } {
  return {
    ...(random.chance(0.5) ? { timeMs: anyCount(random) } : {}),
    ...(random.chance(0.5) ? { dateMs: anyCount(random) } : {}),
  };
}

function anyAppendEntries(random: Random, envelope: Pick<Message, "from" | "to" | "term">): Message {
  const prevLogIndex = toIndex(Math.min(anyCount(random), 2 ** 53 - 100));
  // Entries have a term above 0.
  const first = { index: toIndex(prevLogIndex + 1), term: toTerm(Math.max(1, anyCount(random))) };
  return {
    type: "AppendEntries",
    ...envelope,
    prevLogIndex,
    prevLogTerm: anyTerm(random),
    entries: runOf(anyEntries(random, first)),
    leaderCommit: anyIndex(random),
    round: anyCount(random),
    confirm: random.chance(0.5),
    ...anyTimes(random),
  };
}

function anyChunk(random: Random, envelope: Pick<Message, "from" | "to" | "term">): Message {
  return {
    type: "InstallSnapshot",
    ...envelope,
    lastIncludedIndex: anyIndex(random),
    lastIncludedTerm: anyTerm(random),
    configuration: anyConfiguration(random),
    offset: anyCount(random),
    data: stringToBytes(anyBytes(random, 60)),
    done: random.chance(0.5),
    round: anyCount(random),
  };
}
