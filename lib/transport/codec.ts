/** Messages of the core to headers and bodies and back. What does not decode reaches nobody. */

import { unreachable } from "../base/assert.ts";
import { decodeConfiguration } from "../raft/configuration_codec.ts";
import type {
  AppendEntries,
  AppendEntriesResult,
  InstallSnapshot,
  InstallSnapshotResult,
  Message,
  ReadIndex,
  ReadIndexResult,
  RequestVote,
  RequestVoteResult,
} from "../raft/messages.ts";
import { Run } from "../raft/run.ts";
import { EMPTY_CONFIGURATION, type Index, type Term, toIndex, toTerm } from "../raft/types.ts";
import { asciiJson, type Fields } from "./fields.ts";
import { decodeForwarding, encodeForwarding, isForwarding, type PeerMessage } from "./forward.ts";
import { NO_BODY } from "./frame.ts";

/** A message in the form it travels in. `header` is ASCII; `body` may be shared with others and must not be changed. */
export interface EncodedMessage {
  readonly header: string;
  readonly body: Uint8Array;
}

/** The wire form of a message. The sender is `leaderId` or `candidateId` where the paper says so, else `from`. */
export function encodeMessage(message: PeerMessage): EncodedMessage {
  if (isForwarding(message)) return encodeForwarding(message);
  const { type: rpc, term, from, to } = message;
  switch (message.type) {
    case "RequestVote": {
      const { preVote, leadershipTransfer, lastLogIndex, lastLogTerm } = message;
      return plain({ rpc, term, candidateId: from, to, preVote, leadershipTransfer, lastLogIndex, lastLogTerm });
    }
    case "RequestVoteResult":
      return plain({ rpc, term, from, to, ...votePart(message) });
    case "AppendEntries":
      return encodeAppendEntries(message);
    case "AppendEntriesResult": {
      const { success, matchIndex, rejectedIndex, conflictIndex, conflictTerm, round, dateMs } = message;
      const place = { success, matchIndex, rejectedIndex, conflictIndex, conflictTerm };
      return plain({ rpc, term, from, to, ...place, round, dateMs });
    }
    case "InstallSnapshot":
      return encodeInstallSnapshot(message);
    case "InstallSnapshotResult": {
      const { lastIncludedIndex, nextOffset, installed, rejected, round } = message;
      return plain({ rpc, term, from, to, lastIncludedIndex, nextOffset, installed, rejected, round });
    }
    case "TimeoutNow":
      return plain({ rpc, term, leaderId: from, to });
    case "ReadIndex":
      return plain({ rpc, term, from, to, incarnation: message.incarnation, token: message.token });
    case "ReadIndexResult": {
      const { incarnation, token, confirmed, readIndex, timeMs } = message;
      return plain({ rpc, term, from, to, incarnation, token, confirmed, readIndex, timeMs });
    }
    default:
      return unreachable(message);
  }
}

function encodeAppendEntries(message: AppendEntries): EncodedMessage {
  const { type: rpc, term, from: leaderId, to, prevLogIndex, prevLogTerm, entries } = message;
  const { leaderCommit, round, confirm, timeMs, dateMs } = message;
  const entriesTerm = entries?.term ?? 0;
  const position = { prevLogIndex, prevLogTerm, entriesTerm };
  const fields = { rpc, term, leaderId, to, ...position, leaderCommit, round, confirm, timeMs, dateMs };
  return { header: JSON.stringify(fields), body: entries?.body ?? NO_BODY };
}

function encodeInstallSnapshot(message: InstallSnapshot): EncodedMessage {
  const { type: rpc, term, from: leaderId, to, lastIncludedIndex, lastIncludedTerm } = message;
  const { configuration, offset, done, round } = message;
  const last = { lastIncludedIndex, lastIncludedTerm };
  // Addresses are text and may be beyond ASCII; everything else in a header is numbers and names of ours.
  return {
    header: asciiJson({ rpc, term, leaderId, to, ...last, offset, done, round, configuration }),
    body: message.data,
  };
}

function votePart({ preVote, voteGranted, dateMs, timeMs }: RequestVoteResult): Parameters<typeof plain>[0] {
  return { preVote, voteGranted, timeMs, dateMs };
}

/** What is undefined leaves no trace in JSON. */
function plain(fields: Readonly<Record<string, string | number | boolean | undefined>>): EncodedMessage {
  return { header: JSON.stringify(fields), body: NO_BODY };
}

/** Reads what `encodeMessage` made; undefined for everything else. Copies what it keeps of `body`. */
export function decodeMessage(fields: Fields, body: Uint8Array): PeerMessage | undefined {
  const message = decodeAny(fields, body);
  return fields.valid ? message : undefined;
}

function decodeAny(fields: Fields, body: Uint8Array): PeerMessage | undefined {
  if (fields.rpc === "AppendEntries") return decodeAppendEntries(fields, body);
  if (fields.rpc === "InstallSnapshot") return decodeInstallSnapshot(fields, body);
  if (fields.rpc === "Forward" || fields.rpc === "ForwardResult") return decodeForwarding(fields, body);
  if (body.length > 0) return undefined;
  switch (fields.rpc) {
    case "RequestVote":
      return decodeRequestVote(fields);
    case "RequestVoteResult":
      return decodeRequestVoteResult(fields);
    case "AppendEntriesResult":
      return decodeAppendEntriesResult(fields);
    case "InstallSnapshotResult":
      return decodeInstallSnapshotResult(fields);
    case "TimeoutNow":
      return { type: "TimeoutNow", ...envelope(fields, "leaderId") };
    case "ReadIndex":
      return decodeReadIndex(fields);
    case "ReadIndexResult":
      return decodeReadIndexResult(fields);
    default:
      return undefined; // A name from outside: not a union of ours, so not `unreachable`.
  }
}

function decodeRequestVote(fields: Fields): RequestVote {
  return {
    type: "RequestVote",
    ...envelope(fields, "candidateId"),
    preVote: fields.flag("preVote"),
    leadershipTransfer: fields.flag("leadershipTransfer"),
    lastLogIndex: index(fields, "lastLogIndex"),
    lastLogTerm: term(fields, "lastLogTerm"),
  };
}

function decodeRequestVoteResult(fields: Fields): RequestVoteResult {
  return {
    type: "RequestVoteResult",
    ...envelope(fields, "from"),
    preVote: fields.flag("preVote"),
    voteGranted: fields.flag("voteGranted"),
    ...optionalCount(fields, "timeMs"),
    ...optionalCount(fields, "dateMs"),
  };
}

function decodeAppendEntries(fields: Fields, body: Uint8Array): AppendEntries {
  const prevLogIndex = index(fields, "prevLogIndex");
  const entriesTerm = term(fields, "entriesTerm");
  // Entries have a term, and no entries have none: so each message has exactly one form.
  if ((body.length === 0) !== (entriesTerm === 0)) fields.reject(undefined);
  const hasEntries = fields.valid && body.length > 0;
  const first = { index: toIndex(prevLogIndex + 1), term: entriesTerm };
  return {
    type: "AppendEntries",
    ...envelope(fields, "leaderId"),
    prevLogIndex,
    prevLogTerm: term(fields, "prevLogTerm"),
    entries: hasEntries ? Run.parse(first, body.slice()) ?? fields.reject(undefined) : undefined,
    leaderCommit: index(fields, "leaderCommit"),
    round: fields.count("round"),
    confirm: fields.flag("confirm"),
    ...optionalCount(fields, "timeMs"),
    ...optionalCount(fields, "dateMs"),
  };
}

function decodeAppendEntriesResult(fields: Fields): AppendEntriesResult {
  return {
    type: "AppendEntriesResult",
    ...envelope(fields, "from"),
    success: fields.flag("success"),
    matchIndex: index(fields, "matchIndex"),
    rejectedIndex: index(fields, "rejectedIndex"),
    conflictIndex: index(fields, "conflictIndex"),
    conflictTerm: term(fields, "conflictTerm"),
    round: fields.count("round"),
    ...optionalCount(fields, "dateMs"),
  };
}

function decodeInstallSnapshot(fields: Fields, body: Uint8Array): InstallSnapshot {
  return {
    type: "InstallSnapshot",
    ...envelope(fields, "leaderId"),
    lastIncludedIndex: index(fields, "lastIncludedIndex"),
    lastIncludedTerm: term(fields, "lastIncludedTerm"),
    configuration: decodeConfiguration(fields.raw("configuration")) ?? fields.reject(EMPTY_CONFIGURATION),
    offset: fields.count("offset"),
    data: body.slice(),
    done: fields.flag("done"),
    round: fields.count("round"),
  };
}

function decodeInstallSnapshotResult(fields: Fields): InstallSnapshotResult {
  return {
    type: "InstallSnapshotResult",
    ...envelope(fields, "from"),
    lastIncludedIndex: index(fields, "lastIncludedIndex"),
    nextOffset: fields.count("nextOffset"),
    installed: fields.flag("installed"),
    rejected: fields.flag("rejected"),
    round: fields.count("round"),
  };
}

function decodeReadIndex(fields: Fields): ReadIndex {
  return {
    type: "ReadIndex",
    ...envelope(fields, "from"),
    incarnation: fields.count("incarnation"),
    token: fields.count("token"),
  };
}

function decodeReadIndexResult(fields: Fields): ReadIndexResult {
  return {
    type: "ReadIndexResult",
    ...envelope(fields, "from"),
    incarnation: fields.count("incarnation"),
    token: fields.count("token"),
    confirmed: fields.flag("confirmed"),
    readIndex: index(fields, "readIndex"),
    timeMs: fields.count("timeMs"),
  };
}

function envelope(fields: Fields, sender: "from" | "leaderId" | "candidateId"): Pick<Message, "from" | "to" | "term"> {
  return { from: fields.nodeId(sender), to: fields.nodeId("to"), term: term(fields, "term") };
}

/** A field that only some messages have. */
function optionalCount<Name extends string>(fields: Fields, name: Name): { readonly [Key in Name]?: number } {
  if (fields.absent(name)) return {};
  return { [name]: fields.count(name) } as { readonly [Key in Name]?: number };
}

function index(fields: Fields, name: string): Index {
  return toIndex(fields.count(name));
}

function term(fields: Fields, name: string): Term {
  return toTerm(fields.count(name));
}
