/** Peers that agree with everything, to bring one server to where a test begins. */

import { assertEquals, fail } from "@std/assert";
import { type NodeId, toIndex, toTerm } from "../../lib/raft/types.ts";
import { Effects } from "../support/raft/effects.ts";
import { HEARTBEAT, RaftServer, type RaftServerOptions } from "../support/raft/server.ts";
import { entriesIn } from "../support/runs.ts";

const STEPS_MAX = 1_000;

/** Calls `run` until `done`, and fails rather than never ending. */
export function until(done: () => boolean, run: () => void): void {
  for (let count = 0; !done(); count++) {
    if (count === STEPS_MAX) fail(`Not reached in ${STEPS_MAX} steps`);
    run();
  }
}

/** Answers every AppendEntries in `effects`, and those that follow, as peers with the leader's own log would. */
export function acknowledge(server: RaftServer, effects: Effects, peers?: readonly NodeId[]): Effects {
  const updates: Effects[] = [];
  let queue = effects.sent("AppendEntries");
  for (let count = 0; queue.length > 0; count++) {
    if (count === STEPS_MAX) fail("The leader never stops sending");
    const message = queue.shift();
    if (message === undefined || (peers !== undefined && !peers.includes(message.to))) continue;
    const known = server.status.progress.find(({ id }) => id === message.to)?.matchIndex ?? 0;
    const match = Math.max(known, message.prevLogIndex + entriesIn(message.entries).length);
    const { to: from, from: to, term, round } = message;
    const answer = server.receive({
      ...{ type: "AppendEntriesResult", from, to, term, success: true, matchIndex: toIndex(match), round },
      ...{ rejectedIndex: toIndex(0), conflictIndex: toIndex(0), conflictTerm: toTerm(0) },
    });
    updates.push(answer);
    queue = queue.concat(answer.sent("AppendEntries"));
  }
  return new Effects(updates);
}

/** The process dies and starts again; of what was not synced only the hard state survives, which messages showed. */
export function restart(server: RaftServer): void {
  server.crash({ writes: 0, hardStates: Infinity });
  server.restart();
}

/** Lets time pass until the server asks for pre-votes. */
export function campaign(server: RaftServer): Effects {
  let effects = new Effects([]);
  until(() => effects.sent("RequestVote").length > 0, () => effects = server.tick());
  return effects;
}

/**
 * Grants the requests for votes in `effects`, those to `peers` only if given, until the role changes. Returns what the last
 * answer led to, before anything is durable.
 */
export function grant(server: RaftServer, effects: Effects, ...peers: NodeId[]): Effects {
  const role = server.status.role;
  let answer = new Effects([]);
  for (const request of effects.sent("RequestVote")) {
    if (peers.length > 0 && !peers.includes(request.to)) continue;
    const { to: from, from: to, term, preVote } = request;
    const message = { type: "RequestVoteResult", from, to, term, preVote, voteGranted: true } as const;
    answer = server.step({ type: "Receive", message });
    if (server.status.role !== role) break;
  }
  return answer;
}

/** Makes the server a candidate with pre-votes from everybody; the result holds its requests for votes. */
export function makeCandidate(server: RaftServer): Effects {
  const effects = grant(server, campaign(server));
  assertEquals(server.status.role, "Candidate");
  return effects;
}

/** Makes the server leader; its no-op is neither durable nor sent further than the returned effects. */
export function elect(server: RaftServer): Effects {
  const effects = grant(server, makeCandidate(server));
  assertEquals(server.status.role, "Leader");
  return effects;
}

/** A leader whose no-op is committed and whose peers hold all its log. */
export function leaderOf(options: RaftServerOptions = {}): RaftServer {
  const server = new RaftServer(options);
  const effects = elect(server);
  acknowledge(server, new Effects([effects, server.persist()]));
  // A heartbeat more, so that every peer has been told the commit index.
  acknowledge(server, server.tick(HEARTBEAT));
  assertEquals(server.status.termCommitted, true);
  return server;
}
